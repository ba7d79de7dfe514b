"""Guided upsampling of a stylized small copy to the photo's size (He et al. 2013)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.images.colors import luminance
from fastnst.images.pixels import Pixels
from fastnst.runtime.photos.compose import BAND_ROWS

Floats: TypeAlias = npt.NDArray[np.float32]
REDUCED = 2
"""Factor by which the small copies are smaller still where gains are computed."""
RADIUS = 2
"""Pixels to each side of a pixel that its window has there."""
NOISE_LEVELS = 4.0
"""Strength, in levels of 255, below which detail of the photo counts as noise and is not carried over."""
ONE = 128
"""A gain of 1, and of 0 less than nothing, in the bytes that gains are kept in."""


def guided_upsample(painted: Pixels, small: Pixels, photo: Pixels) -> Pixels:
    """Enlarge the stylized small copy of a photo to the photo's size, with the photo's detail.

    Around each pixel the stylized copy is a linear function of the small copy's luminance (the guided filter of
    He et al. 2013, equations 5 and 6); the detail that the small copy has lost goes through the same function, whose
    coefficients are computed on smaller copies (He and Sun 2015, "Fast Guided Filter").

    Args:
        painted: The stylized small copy, (h, w, 3).
        small: The small copy of the photo, (h, w, 3).
        photo: The photo, (H, W, 3).

    Returns:
        Pixels (H, W, 3).
    """
    height, width = photo.shape[:2]
    colors, grey = Image.fromarray(painted), Image.fromarray(small).convert("L")
    gains = Image.fromarray(_gains(painted, small))
    result = np.empty_like(photo)
    for first in range(0, height, BAND_ROWS):
        last = min(first + BAND_ROWS, height)

        def enlarged(
            image: Image.Image, how: Image.Resampling, first: int = first, last: int = last
        ) -> Pixels:
            scale = image.height / height
            box = (0, first * scale, image.width, last * scale)
            return np.asarray(image.resize((width, last - first), how, box=box))

        detail = np.asarray(Image.fromarray(photo[first:last]).convert("L"), np.int16)
        detail -= enlarged(grey, Image.Resampling.BICUBIC)
        # In place, within 16 bits: 128 times 255 at most.
        values = enlarged(gains, Image.Resampling.BILINEAR).astype(np.int16)
        values -= ONE
        values *= np.repeat(detail, 3, axis=1).reshape(values.shape)
        values >>= 7
        values += enlarged(colors, Image.Resampling.BICUBIC)
        result[first:last] = np.clip(values, 0, 255, out=values)
    return result


def _gains(painted: Pixels, small: Pixels) -> Pixels:
    """Return the slopes of the linear functions, -1..1 as 0..255, of copies that are smaller still."""
    copies = (np.asarray(Image.fromarray(each).reduce(REDUCED)) for each in (painted, small))
    colors, y = next(copies).astype(np.float32), luminance(next(copies))
    mean_y = _mean(y)
    variance = _mean(y * y) - mean_y**2 + NOISE_LEVELS**2
    gains = [(_mean(y * c) - mean_y * _mean(c)) / variance for c in colors.transpose(2, 0, 1)]
    result: Pixels = np.rint(ONE + ONE * np.stack(gains, -1)).clip(0, 255).astype(np.uint8)
    return result


def _mean(values: Floats) -> Floats:
    """Return the mean over the window around each pixel."""
    side = 2 * RADIUS + 1
    sums = np.pad(values.astype(np.float64), RADIUS, "edge")
    for _ in range(2):  # Down, then across.
        total = np.pad(sums.cumsum(axis=0), ((1, 0), (0, 0)))
        sums = ((total[side:] - total[:-side]) / side).T
    result: Floats = sums.astype(np.float32)
    return result
