"""Learning a style (needs torch, Lightning and datasets)."""
