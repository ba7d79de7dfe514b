"""The job `evaluate`: figures of a style (needs torch)."""
