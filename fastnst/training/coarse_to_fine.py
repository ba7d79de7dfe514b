"""Painting from coarse to fine in a training step: levels, canvases, and the crop that is descended on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst.models import StyleNet
from fastnst.runtime.engine.levels import ground
from fastnst.training.objective import seen_from_afar
from fastnst.training.styles import Draw


class Painted(NamedTuple):
    """A batch as the net painted it."""

    stylized: Tensor
    """RGB (N, 3, H, W), float32, -22.5..277.5."""
    pre_tanh: Tensor
    """The net's output before tanh, of the same shape."""


@dataclass(frozen=True)
class CoarseToFine:
    """A net that paints square pictures whose side is that of a crop times a power of two, one for each level.

    Nets of one level have no canvas, and paint pictures of any size.
    """

    net: StyleNet
    crop: int
    """Side in pixels of a picture at the coarsest level, and of a crop at each of the others."""
    ground_seed: int = 0
    """Seed of the ground, which the coarsest level paints over."""
    window: int | None = None
    """Side in pixels of what `cut` leaves of a picture; None for `crop`."""

    def level_of(self, photos: Tensor) -> int:
        """The level whose pictures are as large as these photos (N, 3, H, W); from past the last, the last."""
        return min(round(math.log2(photos.shape[-1] / self.crop)), self.net.config.levels - 1)

    def paint(self, photos: Tensor, canvas: Tensor | None, level: int, draw: Draw) -> Painted:
        """Paint photos, or crops of them, at one level.

        Args:
            photos: RGB (N, 3, H, W), float32, 0..255.
            canvas: RGB of the same shape, which is painted over; None for a net of one level.
            level: 0 for the coarsest.
            draw: Styles and strengths.
        """
        config = self.net.config
        rows = F.one_hot(draw.styles * config.levels + level, config.styles).to(photos)
        if draw.strengths is not None:
            rows = draw.strengths[:, None] * rows
            rows[:, -1] += 1 - draw.strengths
        pre_tanh = self.net.pre_tanh(photos, rows, canvas, draw.statistics)
        return Painted(self.net.finish(pre_tanh, photos, rows, canvas), pre_tanh)

    @torch.no_grad()
    def canvas(self, photos: Tensor, level: int, draw: Draw) -> Tensor | None:
        """The canvas of whole photos at a level: what the level below paints, enlarged, or the ground."""
        if self.net.config.levels == 1:
            return None
        if level == 0:
            return self.ground(photos)
        smaller = seen_from_afar(photos, 2)
        below = self.canvas(smaller, level - 1, draw)
        painted = self.paint(smaller, below, level - 1, draw).stylized.clamp(0, 255)
        larger = F.interpolate(painted, photos.shape[2:], mode="bicubic", align_corners=False)
        return larger.clamp(0, 255)

    def ground(self, photos: Tensor) -> Tensor:
        """The ground under photos (N, 3, H, W), RGB of the same shape, 0..255."""
        height, width = photos.shape[2:]
        pixels = torch.from_numpy(ground(height, width, self.ground_seed).copy())
        return pixels.permute(2, 0, 1).to(photos).expand_as(photos)

    def cut(
        self, photos: Tensor, canvas: Tensor | None, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Cut one window out of photos and their canvas.

        Args:
            photos: RGB (N, 3, H, W) of the level's size.
            canvas: RGB of the same shape, or None.
            rng: Draws the place.

        Returns:
            Both, (N, 3, window, window).
        """
        side = self.window or self.crop
        if photos.shape[-1] == side:
            return photos, canvas
        places = (photos.shape[-1] - side) // self.net.multiple_of
        top, left = (int(rng.integers(places + 1)) * self.net.multiple_of for _ in range(2))
        window = (..., slice(top, top + side), slice(left, left + side))
        return _channels_last(photos[window]), None if canvas is None else _channels_last(
            canvas[window]
        )


def _channels_last(pictures: Tensor) -> Tensor:
    return pictures.contiguous(memory_format=torch.channels_last)
