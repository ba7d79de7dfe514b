"""A net that paints arrays."""
