"""What a style is."""
