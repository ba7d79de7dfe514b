"""A style, loaded once, that paints whatever picture it is called with."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.images.read import Pixels, read_image, resize_longer, rgb, upright_srgb
from fastnst.runtime.engine.fixed_norms import FrozenNet
from fastnst.runtime.engine.levels import enlarged, ground, level_sizes, resized, shrunk
from fastnst.runtime.engine.session import Device, check_signature, onnxruntime_reason, open_session
from fastnst.runtime.engine.tiling import (
    SIDES,
    Plan,
    Region,
    chosen_side,
    measure,
    paint,
    region_of,
    squares,
)
from fastnst.styles.card import CARD_KEY, StyleCard
from fastnst.styles.mix import Blend, RowWeights, Stroke, base_size, row_weights, shares
from fastnst.styles.registry import find_style, names_in
from fastnst.system.machine import cores, free_memory

FOREIGN_MULTIPLE = 4
"""What sizes a net without a card is given: nearly all halve twice."""
MARGIN = 16
"""Pixels of reflected photo around what the net is given, cut off again: nets paint a line along their
very edge, of 5 to 9 of 255 for the shipped style, and none with this. A multiple of every `multiple_of`."""

LEAST_TILE = 64
"""Pixels; what nets see around smaller ones is most of the work."""
MOST_AT_ONCE = 4
"""Frames that are painted at a time, at most: each takes memory of its own."""
MOST_BELOW = 2**24
"""Pixels of a level that is kept in memory to be painted over, where the picture itself is not."""
SURELY_FITS = 1_000_000
"""Pixels of which no machine is asked whether it has the memory."""

Tile: TypeAlias = Literal["auto", "off"] | int
FloatBatch: TypeAlias = npt.NDArray[np.float32]
Photo = TypeVar("Photo", Image.Image, Pixels)


class _Look(NamedTuple):
    """What a net is given besides a photo."""

    rows: RowWeights
    """How much of each row of scales and shifts, (rows,), or (levels, rows) of a net of several levels."""
    base: float | None
    """Of such a net: the size of the coarsest level, see `level_sizes`."""

    def at(self, level: int) -> RowWeights:
        """The rows of a level; those past the net's last are painted by the last one's."""
        return self.rows if self.rows.ndim == 1 else self.rows[min(level, len(self.rows) - 1)]


class Stylizer:
    """A style, or all styles of a file, ready to paint, from several threads at once too.

    Example:
        >>> stylizer = Stylizer("great-wave")
        >>> stylizer("photo.jpg").save("painted.jpg")
        >>> stylizer("photo.jpg", style="the-kiss:0.6,great-wave:0.4", strength=0.8).save("mixed.jpg")
    """

    def __init__(
        self,
        style: str | os.PathLike[str],
        *,
        blend: Blend | None = None,
        strength: float = 1.0,
        stroke: Stroke | None = None,
        fast: bool = False,
        tile: Tile = "auto",
        exact: bool = False,
        wrap: bool = False,
        device: Device = "auto",
        threads: int | None = None,
    ) -> None:
        """Load a style.

        Args:
            style: The name of a style; a blend of several of one file, `a:0.6,b:0.4`; or the path of an
                .onnx file: one of fastnst's, or any that takes one float
                RGB image (N, 3, H, W) in 0..255 and gives one back, as the fast-neural-style files of
                the ONNX model zoo do.
            blend: Of an .onnx file given by its path: which of its styles; None for the first.
            strength: 0 gives the photo, 1 the painting. For files of many styles, as `stroke`.
            stroke: Size of the strokes: `fine`, `medium`, `bold`, or a number from 0 to 1; None for the
                file's own, medium where its strokes are in proportion to the picture, else fine.
            fast: Take the faster net where a name has two.
            tile: Paint in tiles of this side in pixels, that match; `auto` does where memory is too
                small for the whole, `off` never.
            exact: With tiles, measure what norms take of the whole on all of it, in place of a sample:
                the same picture as without tiles, for several times the time.
            wrap: Let the right edge go on at the left one: for panoramas all around.
            device: Where to run. `auto` takes the fastest that can load the style.
            threads: Of the processor; None for one a core.

        Raises:
            UnknownStyle: There is no such style or file.
            BadStyleFile: The file is no style net.
            DeviceUnavailable: The device was asked for by name and is not there.
            FastnstError: A share, the strength, the stroke or the tile is out of range, or the file has
                none.
        """
        if tile not in ("auto", "off") and (isinstance(tile, str) or tile < LEAST_TILE):
            raise FastnstError(
                f"The tile is {tile}.", f"Give auto, off, or a side of {LEAST_TILE} px or more."
            )
        self._tile, self._exact, self._wrap = tile, exact, wrap
        self._frozen: FrozenNet | None = None
        self._lock = threading.Lock()
        self.on_share: Callable[[float, str], None] | None = None
        """Called after each tile of a picture, and each frame of a video, with the share of it that is done,
        0..1, and what that is: "120 frames, 9.7 a second"."""
        self.path = find_style(style if isinstance(style, str) else Path(style), fast=fast)
        self._session, self.device = open_session(self.path, device, threads=threads)
        try:
            text = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        except UnicodeDecodeError as error:
            raise BadStyleFile(f"The metadata of {self.path} are damaged.") from error
        self.card = StyleCard.from_json(text, self.path) if text else None
        """The file's card; None for a file that fastnst did not write."""
        self.blend: Blend | None = blend
        """Which of the file's styles it paints in where a call names none; None for the first."""
        self._named = isinstance(style, str) and not style.lower().endswith(".onnx")
        if self._named:
            self.blend = str(style)
        self._device = device
        self._for_video: dict[int, Stylizer] = {}
        self.strength, self.stroke = strength, stroke
        """The same of these."""
        self._look = self._chosen(self.blend, strength, stroke)
        levels = self.card.levels if self.card else 1
        self._inputs, self._output, self.fixed_size = check_signature(
            self._session, self.path, self._look.rows.shape[-1], canvas=levels > 1
        )
        self._multiple = self.card.multiple_of if self.card else FOREIGN_MULTIPLE
        self._minimum = self.card.minimum if self.card else FOREIGN_MULTIPLE

    def _chosen(self, blend: Blend | None, strength: float, stroke: Stroke | None) -> _Look:
        """What the net is given for a style, a strength and a size of strokes."""
        rows = row_weights(self.path, self.card, blend, strength, stroke)
        base = base_size(self.card, stroke) if self.card and self.card.levels > 1 else None
        return _Look(rows, base)

    @property
    def name(self) -> str:
        """The style's name, or those of a blend, as a part of file names."""
        return "-".join(shares(self.blend, self.styles)) if self.blend else self.path.stem

    @property
    def usual_stroke(self) -> float:
        """The size of its strokes unless another is asked for: 0 is fine, 0.5 medium, 1 bold."""
        return 0.5 if self.card and self.card.levels > 1 else 0.0

    @property
    def styles(self) -> list[str]:
        """What the styles of the file are called."""
        return names_in(self.path, self.card)

    def for_video(self, at_once: int = 1) -> Stylizer:
        """The same style by the net for real time, where there is one: at 30 frames a second it matters.

        Args:
            at_once: Frames that will be painted at a time, by as many threads; the processor's cores are
                divided among them. Two threads that paint a frame each are faster than two that share one.
        """
        path = find_style(str(self.blend), fast=True) if self._named else self.path
        if path == self.path and at_once == 1:
            return self
        with self._lock:
            if at_once not in self._for_video:
                self._for_video[at_once] = Stylizer(
                    str(self.blend) if self._named else self.path,
                    blend=None if self._named else self.blend, strength=self.strength, stroke=self.stroke,
                    fast=True, tile=self._tile, exact=self._exact, wrap=self._wrap, device=self._device,
                    threads=None if at_once == 1 else max(1, cores() // at_once),
                )  # fmt: skip
            return self._for_video[at_once]

    def warm_up(self, size: int | tuple[int, int]) -> None:
        """Paint nothing once, so that the first picture takes no longer than the others.

        Args:
            size: Of what will be painted, in pixels: (width, height), or the side of a square.

        Raises:
            FastnstError: A side is below 1.
        """
        width, height = (size, size) if isinstance(size, int) else size
        if min(width, height) < 1:
            raise FastnstError(f"The size is {width}x{height}.", "Give sides of 1 px or more.")
        self(np.zeros((height, width, 3), np.uint8))

    @property
    def note(self) -> str:
        """What a user should know before using it; empty for most."""
        if self.fixed_size is None:
            return ""
        height, width = self.fixed_size
        return f"{self.path.name} paints at {width}x{height} px only, so that is the size of what it gives."

    @overload
    def __call__(
        self,
        photo: str | os.PathLike[str],
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Image.Image: ...
    @overload
    def __call__(
        self,
        photo: Photo,
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Photo: ...
    def __call__(
        self,
        photo: str | os.PathLike[str] | Image.Image | Pixels,
        *,
        size: int | None = None,
        style: Blend | None = None,
        strength: float | None = None,
        stroke: Stroke | None = None,
    ) -> Image.Image | Pixels:
        """Paint a photo.

        Args:
            photo: A path, a Pillow image, or a uint8 RGB array (H, W, 3).
            size: Scale the photo so that its longer side has this many pixels; None keeps its size.
            style: Another style of the file, or a blend of its styles; None for the one it was loaded
                with, as for `strength` and `stroke`. To change them costs nothing.
            strength: 0 gives the photo, 1 the painting.
            stroke: `fine`, `medium`, `bold`, or a number from 0 to 1.

        Returns:
            An array for an array, else a Pillow image, of the photo's size (or `size`). It is RGB, or
            RGBA with the photo's own transparency if it has any. A net of one fixed size gives a
            picture that fits into that.

        Raises:
            UnreadableImage: The path is no picture.
            UnknownStyle: The file has no such style.
            FastnstError: The array is not uint8 (H, W, 3), the size is below 1, a share, the strength or
                the stroke is out of range, or memory ran out.
        """
        look = self._look
        if (style, strength, stroke) != (None, None, None):
            look = self._chosen(
                self.blend if style is None else style,
                self.strength if strength is None else strength,
                self.stroke if stroke is None else stroke,
            )
        try:
            return self._painted(photo, size, look)
        except (MemoryError, OverflowError) as error:
            wish = f"with a longer side of {size} px" if size else "of this size"
            raise FastnstError(
                f"There is not enough memory to paint a picture {wish}.",
                "Give a smaller size: --size N",
            ) from error

    def _painted(
        self,
        photo: str | os.PathLike[str] | Image.Image | Pixels,
        size: int | None,
        look: _Look,
    ) -> Image.Image | Pixels:
        if isinstance(photo, np.ndarray):
            _check_array(photo)
            if size is None and self.fixed_size is None:
                return self._paint(photo, look)
            image = Image.fromarray(photo)
        elif isinstance(photo, Image.Image):
            image = upright_srgb(photo)
        else:
            image = read_image(photo)
        image = self._scaled(image, size)
        painted = self._paint(rgb(image), look)
        if isinstance(photo, np.ndarray):
            return painted
        result = Image.fromarray(painted)
        if image.mode == "RGBA":
            result.putalpha(image.getchannel("A"))
        return result

    def _scaled(self, image: Image.Image, size: int | None) -> Image.Image:
        if self.fixed_size is not None:
            height, width = self.fixed_size
            fit = min(width / image.width, height / image.height)
            return resize_longer(image, round(max(image.size) * fit))
        return image if size is None else resize_longer(image, size)

    def _paint(self, pixels: Pixels, look: _Look) -> Pixels:
        """Paint a picture, at one size or from coarse to fine."""
        if look.base is None:
            return self._paint_level(pixels, None, look.rows)
        canvas: Pixels | None = None
        height, width = pixels.shape[:2]
        for level, size in enumerate(level_sizes(height, width, look.base)):
            canvas = ground(*size) if canvas is None else resized(canvas, size)
            canvas = self._paint_level(resized(pixels, size), canvas, look.at(level))
        assert canvas is not None
        return canvas

    def _paint_level(self, pixels: Pixels, canvas: Pixels | None, rows: RowWeights) -> Pixels:
        """Pad to what the net takes, run it, crop, round."""
        height, width = pixels.shape[:2]
        side = self._tile_side(height, width)
        if side is not None:
            return self._paint_tiles(pixels, canvas, rows, side)
        before = 0 if self.fixed_size else MARGIN
        target = self.fixed_size or tuple(
            max(self._minimum, -(-(side + 2 * MARGIN) // self._multiple) * self._multiple)
            for side in (height, width)
        )
        after = (target[0] - height - before, target[1] - width - before)
        batches = []
        for picture in (pixels,) if canvas is None else (pixels, canvas):
            padded = np.pad(picture, ((before, after[0]), (before, after[1]), (0, 0)), "reflect")
            batches.append(np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32))
        painted = self.run(*batches, rows=rows)
        painted = painted[0, :, before : before + height, before : before + width]
        result = np.empty(pixels.shape, np.uint8)
        for channel, values in enumerate(painted):  # Without a copy of this size on the way.
            np.rint(values, out=result[..., channel], casting="unsafe")
        return result

    def _tile_side(self, height: int, width: int) -> int | None:
        """The side of the tiles; None to paint the whole at once."""
        if self.fixed_size is not None:
            return None
        if (
            self._wrap
        ):  # Its statistics are the picture's, and not those of what is added at its sides.
            return self._wanted_side(height, width) or max(height, width) + 4 * MARGIN
        return self._wanted_side(height, width)

    def _wanted_side(self, height: int, width: int) -> int | None:
        if self._tile == "off":
            return None
        if self._tile != "auto":
            side = self._tile // self._multiple * self._multiple
            return side if max(height, width) > side else None
        if height * width <= SURELY_FITS:
            return None
        try:
            return chosen_side(self._frozen_net(), height, width, free_memory())
        except FastnstError:  # It has parts that tiles can't be cut for: it is tried at once.
            return None

    def _frozen_net(self) -> FrozenNet:
        with self._lock:
            if self._frozen is None:
                self._frozen = FrozenNet(
                    self.path, lambda model: open_session(self.path, "cpu", model)[0]
                )
            return self._frozen

    def _paint_tiles(
        self, pixels: Pixels, canvas: Pixels | None, rows: RowWeights, side: int
    ) -> Pixels:
        painted = np.empty_like(pixels)
        height, width = pixels.shape[:2]
        for first, band in self._bands(region_of(pixels, canvas), height, width, rows, side):
            painted[first : first + len(band)] = band
        return painted

    def bands(self, region: Region, height: int, width: int) -> Iterator[tuple[int, Pixels]]:
        """Paint a picture that need not be in memory, in tiles.

        Args:
            region: Gives parts of it.
            height: Of all of it, in pixels.
            width: The same.

        Yields:
            The first row of a band, and the band, painted, uint8 (h, W, 3).

        Raises:
            FastnstError: The net has one fixed size, or parts that tiles can't be cut for.
        """
        if self.fixed_size is not None:
            raise FastnstError(self.note, "It can't paint a picture of this size.")
        side = self._wanted_side(height, width) or SIDES[0]
        look = self._look
        if look.base is None:
            return self._bands(region, height, width, look.rows, side)
        sizes = level_sizes(height, width, look.base)
        below = [size for size in sizes[:-1] if math.prod(size) <= MOST_BELOW]
        photo = shrunk(region, height, width, below[-1]) if below else np.empty(0, np.uint8)
        canvas: Pixels | None = None
        for level, size in enumerate(below):
            canvas = ground(*size) if canvas is None else resized(canvas, size)
            canvas = self._paint_level(resized(photo, size), canvas, look.at(level))
        last = ground(height, width) if canvas is None else canvas
        over = enlarged(region, last, height, width)
        return self._bands(over, height, width, look.at(len(sizes) - 1), side)

    def _bands(
        self, region: Region, height: int, width: int, rows: RowWeights, side: int
    ) -> Iterator[tuple[int, Pixels]]:
        net = self._frozen_net()
        plan = Plan(
            height, width, MARGIN, self._multiple, self._minimum, net.reach, side, self._wrap
        )
        some, cores = squares(plan, exact=self._exact)
        whole = plan.pixels(plan.cores()) + net.norms * some.pixels(cores) / 2
        done = 0.0

        def tick(pixels: float) -> None:
            nonlocal done
            done += pixels
            if self.on_share is not None:
                self.on_share(min(done / whole, 1.0), "")

        statistics = measure(net, plan, region, rows, exact=self._exact, tick=tick)
        return paint(net, plan, region, rows, statistics, tick=tick)

    def run(
        self,
        batch: FloatBatch,
        canvas: FloatBatch | None = None,
        *,
        rows: RowWeights | None = None,
    ) -> FloatBatch:
        """Run the bare net, without padding.

        Args:
            batch: float32 RGB (N, 3, H, W), 0..255; H and W are what the net takes.
            canvas: What a net of several levels paints over, of the same shape.
            rows: How much of each row of scales and shifts, (rows,), for a file of many styles; None for
                what the style was loaded with, of several levels the coarsest.

        Returns:
            The same shape and range.

        Raises:
            FastnstError: Memory ran out.
            BadStyleFile: The net failed.
        """
        try:
            pictures = (batch,) if canvas is None else (batch, canvas)
            given = (*pictures, self._look.at(0) if rows is None else rows)
            # A file of one style has no input for it.
            feed = dict(zip(self._inputs, given, strict=False))
            (painted,) = self._session.run([self._output], feed)
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            height, width = batch.shape[2:]
            if "alloc" in str(error).lower():
                raise FastnstError(
                    f"There is not enough memory to paint {width}x{height} px at once.",
                    "Give a smaller size: --size N",
                ) from error
            raise BadStyleFile(
                f"{self.path} failed on a picture of {width}x{height} px: {onnxruntime_reason(error)}."
            ) from error
        # Two looks without a copy: either is no number if one of the values is.
        low, high = (painted.min(), painted.max()) if painted.size else (0.0, 0.0)
        if painted.shape != batch.shape or not np.isfinite([low, high]).all():
            raise BadStyleFile(
                f"{self.path} is no style net: it made {list(painted.shape)} of {list(batch.shape)},"
                " or values that are no numbers."
            )
        result: FloatBatch = painted
        if low < 0 or high > 255:  # Not of files that fastnst wrote.
            result = np.clip(painted, 0, 255)
        return result


def frames_at_once(device: str) -> int:
    """How many frames to paint at a time on a device, see `Stylizer.for_video`."""
    if device != "cpu":
        return 1
    return min(cores(), MOST_AT_ONCE)


def _check_array(photo: Any) -> None:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise FastnstError(
            f"The array is {photo.dtype} of shape {photo.shape}.",
            "Give uint8 RGB of shape (height, width, 3).",
        )
