"""Paintings of small copies brought to the photo's size (He et al. 2013)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.images.colors import luminance
from fastnst.images.pixels import Pixels
from fastnst.runtime.photos.compose import BAND

Floats: TypeAlias = npt.NDArray[np.float32]
NEAR = 4
"""Pixels to each side over which detail is carried over."""
NOISE = 4.0
"""Levels of 255: detail of the photo that is no stronger is not carried over."""


def guided_upsample(painted: Pixels, small: Pixels, photo: Pixels) -> Pixels:
    """A painting of a small copy brought to the photo's size, with as much of its detail as the painting has.

    Around each pixel the painting is a linear function of the small copy's luminance (the guided filter of
    He et al. 2013, equations 5 and 6); the detail that the copy has lost goes through the same function.

    Args:
        painted: (h, w, 3).
        small: The photo at that size.
        photo: (H, W, 3).
    """
    y = luminance(small)
    mean_y = _mean(y)
    spread = _mean(y * y) - mean_y**2 + NOISE**2
    gains = [
        np.clip((_mean(y * c) - mean_y * _mean(c)) / spread, -1, 1)
        for c in painted.astype(np.float32).transpose(2, 0, 1)
    ]
    height, width = photo.shape[:2]
    result = np.empty_like(photo)
    for first in range(0, height, BAND):
        last = min(first + BAND, height)

        def enlarged(channel: Floats, first: int = first, last: int = last) -> Floats:
            rows, columns = channel.shape
            box = (0, first * rows / height, columns, last * rows / height)
            whole = Image.fromarray(channel).resize(
                (width, last - first), Image.Resampling.BICUBIC, box=box
            )
            values: Floats = np.asarray(whole)
            return values

        detail = luminance(photo[first:last]) - enlarged(y)
        for k, gain in enumerate(gains):
            values = enlarged(painted[..., k].astype(np.float32)) + enlarged(gain) * detail
            result[first:last, :, k] = np.rint(np.clip(values, 0, 255))
    return result


def _mean(values: Floats) -> Floats:
    """Of each pixel and those near it."""
    side = 2 * NEAR + 1
    sums = np.pad(values.astype(np.float64), NEAR, "edge")
    for _ in range(2):  # Down, then across.
        total = np.pad(sums.cumsum(axis=0), ((1, 0), (0, 0)))
        sums = ((total[side:] - total[:-side]) / side).T
    result: Floats = sums.astype(np.float32)
    return result
