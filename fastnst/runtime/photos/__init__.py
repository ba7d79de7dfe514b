"""One image, and what is done to it around the net."""
