"""Pictures of any size, painted in tiles that match.

Instance norms take their statistics from the whole picture, so that tiles painted by themselves differ in
colour at every seam. Here the statistics are measured first, over the whole or over tiles spread over it,
and every tile is painted with them, together with as much around it as the net sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels

if TYPE_CHECKING:
    from fastnst.runtime.engine.fixed_norms import Box, FixedNormsNet, Floats, Statistics

SAMPLE_TILES = 384
"""Number of tiles that statistics are measured on, unless the whole is asked for."""
BATCH = (8, 96)
"""Least and largest number of these tiles that norms take their statistics from while those of all are measured."""
SAMPLE_SIDE = 64
"""Side of these tiles in pixels."""
SAMPLE_RADIUS = 24
"""Pixels around these tiles that are read; pixels further away hardly change a mean."""
PLASTIC = 1.324717957244746
"""The plastic ratio, for two dimensions what the golden ratio is for one."""
SIDES = (2048, 1536, 1024, 768, 512, 384, 256)
"""Sides in pixels of tiles that are chosen by memory."""

RegionReader = Callable[[int, int, int, int], Pixels]
"""Returns the part of a picture from top and left to before bottom and right, uint8 (h, w, 3), or (h, w, 6) with
its canvas."""
Tick = Callable[[float], None]
"""Takes the number of pixels that were worked on since the last call."""


def _no_tick(pixels: float) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class TilePlan:
    """Division of a picture into tiles.

    The picture is continued by `border` pixels of its mirror image on each side, and by more to come to
    multiples of `multiple`. A tile is painted within its window: the tile and `radius` pixels around it.
    """

    height: int
    """Height of the picture in pixels."""
    width: int
    """Width of the picture in pixels."""
    border: int
    """Pixels added on each side."""
    multiple: int
    """Divisor of all sides that the net takes."""
    minimum: int
    """Least side that the net takes."""
    radius: int
    """Pixels around a tile that the net looks at."""
    side: int
    """Largest side of a tile, a multiple of `multiple`."""
    wrap: bool = False
    """True if the right edge continues at the left one, in place of its mirror image."""
    beyond: bool = False
    """True if windows reach beyond the padded picture, into more of its mirror image, so that all are as large."""

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with the border."""
        height, width = (
            max(self.minimum, -(-(side + 2 * border) // self.multiple) * self.multiple)
            for side, border in zip((self.height, self.width), self.borders, strict=True)
        )
        return height, width

    @property
    def borders(self) -> tuple[int, int]:
        """Pixels added above and below, and at either side."""
        return self.border, 0 if self.wrap else self.border

    def edges(self, length: int) -> list[int]:
        """Return where the tiles along a side begin and end: as few tiles as fit, of about one size."""
        count = max(1, -(-length // self.side))
        steps = length // self.multiple
        return [round(steps * k / count) * self.multiple for k in range(count + 1)]

    def tiles(self) -> list[Box]:
        """Return all tiles, row by row."""
        rows, columns = map(self.edges, self.padded)
        return [
            (top, left, bottom, right)
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ]

    def window(self, tile: Box) -> Box:
        """Return a tile with the pixels around it that the net looks at, within the padded picture."""
        radius = -(-self.radius // self.multiple) * self.multiple
        height, width = self.padded
        top, left, bottom, right = tile
        top, left, bottom, right = top - radius, left - radius, bottom + radius, right + radius
        if not self.beyond:
            top, bottom = max(0, top), min(height, bottom)
            if not self.wrap:
                left, right = max(0, left), min(width, right)
        return top, left, bottom, right

    def inside(self, tile: Box) -> Box:
        """Return a tile in the coordinates of its window."""
        top, left, _, _ = self.window(tile)
        return tile[0] - top, tile[1] - left, tile[2] - top, tile[3] - left

    def pixels(self, tiles: Sequence[Box]) -> int:
        """Return the number of pixels in the windows of some tiles together."""
        windows = map(self.window, tiles)
        return sum((bottom - top) * (right - left) for top, left, bottom, right in windows)

    def cut(self, region: RegionReader, tile: Box) -> Floats:
        """Return a tile's window, float32 RGB (1, 3, h, w) in 0..255, or (1, 6, h, w) with its canvas."""
        top, left, bottom, right = self.window(tile)
        down, across = self.borders
        ys = _mirrored(np.arange(top, bottom) - down, self.height)
        xs = np.arange(left, right) - across
        xs = np.mod(xs, self.width) if self.wrap else _mirrored(xs, self.width)
        part = region(int(ys.min()), int(xs.min()), int(ys.max()) + 1, int(xs.max()) + 1)
        window = part[(ys - ys.min())[:, None], (xs - xs.min())[None]]
        return np.ascontiguousarray(window.transpose(2, 0, 1)[None], dtype=np.float32)


def _mirrored(places: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Return the places of a side that is continued by its mirror image again and again, as `np.pad` does."""
    period = max(1, 2 * (side - 1))
    places = np.mod(places, period)
    result: npt.NDArray[np.int64] = np.minimum(places, period - places)
    return result


def sample_tiles(plan: TilePlan, *, exact: bool = False) -> tuple[TilePlan, list[Box], bool]:
    """Return the tiles that statistics are measured on: all, or `SAMPLE_TILES` of a picture with more pixels.

    Args:
        plan: The tiles that are painted.
        exact: Take all.

    Returns:
        The plan of the tiles, the tiles, and whether they are a sample, whose windows have one size.
    """
    padded = np.array(plan.padded)
    if exact or padded.prod() <= 2 * SAMPLE_TILES * SAMPLE_SIDE**2:
        return plan, plan.tiles(), False
    smaller = replace(plan, radius=min(plan.radius, SAMPLE_RADIUS), beyond=True)
    sides = np.minimum(SAMPLE_SIDE, padded)
    # Roberts' R2 sequence: it leaves no region out, however many there are.
    places = np.mod(np.arange(1, SAMPLE_TILES + 1)[:, None] / PLASTIC ** np.array([1, 2]), 1.0)
    # Rounded down a side would have more at its beginning than at its end.
    steps = np.rint((padded - sides) // plan.multiple * places).astype(int)
    corners = (steps * plan.multiple).tolist()
    down, across = sides.tolist()
    return smaller, [(y, x, y + down, x + across) for y, x in corners], True


def measuring_work(net: FixedNormsNet, plan: TilePlan, *, exact: bool = False) -> float:
    """Return the work of `measure` as the number of pixels that would be painted in its time."""
    plan, tiles, sample = sample_tiles(plan, exact=exact)
    # Up to each norm in turn, half of the net runs on average.
    return plan.pixels(tiles) * (1 if sample else net.norms / 2)


def measure(
    net: FixedNormsNet,
    plan: TilePlan,
    region: RegionReader,
    rows: Floats,
    *,
    exact: bool = False,
    tick: Tick = _no_tick,
) -> Statistics:
    """Measure the statistics that the norms would have on the whole picture.

    Args:
        net: Measures.
        plan: Division of the picture.
        region: Reads parts of the picture.
        rows: Shares of the net's rows (rows,).
        exact: Measure on the whole in place of a sample: the net runs once for each norm over everything.
        tick: Called after each window with its work, see `measuring_work`.
    """
    side = plan.side + 2 * plan.radius
    plan, tiles, sample = sample_tiles(plan, exact=exact)

    def windows() -> Iterator[tuple[Floats, Box]]:
        for tile in tiles:
            yield plan.cut(region, tile), plan.inside(tile)
            tick(plan.pixels([tile]) / 2)

    def batches() -> Iterator[tuple[Floats, Box]]:
        # As many as take the memory of the tiles that will be painted.
        count = min(max(BATCH[0], side**2 // plan.pixels(tiles[:1])), BATCH[1])
        count = -(-len(tiles) // max(1, len(tiles) // count))
        for first in range(0, len(tiles), count):
            some = tiles[first : first + count]
            yield np.concatenate([plan.cut(region, tile) for tile in some]), plan.inside(some[0])
            tick(plan.pixels(some))

    return net.estimate(batches(), rows) if sample else net.measure(windows, rows)


def paint(
    net: FixedNormsNet,
    plan: TilePlan,
    region: RegionReader,
    rows: Floats,
    statistics: Statistics,
    *,
    tick: Tick = _no_tick,
) -> Iterator[tuple[int, Pixels]]:
    """Paint a picture in bands, each a row of tiles.

    Args:
        net: Paints.
        plan: Division of the picture.
        region: Reads parts of the picture.
        rows: Shares of the net's rows (rows,).
        statistics: What `measure` returned.
        tick: Called after each window with its number of pixels.

    Yields:
        The first row of a band, and the painted band, uint8 RGB (h, W, 3).
    """
    y_edges, x_edges = map(plan.edges, plan.padded)
    down, across = plan.borders
    for top, bottom in pairwise(y_edges):
        first, last = max(0, top - down), min(plan.height, bottom - down)
        if last <= first:
            continue
        band = np.empty((last - first, plan.width, 3), np.uint8)
        for left, right in pairwise(x_edges):
            start, end = max(0, left - across), min(plan.width, right - across)
            if end <= start:
                continue
            tile = (top, left, bottom, right)
            y, x, _, _ = plan.window(tile)
            painted = net.paint(plan.cut(region, tile), rows, statistics)[0]
            ys = slice(first + down - y, last + down - y)
            xs = slice(start + across - x, end + across - x)
            tick(plan.pixels([tile]))
            band[:, start:end] = np.rint(np.clip(painted[:, ys, xs], 0, 255)).transpose(1, 2, 0)
        yield first, band


def region_of(pixels: Pixels, canvas: Pixels | None = None) -> RegionReader:
    """Return a reader of a picture in memory, (H, W, 3), and of its canvas if there is one."""

    def region(top: int, left: int, bottom: int, right: int) -> Pixels:
        window = (slice(top, bottom), slice(left, right))
        if canvas is None:
            return pixels[window]
        return np.concatenate([pixels[window], canvas[window]], axis=2)

    return region


def chosen_side(net: FixedNormsNet, pixels: int, room: float) -> int | None:
    """Return the largest side of tiles for which there is room; None if there is for the whole.

    Args:
        net: Paints.
        pixels: Number of pixels that would be painted at once.
        room: Memory that painting may take, in bytes.
    """
    if pixels * net.bytes_per_pixel <= room:
        return None
    fitting = (side for side in SIDES if (side + 2 * net.radius) ** 2 * net.bytes_per_pixel <= room)
    return next(fitting, SIDES[-1])
