"""Composition of photos and stylized images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels

BAND_ROWS = 256
"""Rows that are worked on at once, where numbers are wider than a byte."""


def blend_by_mask(photo: Pixels, stylized: Pixels, mask: Pixels) -> Pixels:
    """Blend a photo with its stylized image by a mask (H, W), from 0, the photo, to 255."""
    share = mask[..., None] / np.float32(255)
    result: Pixels = np.rint(photo + share * (stylized.astype(np.float32) - photo)).astype(np.uint8)
    return result


def in_row_bands(function: Callable[..., Pixels], first: Pixels, *others: Pixels) -> Pixels:
    """Apply a function of pixels to images of one size, some rows at a time."""
    result = np.empty_like(first)
    for row in range(0, len(first), BAND_ROWS):
        rows = slice(row, row + BAND_ROWS)
        result[rows] = function(first[rows], *(other[rows] for other in others))
    return result


def fill_transparent(photo: Pixels, visible: npt.NDArray[np.bool_]) -> Pixels:
    """Fill the pixels of a photo that are not visible by the visible ones around, so that they colour nothing."""
    if not visible.any():
        return np.full_like(photo, 127)
    levels = [(photo.astype(np.float32) * visible[..., None], visible.astype(np.float32))]
    while min(levels[-1][1].shape) > 1 and not levels[-1][1].all():
        colors, weight = levels[-1]
        pad = [(0, side % 2) for side in weight.shape]
        colors, weight = np.pad(colors, [*pad, (0, 0)]), np.pad(weight, pad)
        height, width = (side // 2 for side in weight.shape)
        sums = colors.reshape(height, 2, width, 2, 3).sum(axis=(1, 3))
        counts = weight.reshape(height, 2, width, 2).sum(axis=(1, 3))
        known = (counts > 0).astype(np.float32)
        levels.append((sums / np.maximum(counts, 1)[..., None], known))
    colors, weight = levels.pop()
    mean = colors[weight > 0].mean(axis=0)
    colors = np.where(weight[..., None] > 0, colors, mean)
    while levels:
        finer, weight = levels.pop()
        height, width = weight.shape
        coarse = colors.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
        colors = np.where(weight[..., None] > 0, finer, coarse)
    result: Pixels = np.where(visible[..., None], photo, np.rint(colors)).astype(np.uint8)
    return result
