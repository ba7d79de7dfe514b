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
RADIUS = 4
"""Pixels to each side of a pixel that its window has."""
NOISE_LEVELS = 4.0
"""Strength, in levels of 255, below which detail of the photo counts as noise and is not carried over."""


def guided_upsample(painted: Pixels, small: Pixels, photo: Pixels) -> Pixels:
    """Enlarge the stylized small copy of a photo to the photo's size, with the photo's detail.

    Around each pixel the stylized copy is a linear function of the small copy's luminance (the guided filter of
    He et al. 2013, equations 5 and 6); the detail that the small copy has lost goes through the same function.

    Args:
        painted: The stylized small copy, (h, w, 3).
        small: The small copy of the photo, (h, w, 3).
        photo: The photo, (H, W, 3).

    Returns:
        Pixels (H, W, 3).
    """
    y = luminance(small)
    mean_y = _mean(y)
    variance = _mean(y * y) - mean_y**2 + NOISE_LEVELS**2
    gains = [
        np.clip((_mean(y * c) - mean_y * _mean(c)) / variance, -1, 1)
        for c in painted.astype(np.float32).transpose(2, 0, 1)
    ]
    height, width = photo.shape[:2]
    result = np.empty_like(photo)
    for first in range(0, height, BAND_ROWS):
        last = min(first + BAND_ROWS, height)

        def enlarged(channel: Floats, first: int = first, last: int = last) -> Floats:
            rows, columns = channel.shape
            box = (0, first * rows / height, columns, last * rows / height)
            band = Image.fromarray(channel).resize(
                (width, last - first), Image.Resampling.BICUBIC, box=box
            )
            values: Floats = np.asarray(band)
            return values

        detail = luminance(photo[first:last]) - enlarged(y)
        for k, gain in enumerate(gains):
            values = enlarged(painted[..., k].astype(np.float32)) + enlarged(gain) * detail
            result[first:last, :, k] = np.rint(np.clip(values, 0, 255))
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
