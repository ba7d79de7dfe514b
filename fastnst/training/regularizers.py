"""What training weighs besides the perceptual loss: what no picture needs, and what flickers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch.nn.functional as F
from torch import Generator, Tensor
from torch import randn as normal

from fastnst.models.style_net import EDGE

REACH = 16
"""Pixels that a picture moves, at most, down and to the right; and what is left out at the edges, where a
picture that moves shows something new. A multiple of every net's `multiple_of`."""
ZOOMS = (-2, -1, 0, 0, 0, 0, 1, 2)
"""Of which one is drawn: eights of pixels that a side grows by."""
NOISE = 4.0
"""The most of its deviation, in levels of 255: that of a camera in a dim room."""


def excess(painting: Tensor) -> Tensor:
    """How far a painting before tanh goes past black and white: mean (max(0, |x| - EDGE))^2, a scalar.

    Early in training nets throw black and yellow spots, far out where tanh is flat and the perceptual
    loss has no gradient left to call them back. This one grows with the distance.
    """
    return F.relu(painting.abs() - EDGE).square().mean()


def lattice(painted: Tensor, period: int = 4) -> Tensor:
    """How much of a pattern that repeats every `period` pixels there is, a scalar: the checkerboard of strided nets.

    Of the painting's fine detail (itself less the mean of the 3x3 around), the mean over all pixels with
    the same place in the lattice: nothing in a photo, whose detail has no such order. The sum of the
    squares over a 4x4 block, in units of the range, so that a pattern of 2 of 255 has about 1e-3.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255; H and W multiples of `period`.
        period: In pixels; what repeats after a divisor of it is found too.
    """
    x = painted / 255.0
    n, c, h, w = x.shape
    detail = (x - _around(x, 1)).reshape(n, c, h // period, period, w // period, period)
    return 16 * detail.mean(dim=(2, 4)).square().mean(dim=(2, 3)).sum(dim=1).mean()


def repeats(painted: Tensor, period: int) -> Tensor:
    """How much of it is one mark set again and again every `period` pixels, a scalar: what fills flat areas.

    Of the detail (the painting less the mean of the `period` pixels around) in windows of 4x4 periods, the
    power of what all 16 have in common, as far as it is more than 0.3 of the detail's whole power: chance
    has 1/16 of it in common, a straight line through the window up to 1/4. A window at a time, because
    marks in one place and in another need not be in step, as those that `lattice` finds are. Photos and
    paintings have about 1e-6, plain rows of marks 1e-4 and more.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255; 0 where H or W is less than 4 periods.
        period: In pixels, even; what repeats after a divisor of it is found too.
    """
    if min(painted.shape[2:]) < 4 * period:
        return painted.new_zeros(())
    x = painted / 255.0
    n, c, h, w = (*x.shape[:2], *(side // (4 * period) for side in x.shape[2:]))
    detail = (x - _around(x, period // 2))[..., : h * 4 * period, : w * 4 * period]
    detail = detail.reshape(n, c, h, 4, period, w, 4, period)
    common = detail.mean(dim=(3, 6)).square().mean(dim=(3, 5)).sum(dim=1)
    whole = detail.square().mean(dim=(3, 4, 6, 7)).sum(dim=1)
    return F.relu(common - 0.3 * whole).mean()


def _around(x: Tensor, reach: int) -> Tensor:
    """The mean of the pixels at most `reach` away, along both sides; what is past the edges is mirrored."""
    size = 2 * reach + 1
    x = F.pad(x, (reach + 1, reach) * 2, mode="reflect")
    for side in (2, 3):  # By running sums: a large window costs no more than a small one.
        sums = x.cumsum(side)
        length = sums.shape[side] - size
        x = (sums.narrow(side, size, length) - sums.narrow(side, 0, length)) / size
    return x


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
