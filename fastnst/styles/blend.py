"""The text of a blend: names of styles, or paths of paintings, and their shares."""

from __future__ import annotations

import os

from fastnst.styles.painting import is_picture


def split_blend(blend: str) -> list[tuple[str, str]]:
    """Split `a:0.6,b` into names and the text of their shares: `[("a", "0.6"), ("b", "")]`."""
    if is_picture(blend) and os.path.isfile(blend):
        return [(blend, "")]  # Its name may hold commas and colons.
    parts = []
    for word in map(str.strip, blend.split(",")):
        # A path may begin with the colon of a drive.
        name, _, number = (word, "", "") if is_picture(word) else word.partition(":")
        before, _, last = word.rpartition(":")
        parts.append((before, last) if is_picture(before) else (name, number))
    return parts
