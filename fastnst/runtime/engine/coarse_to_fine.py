"""Painting from coarse to fine, level by level, each over the one below."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.runtime.engine.level_painter import LevelPainter, OnShare, part_of
from fastnst.runtime.engine.levels import (
    all_resized,
    enlarged,
    ground,
    level_sizes,
    resized,
    shrunk,
)
from fastnst.runtime.engine.tiling import RegionReader, region_of
from fastnst.styles.mix import NetStyle, RowWeights

MOST_BELOW = 2**24
"""Pixels of a level that is kept in memory to be painted over, where the picture itself is not."""


def paint(
    painter: LevelPainter,
    photos: Pixels,
    styles: Sequence[NetStyle],
    on_share: OnShare | None = None,
    kept: KeptLevels | None = None,
) -> Pixels:
    """Paint pictures of one size, at one size or from coarse to fine.

    Args:
        painter: Paints a level.
        photos: Uint8 RGB (N, H, W, 3).
        styles: One for each picture. Pictures whose coarsest levels have one size are painted together.
        on_share: Called after each tile.
        kept: Keeps the levels below the last from one live frame to the next, where all styles have one size of the
            coarsest level.

    Returns:
        Uint8 RGB of the same shape.
    """
    bases = list(dict.fromkeys(style.base for style in styles))
    if len(bases) == 1:
        return _paint(painter, photos, styles, on_share, kept)
    painted = np.empty_like(photos)
    for number, base in enumerate(bases):
        group = [k for k, style in enumerate(styles) if style.base == base]
        part = part_of(on_share, number / len(bases), 1 / len(bases))
        painted[group] = _paint(painter, photos[group], [styles[k] for k in group], part)
    return painted


def _paint(
    painter: LevelPainter,
    photos: Pixels,
    styles: Sequence[NetStyle],
    on_share: OnShare | None,
    kept: KeptLevels | None = None,
) -> Pixels:
    """Paint pictures whose coarsest levels have one size."""
    base = styles[0].base
    if base is None:
        return painter.paint(photos, None, _rows(styles, 0), on_share)
    sizes = level_sizes(photos.shape[1], photos.shape[2], base)
    *below, last = sizes
    whole = sum(map(math.prod, sizes))

    def under() -> Pixels:
        """Paint the levels below the last."""
        canvases, done = np.broadcast_to(ground(*sizes[0]), (len(photos), *sizes[0], 3)), 0
        for level, smaller in enumerate(_each_smaller(photos, below)):
            part = part_of(on_share, done / whole, math.prod(below[level]) / whole)
            canvases = painter.paint(smaller, canvases, _rows(styles, level), part)
            done += math.prod(below[level])
        return canvases

    if kept is None:
        canvases = under()
    else:
        canvases = kept.under(photos, styles, lambda: all_resized(under(), last))
    share = math.prod(last) / whole
    part = part_of(on_share, 1 - share, share)
    return painter.paint(photos, canvases, _rows(styles, len(below)), part)


def bands(
    painter: LevelPainter,
    region: RegionReader,
    height: int,
    width: int,
    style: NetStyle,
    on_share: OnShare | None = None,
) -> Iterator[tuple[int, Pixels]]:
    """Paint a picture that need not be in memory, in tiles; its lower levels are painted in memory.

    Args:
        painter: Paints a level.
        region: Reads parts of the picture.
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        style: How it is painted.
        on_share: Called after each tile of the last level.

    Yields:
        The first row of a band, and the painted band, uint8 RGB (h, W, 3).
    """
    if style.base is None:
        return painter.bands(region, height, width, style.at(0), on_share)
    sizes = level_sizes(height, width, style.base)
    below = [size for size in sizes[:-1] if math.prod(size) <= MOST_BELOW]
    photo = shrunk(region, height, width, below[-1]) if below else np.empty(0, np.uint8)
    canvas: Pixels | None = None
    for level, smaller in enumerate(_each_smaller(photo[None], below)):
        size = below[level]
        canvas = ground(*size) if canvas is None else resized(canvas, size)
        canvas = painter.paint(smaller, canvas[None], style.at(level)[None])[0]
    last = ground(height, width) if canvas is None else canvas
    over = enlarged(region, last, height, width)
    return painter.bands(over, height, width, style.at(len(sizes) - 1), on_share)


def _each_smaller(photos: Pixels, sizes: Sequence[tuple[int, int]]) -> list[Pixels]:
    """Return photos (N, H, W, 3) at each of some heights and widths, from coarse to fine: each made of the next."""
    smaller: list[Pixels] = []
    for size in reversed(sizes):
        height, width = photos.shape[1:3]
        if height * width > MOST_BELOW:  # Pillow would make a copy.
            photos = np.stack([shrunk(region_of(each), height, width, size) for each in photos])
        else:
            photos = all_resized(photos, size)
        smaller.insert(0, photos)
    return smaller


def _rows(styles: Sequence[NetStyle], level: int) -> RowWeights:
    """Return the shares of the net's rows (N, rows) at a level."""
    return np.stack([style.at(level) for style in styles])
