"""How photos are painted, besides by which style: their size, their colours, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.colors import KeepColor, luminance, match_colors, with_luminance
from fastnst.errors import FastnstError
from fastnst.images import Pixels, read_image, resize_longer, rgb
from fastnst.runtime.stylizer import Stylizer

Floats: TypeAlias = npt.NDArray[np.float32]
BAND = 256
"""Rows that are worked on at once, where numbers are wider than a byte."""
NEAR = 4
"""Pixels to each side over which detail is carried over."""
NOISE = 4.0
"""Levels of 255: detail of the photo that is no stronger is not carried over."""


@dataclass(frozen=True)
class Look:
    """How a photo is painted by a `Stylizer`.

    Raises:
        FastnstError: Something is out of range, or a mask is no picture.
    """

    size: int | None = None
    """Longer side of the output in pixels; None keeps the photo's."""
    max_size: int | None = None
    """The most that the longer side may be."""
    preview_size: int | None = None
    """Longer side that the net paints at. Its painting is brought to the photo's size with the photo's
    detail, so that a large one looks like a small one: strokes have a size relative to the picture."""
    keep_color: KeepColor | None = None
    """luminance takes the painting's light and dark and the photo's colours; match, all of the painting,
    its palette moved to the photo's."""
    masks: Sequence[str] = ()
    """Grey pictures that say where to paint and how much: `FILE`, or `FILE=STYLE` for another style there."""
    alpha_mask: bool = False
    """Paint as much as the photo is opaque."""
    regions: tuple[tuple[Image.Image, str | None], ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("size", "max_size", "preview_size"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise FastnstError(
                    f"The {name.replace('_', ' ')} is {value}.",
                    "It is the longer side in pixels: 1 or more.",
                )
        regions = []
        for words in self.masks:
            file, _, style = words.rpartition("=")
            if not file or Path(words).exists():
                file, style = words, ""
            regions.append((read_image(file).convert("L"), style or None))
        object.__setattr__(self, "regions", tuple(regions))

    def paint(self, stylizer: Stylizer, image: Image.Image) -> Image.Image:
        """Paint a picture, RGB or RGBA; so is what comes back.

        Raises:
            FastnstError: There is not enough memory.
            UnknownStyle: The file has no style of a mask's name.
        """
        if self.size is not None:
            image = resize_longer(image, self.size)
        if self.max_size is not None and max(image.size) > self.max_size:
            image = resize_longer(image, self.max_size)
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        photo = rgb(image)
        del image  # Of a large picture there are never more copies than are needed.
        if alpha is not None and alpha.getextrema()[0] == 0:
            photo = _filled(photo, np.asarray(alpha) > 0)
        painted = self._painted(stylizer, photo)
        if painted.shape != photo.shape:  # By a net of one fixed size.
            height, width = painted.shape[:2]
            fitting = Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS)
            photo = np.asarray(fitting)
            alpha = alpha.resize((width, height)) if alpha else None
        if self.keep_color == "match":
            painted = match_colors(painted, photo)
        elif self.keep_color == "luminance":
            painted = _banded(lambda a, b: with_luminance(a, luminance(b)), photo, painted)
        if self.alpha_mask and alpha is not None:
            painted = _banded(_mixed, photo, painted, np.asarray(alpha))
        del photo
        result = Image.fromarray(painted)
        if alpha is not None:
            result.putalpha(alpha)
        return result

    def _painted(self, stylizer: Stylizer, photo: Pixels) -> Pixels:
        """By one style, or each in its region; where no mask is, the photo stays."""
        if not self.regions:
            return self._by(stylizer, photo, None)
        height, width = photo.shape[:2]
        styles: dict[str | None, Pixels] = {}
        for mask, style in self.regions:
            there = np.asarray(mask.resize((width, height), Image.Resampling.BICUBIC))
            styles[style] = np.maximum(there, styles[style]) if style in styles else there
        # Where masks overlap they share; where they leave something, it stays the photo's.
        whole = np.maximum(255, sum(there.astype(np.uint16) for there in styles.values()))
        changes = np.zeros(photo.shape, np.float32)
        for style, there in styles.items():
            painted = self._by(stylizer, photo, style)
            changes += (there / whole)[..., None] * (painted.astype(np.float32) - photo)
        result: Pixels = np.rint(photo + changes).astype(np.uint8)
        return result

    def _by(self, stylizer: Stylizer, photo: Pixels, style: str | None) -> Pixels:
        if self.preview_size is None or max(photo.shape[:2]) <= self.preview_size:
            return stylizer(photo, style=style)
        small = np.asarray(resize_longer(Image.fromarray(photo), self.preview_size))
        return carried(stylizer(small, style=style), small, photo)


def carried(painted: Pixels, small: Pixels, photo: Pixels) -> Pixels:
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


def _mixed(photo: Pixels, painted: Pixels, share: Pixels) -> Pixels:
    """As much of the painting as `share` (H, W) says, 0..255."""
    part = share[..., None] / np.float32(255)
    result: Pixels = np.rint(photo + part * (painted.astype(np.float32) - photo)).astype(np.uint8)
    return result


def _banded(do: Callable[..., Pixels], first: Pixels, *others: Pixels) -> Pixels:
    """What is done to pictures of one size, some rows at a time."""
    result = np.empty_like(first)
    for row in range(0, len(first), BAND):
        rows = slice(row, row + BAND)
        result[rows] = do(first[rows], *(other[rows] for other in others))
    return result


def _filled(photo: Pixels, seen: npt.NDArray[np.bool_]) -> Pixels:
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
