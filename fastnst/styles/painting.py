"""Paintings as styles: reading a picture that a style is learnt or predicted from."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.formats import IMAGE_EXTENSIONS
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image

SMALLEST_PAINTING = 64
"""Least shorter side in pixels, as given and as scaled: 8 at relu4_3, the deepest style layer."""
SMALLEST_VIEW = 16
"""Pixels on the shorter side of a painting as seen from afar: 2 at relu4_3."""
LEAST_CONTRAST = 2.0
"""Least standard deviation of some channel, of 255; below it a painting is one colour, blurred by its codec."""


def is_picture(name: str) -> bool:
    """Return whether a style's name is that of a picture file, there or not, by its extension."""
    return os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS


def read_painting(path: str | Path) -> Image.Image:
    """Read a painting, RGB.

    Raises:
        UnreadableImage: The file can't be read.
        FastnstError: The painting is too small, or has no style to learn.
    """
    stored = read_image(Path(path))
    if stored.mode == "RGBA" and stored.getchannel("A").getextrema()[1] == 0:
        raise FastnstError(
            f"The painting {path} is fully transparent.", "Give one that can be seen."
        )
    painting = stored.convert("RGB")
    check_size(painting, path, "is")
    if np.asarray(painting, np.float32).std(axis=(0, 1)).max() < LEAST_CONTRAST:
        raise FastnstError(
            f"The painting {path} has one colour all over, so there is no style in it to learn.",
            "Give one with strokes or shapes.",
        )
    return painting


def check_size(painting: Image.Image, path: str | Path, how: str) -> None:
    """Refuse a painting that is too small.

    Args:
        painting: As it is, or as it was scaled.
        path: Its file, for the error.
        how: What comes between its name and its size: "is", "at --size 30 is".

    Raises:
        FastnstError: It is too small.
    """
    if min(painting.size) < SMALLEST_PAINTING:
        raise FastnstError(
            f"The painting {path} {how} {painting.width}x{painting.height} px, too small to learn from.",
            f"It needs {SMALLEST_PAINTING} px on its shorter side; 300 and more are good.",
        )


def scaled_like(painting: Image.Image, side: int, longer: float | None = None) -> Image.Image:
    """Scale a painting down to the area of a square; one that is smaller stays as it is.

    Enlarged strokes would be blurred.

    Args:
        painting: The painting.
        side: Side of the square in pixels.
        longer: Longer side of the result, as a multiple of the square's, in place of an equal area.
    """
    longest = max(painting.size)
    wanted = longer or longest / math.sqrt(math.prod(painting.size))
    # The shorter side of a strip must not vanish.
    least = math.ceil(SMALLEST_VIEW * longest / min(painting.size))
    return resize_long_edge(painting, min(longest, max(least, round(side * wanted))))
