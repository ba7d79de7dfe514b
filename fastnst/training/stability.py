"""Steadiness: what is painted moves with what is shown, so that videos do not flicker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch.nn.functional as F
from torch import Generator, Tensor
from torch import randn as normal

REACH = 16
"""Pixels that a picture moves, at most, down and to the right; and what is left out at the edges, where a
picture that moves shows something new. A multiple of every net's `multiple_of`."""
ZOOMS = (-2, -1, 0, 0, 0, 0, 1, 2)
"""Of which one is drawn: eights of pixels that a side grows by."""
NOISE = 4.0
"""The most of its deviation, in levels of 255: that of a camera in a dim room."""


def instability(
    paint: Callable[[Tensor], Tensor], photos: Tensor, painted: Tensor, rng: np.random.Generator
) -> Tensor:
    """How far the painting of moved photos is from the moved painting: the mean square, of the range.

    The photos are moved by whole pixels, half of the time zoomed too, and noise is added: motion that is
    known exactly, where Huang et al. 2017 estimate that of videos.

    Args:
        paint: The net, for photos of any size that it takes.
        photos: RGB (N, 3, H, W), 0..255; H and W 4 `REACH` or more.
        painted: What `paint` made of them.
        rng: Draws.
    """
    height, width = (side - REACH for side in photos.shape[2:])
    down, right = (int(rng.integers(REACH + 1)) for _ in range(2))
    grown = 8 * int(rng.choice(ZOOMS))
    if min(height, width) + grown < 3 * REACH:  # Nothing would be left inside the edges.
        grown = 0

    def moved(pictures: Tensor) -> Tensor:
        window = pictures[:, :, down : down + height, right : right + width]
        if not grown:
            return window
        size = (height + grown, width + grown)
        return F.interpolate(window, size, mode="bicubic", align_corners=False)

    wanted = moved(painted)
    shown = moved(photos)
    seeded = Generator(photos.device).manual_seed(int(rng.integers(2**31)))
    noise = normal(shown.shape, generator=seeded, device=shown.device, dtype=shown.dtype)
    again = paint((shown + rng.uniform(0, NOISE) * noise).clamp(0, 255))
    inside = ((again - wanted) / 255)[:, :, REACH:-REACH, REACH:-REACH]
    return inside.square().mean()
