"""Styles as data: cards, names and mixes (no torch)."""
