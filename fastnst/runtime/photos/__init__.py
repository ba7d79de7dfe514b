"""One picture, and what is done around the net."""
