"""Image files and their pixels (no torch)."""
