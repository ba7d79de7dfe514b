"""Painting at one size: padding to what the net takes, and tiles where memory is too small for the whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.devices import ON_PROCESSOR, Device
from fastnst.runtime.engine.levels import all_resized, enlarged
from fastnst.runtime.engine.memory import reserve, room
from fastnst.runtime.engine.net_session import NetSession
from fastnst.runtime.engine.session import Padding
from fastnst.runtime.engine.spec import Tile
from fastnst.runtime.engine.tiling import (
    SIDES,
    RegionReader,
    TilePlan,
    chosen_side,
    measure,
    measuring_work,
    paint,
    region_of,
)
from fastnst.styles.mix import RowWeights

if TYPE_CHECKING:
    from fastnst.runtime.engine.fixed_norms import FixedNormsNet

PADDING = 16
"""Pixels of mirrored photo that are added on each side and cut off again. Without them, nets paint a line along the very
edge, of 5 to 9 levels of 255 for the shipped styles; with 8, some still set rows of dots there. A multiple of every
`multiple_of`."""
SURELY_FITS = 1_000_000
"""Pixels up to which pictures are painted at once without asking for the free memory."""

OnShare: TypeAlias = Callable[[float, str], None]
"""Takes the share of the work that is done, 0..1, and what that is: "120 frames, 9.7 a second", or nothing."""


class LevelPainter:
    """Paints pictures at one size by one net. Several threads may use it at once.

    Args:
        net: Paints.
        tile: See `StylizerSpec`.
        exact: See `StylizerSpec`.
        wrap: See `StylizerSpec`.
        memory: See `StylizerSpec`.
    """

    def __init__(
        self,
        net: NetSession,
        *,
        tile: Tile = "auto",
        exact: bool = False,
        wrap: bool = False,
        memory: int | None = None,
    ) -> None:
        self.net, self._memory = net, memory
        self._tile, self._exact, self._wrap = tile, exact, wrap
        self._fixed_norms: FixedNormsNet | None = None
        self._lock = threading.Lock()

    def paint(
        self,
        photos: Pixels,
        canvases: Pixels | None,
        rows: RowWeights,
        on_share: OnShare | None = None,
    ) -> Pixels:
        """Paint pictures of one size: together where memory allows it, else one after the other, and in tiles.

        Args:
            photos: Uint8 RGB (N, H, W, 3).
            canvases: Pictures that a net of several levels paints over, (N, h, w, 3); they are enlarged.
            rows: Shares of the net's rows (N, rows).
            on_share: Called after each tile; pictures that are painted at once don't call it.

        Returns:
            Uint8 RGB of the same shape.
        """
        count, height, width = photos.shape[:3]
        side = self._tile_side(height, width)
        if side is None and (count == 1 or self._tile_side(height, width, count) is None):
            with self._reserved(count * height * width):
                return self._paint_at_once(photos, canvases, rows)
        painted = np.empty_like(photos)
        for number in range(count):
            canvas = None if canvases is None else canvases[number]
            if side is None:
                over = None if canvas is None else canvas[None]
                with self._reserved(height * width):
                    one = self._paint_at_once(photos[number, None], over, rows[number, None])
                painted[number] = one[0]
                continue
            region = region_of(photos[number])
            if canvas is not None:
                region = enlarged(region, canvas, height, width)
            part = part_of(on_share, number / count, 1 / count)
            with self._reserved(min(height * width, side**2)):
                for first, band in self._bands(region, height, width, rows[number], side, part):
                    painted[number, first : first + len(band)] = band
        return painted

    def bands(
        self,
        region: RegionReader,
        height: int,
        width: int,
        rows: RowWeights,
        on_share: OnShare | None = None,
    ) -> Iterator[tuple[int, Pixels]]:
        """Paint a picture that need not be in memory, in tiles.

        Args:
            region: Reads parts of the picture.
            height: Height of the picture in pixels.
            width: Width of the picture in pixels.
            rows: Shares of the net's rows (rows,).
            on_share: Called after each tile.

        Yields:
            The first row of a band, and the painted band, uint8 RGB (h, W, 3).
        """
        side = self._wanted_side(height, width) or SIDES[0]
        return self._bands(region, height, width, rows, side, on_share)

    def _paint_at_once(self, photos: Pixels, canvases: Pixels | None, rows: RowWeights) -> Pixels:
        """Run the net, on pictures padded to what it takes."""
        height, width = photos.shape[1:3]
        if canvases is not None:
            canvases = all_resized(canvases, (height, width))
        before = 0 if self.net.fixed_size else PADDING
        multiple = self.net.multiple_of
        target = self.net.fixed_size or (
            max(self.net.minimum, -(-(side + 2 * before) // multiple) * multiple)
            for side in (height, width)
        )
        bottom, right = (
            whole - side - before for whole, side in zip(target, (height, width), strict=True)
        )
        padding = Padding(before, before, bottom, right)
        return self.net.run(photos, canvases, rows=rows, padding=padding)

    def _tile_side(self, height: int, width: int, count: int = 1) -> int | None:
        """Return the side of the tiles; None to paint `count` whole pictures at once."""
        if self.net.fixed_size is not None:
            return None
        side = self._wanted_side(height, width, count)
        if self._wrap and side is None:
            # One tile: norms take their statistics from the picture, and not from what is added at its sides.
            return max(height, width) + 4 * PADDING
        return side

    def _wanted_side(self, height: int, width: int, count: int = 1) -> int | None:
        if self._tile == "off":
            return None
        if self._tile != "auto":
            side = self._tile // self.net.multiple_of * self.net.multiple_of
            return side if max(height, width) > side else None
        if count * height * width <= SURELY_FITS:
            return None
        try:
            pixels = count * height * width
            return chosen_side(self._fixed_norms_net(), pixels, room(self._memory, pixels))
        except FastnstError:  # Its parts are unknown: it is tried at once.
            return None

    @contextmanager
    def _reserved(self, pixels: int) -> Iterator[None]:
        """Wait until other threads leave the memory that painting some pixels at once takes."""
        if pixels <= SURELY_FITS or self._tile == "off":
            yield
            return
        try:
            needed = pixels * self._fixed_norms_net().bytes_per_pixel
        except FastnstError:  # Its parts are unknown.
            needed = 0.0
        with reserve(needed, room(self._memory, pixels)):
            yield

    def _fixed_norms_net(self) -> FixedNormsNet:
        from fastnst.runtime.engine.fixed_norms import FixedNormsNet  # For tiles alone.

        with self._lock:
            if self._fixed_norms is None:
                device: Device = self.net.device if self.net.device in ON_PROCESSOR else "cpu"
                self._fixed_norms = FixedNormsNet(self.net.path, device)
            return self._fixed_norms

    def _bands(
        self,
        region: RegionReader,
        height: int,
        width: int,
        rows: RowWeights,
        side: int,
        on_share: OnShare | None,
    ) -> Iterator[tuple[int, Pixels]]:
        net, shape = self._fixed_norms_net(), self.net
        if shape.device in ON_PROCESSOR:
            shape.release()  # Both together would hold twice the memory.
        plan = TilePlan(
            height, width, PADDING, shape.multiple_of, shape.minimum, net.radius, side, self._wrap
        )
        whole = plan.pixels(plan.tiles()) + measuring_work(net, plan, exact=self._exact)
        done = 0.0

        def tick(pixels: float) -> None:
            nonlocal done
            done += pixels
            if on_share is not None:
                on_share(min(done / whole, 1.0), "")

        try:
            statistics = measure(net, plan, region, rows, exact=self._exact, tick=tick)
            yield from paint(net, plan, region, rows, statistics, tick=tick)
        finally:
            net.release()


def part_of(on_share: OnShare | None, done: float, share: float) -> OnShare | None:
    """Return the callback for a part of the work, which calls that of the whole.

    Args:
        on_share: Called with the shares of the whole.
        done: Share of the whole that is done before the part.
        share: The part's share of the whole.
    """
    if on_share is None:
        return None
    return lambda part, text: on_share(done + share * part, text)
