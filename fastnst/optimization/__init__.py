"""Painting one photo by descending on its pixels, as Gatys et al. 2016 do (needs torch)."""
