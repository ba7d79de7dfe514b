"""Photos and paintings put together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels

BAND = 256
"""Rows that are worked on at once, where numbers are wider than a byte."""


def mixed(photo: Pixels, painted: Pixels, share: Pixels) -> Pixels:
    """As much of the painting as `share` (H, W) says, 0..255."""
    part = share[..., None] / np.float32(255)
    result: Pixels = np.rint(photo + part * (painted.astype(np.float32) - photo)).astype(np.uint8)
    return result


def banded(do: Callable[..., Pixels], first: Pixels, *others: Pixels) -> Pixels:
    """What is done to pictures of one size, some rows at a time."""
    result = np.empty_like(first)
    for row in range(0, len(first), BAND):
        rows = slice(row, row + BAND)
        result[rows] = do(first[rows], *(other[rows] for other in others))
    return result


def filled(photo: Pixels, seen: npt.NDArray[np.bool_]) -> Pixels:
    """The photo with what is not seen made of what is around it, so that it colours nothing."""
    if not seen.any():
        return np.full_like(photo, 127)
    levels = [(photo.astype(np.float32) * seen[..., None], seen.astype(np.float32))]
    while min(levels[-1][1].shape) > 1 and not levels[-1][1].all():
        colors, weight = levels[-1]
        pad = [(0, side % 2) for side in weight.shape]
        colors, weight = np.pad(colors, [*pad, (0, 0)]), np.pad(weight, pad)
        height, width = (side // 2 for side in weight.shape)
        sums = colors.reshape(height, 2, width, 2, 3).sum(axis=(1, 3))
        counts = weight.reshape(height, 2, width, 2).sum(axis=(1, 3))
        there = counts > 0
        levels.append((sums / np.maximum(counts, 1)[..., None], there.astype(np.float32)))
    colors, weight = levels.pop()
    mean = colors[weight > 0].mean(axis=0)
    colors = np.where(weight[..., None] > 0, colors, mean)
    while levels:
        finer, weight = levels.pop()
        height, width = weight.shape
        coarse = colors.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
        colors = np.where(weight[..., None] > 0, finer, coarse)
    filled: Pixels = np.where(seen[..., None], photo, np.rint(colors)).astype(np.uint8)
    return filled
