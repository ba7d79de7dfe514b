"""How good a style is (needs torch)."""
