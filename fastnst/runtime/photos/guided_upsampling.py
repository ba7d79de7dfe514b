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
SAME = 2
"""Pixels a side that have one gain: detail varies from pixel to pixel, and gains do not."""
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
    gains = gains.resize((-(-width // SAME), -(-height // SAME)), Image.Resampling.BILINEAR)
    slopes = np.asarray(gains).astype(np.int16) - ONE
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
        values = slopes[np.arange(first, last) // SAME].repeat(SAME, axis=1)[:, :width]
        values *= np.repeat(detail, 3, axis=1).reshape(values.shape)
        values >>= 7
        values += enlarged(colors, Image.Resampling.BICUBIC)
        result[first:last] = np.clip(values, 0, 255, out=values)
    return result


def _gains(painted: Pixels, small: Pixels) -> Pixels:
    """Return the slopes of the linear functions, -1..1 as 0..255, of copies that are smaller still."""
    copies = (np.asarray(Image.fromarray(each).reduce(REDUCED)) for each in (painted, small))
    colors, y = next(copies).astype(np.float32).transpose(2, 0, 1), luminance(next(copies))
    means = _means(np.stack([y, y * y, *colors, *(y * colors)]))
    mean_y, variance = means[0], means[1] - means[0] ** 2 + NOISE_LEVELS**2
    slopes = (means[5:] - mean_y * means[2:5]) / variance
    result: Pixels = np.rint(ONE + ONE * slopes).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(result)


def _means(values: Floats) -> Floats:
    """Return the mean over the window around each pixel of pictures (N, H, W)."""
    side = 2 * RADIUS + 1
    _, height, width = values.shape
    around = np.pad(values, ((0, 0), (RADIUS, RADIUS), (RADIUS, RADIUS)), "edge")
    down = around[:, :height].copy()
    for at in range(1, side):
        down += around[:, at : at + height]
    total = down[..., :width].copy()
    for at in range(1, side):
        total += down[..., at : at + width]
    total /= side**2
    return total
