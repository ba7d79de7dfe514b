"""Pictures of any size, painted in tiles that match.

Instance norms take their statistics from the whole picture, so that tiles painted by themselves differ in
colour at every seam. Here the statistics are measured first, over the whole or over tiles spread over it,
and every tile is painted with them, together with as much around it as the net sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fastnst.images.read import Pixels
from fastnst.runtime.engine.fixed_norms import Core, Floats, FrozenNet, Statistics

SAMPLE, SAMPLE_SIDE, SAMPLE_REACH = 96, 128, 48
"""Squares that statistics are measured on unless the whole is asked for, their side, and how much around them
is looked at (what is further off hardly matters for a mean)."""

PLASTIC = 1.324717957244746
"""The plastic ratio, for two dimensions what the golden one is for one."""
FREE_SHARE = 0.6
"""Of the memory that is free, what painting may take."""
SIDES = (1024, 768, 512, 384, 256)
"""Of tiles that are chosen by memory."""

Tick = Callable[[float], None]


def _no(pixels: float) -> None:
    """Tell nobody."""


Region = Callable[[int, int, int, int], Pixels]
"""Part of a picture, from top and left to before bottom and right, uint8 (h, w, 3); (h, w, 6) with its canvas."""


@dataclass(frozen=True)
class Plan:
    """How a picture is cut into tiles.

    The picture is continued by `border` pixels of its mirror image on each side, and a bit more to come to
    multiples of `multiple`; a tile's core is painted, and what is around it, `reach` wide, is looked at.
    """

    height: int
    """Of the picture in pixels."""
    width: int
    border: int
    multiple: int
    minimum: int
    """The least side of what a net takes."""
    reach: int
    side: int
    """Of a core, at most, a multiple of `multiple`."""
    wrap: bool = False
    """Whether the right edge goes on at the left one, in place of the mirror image."""

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
        """What is added above and below, and at the sides."""
        return self.border, 0 if self.wrap else self.border

    def edges(self, length: int) -> list[int]:
        """Where the cores along a side begin and end: as many as are needed, alike, at multiples."""
        count = max(1, -(-length // self.side))
        steps = length // self.multiple
        return [round(steps * k / count) * self.multiple for k in range(count + 1)]

    def cores(self) -> list[Core]:
        """All of them, row by row."""
        rows, columns = map(self.edges, self.padded)
        return [
            (top, left, bottom, right)
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ]

    def window(self, core: Core) -> Core:
        """The core and what is around it, as far as there is something."""
        reach = -(-self.reach // self.multiple) * self.multiple
        height, width = self.padded
        top, left, bottom, right = core
        top, bottom = max(0, top - reach), min(height, bottom + reach)
        if self.wrap:
            return top, left - reach, bottom, right + reach
        return top, max(0, left - reach), bottom, min(width, right + reach)

    def inside(self, core: Core) -> Core:
        """The core with its window's corner as the origin."""
        top, left, _, _ = self.window(core)
        return core[0] - top, core[1] - left, core[2] - top, core[3] - left

    def pixels(self, cores: Sequence[Core]) -> int:
        """Of the windows of some cores, together."""
        windows = map(self.window, cores)
        return sum((bottom - top) * (right - left) for top, left, bottom, right in windows)

    def cut(self, region: Region, core: Core) -> Floats:
        """A core's window of a picture, float32 RGB (1, 3, h, w), 0..255, or with its canvas (1, 6, h, w)."""
        top, left, bottom, right = self.window(core)
        down, across = self.borders
        ys = _mirrored(np.arange(top, bottom) - down, self.height)
        xs = np.arange(left, right) - across
        xs = np.mod(xs, self.width) if self.wrap else _mirrored(xs, self.width)
        some = region(int(ys.min()), int(xs.min()), int(ys.max()) + 1, int(xs.max()) + 1)
        window = some[(ys - ys.min())[:, None], (xs - xs.min())[None]]
        return np.ascontiguousarray(window.transpose(2, 0, 1)[None], dtype=np.float32)


def _mirrored(places: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Places of a side continued by its mirror image, again and again, as `np.pad` does."""
    period = max(1, 2 * (side - 1))
    places = np.mod(places, period)
    result: npt.NDArray[np.int64] = np.minimum(places, period - places)
    return result


def squares(plan: Plan, *, exact: bool = False) -> tuple[Plan, list[Core]]:
    """Where statistics are measured: everywhere, or in `SAMPLE` squares of a picture that has more than those.

    Args:
        plan: The tiles.
        exact: Everywhere.
    """
    height, width = plan.padded
    if exact or height * width <= 2 * SAMPLE * SAMPLE_SIDE**2:
        return plan, plan.cores()
    sides = np.minimum(SAMPLE_SIDE, [height, width])
    # Roberts' R2 sequence: it leaves no region out, however many there are.
    places = np.mod(np.arange(1, SAMPLE + 1)[:, None] / PLASTIC ** np.array([1, 2]), 1.0)
    steps = (([height, width] - sides) * places).astype(int) // plan.multiple
    corners = (steps * plan.multiple).tolist()
    down, across = sides.tolist()
    smaller = replace(plan, reach=min(plan.reach, SAMPLE_REACH))
    return smaller, [(y, x, y + down, x + across) for y, x in corners]


def measure(
    net: FrozenNet,
    plan: Plan,
    region: Region,
    mixture: Floats,
    *,
    exact: bool = False,
    tick: Tick = _no,
) -> Statistics:
    """What the norms would take from the whole picture.

    Args:
        net: Measures.
        plan: The tiles.
        region: Of the picture.
        mixture: How much of each row of scales and shifts.
        exact: Measure the whole, and no sample: for each norm the net up to it runs once more over everything.
        tick: Called with the pixels of each window that was measured, as far as the net went.
    """
    plan, cores = squares(plan, exact=exact)

    def windows() -> Iterator[tuple[Floats, Core]]:
        for core in cores:
            yield plan.cut(region, core), plan.inside(core)
            tick(plan.pixels([core]) / 2)

    return net.measure(windows, mixture)


def paint(
    net: FrozenNet,
    plan: Plan,
    region: Region,
    mixture: Floats,
    statistics: Statistics,
    *,
    tick: Tick = _no,
) -> Iterator[tuple[int, Pixels]]:
    """Paint a picture, a band of tiles after the other.

    Args:
        net: Paints.
        plan: The tiles.
        region: Of the picture.
        mixture: How much of each row of scales and shifts.
        statistics: What `measure` found.
        tick: Called with the pixels of each window that was painted.

    Yields:
        The first row, and the painted rows from there, uint8 (rows, W, 3).
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
            core = (top, left, bottom, right)
            y, x, _, _ = plan.window(core)
            painted = net.paint(plan.cut(region, core), mixture, statistics)[0]
            ys, xs = (
                slice(first + down - y, last + down - y),
                slice(start + across - x, end + across - x),
            )
            tick(plan.pixels([core]))
            band[:, start:end] = np.rint(np.clip(painted[:, ys, xs], 0, 255)).transpose(1, 2, 0)
        yield first, band


def region_of(pixels: Pixels, canvas: Pixels | None = None) -> Region:
    """Parts of a picture that is in memory, and of its canvas if there is one."""

    def region(top: int, left: int, bottom: int, right: int) -> Pixels:
        window = (slice(top, bottom), slice(left, right))
        if canvas is None:
            return pixels[window]
        return np.concatenate([pixels[window], canvas[window]], axis=2)

    return region


def chosen_side(net: FrozenNet, height: int, width: int, free: float) -> int | None:
    """The side of the tiles for which there is memory; None if there is for the whole."""
    room = FREE_SHARE * free / net.bytes_per_pixel
    if height * width <= room:
        return None
    fitting = (side for side in SIDES if (side + 2 * net.reach) ** 2 <= room)
    return next(fitting, SIDES[-1])
