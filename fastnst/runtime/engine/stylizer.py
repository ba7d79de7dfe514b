"""A style, loaded once, that paints whatever picture it is called with."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine import coarse_to_fine
from fastnst.runtime.engine.conversion import AnyPhoto, check_array, enough_memory, paint_any
from fastnst.runtime.engine.devices import ON_PROCESSOR, Device
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.runtime.engine.level_painter import LevelPainter, OnShare
from fastnst.runtime.engine.net_session import NetSession
from fastnst.runtime.engine.painting_statistics import painting_statistics
from fastnst.runtime.engine.spec import StylizerSpec, Tile, style_and_model
from fastnst.runtime.engine.tiling import RegionReader
from fastnst.styles.mix import Blend, NetStyle, Stroke, StyleMix
from fastnst.styles.painting import short_name
from fastnst.styles.registry import style_names
from fastnst.system.machine import cpu_count, parse_bytes

MOST_AT_ONCE = 4
"""Largest number of frames that are painted at a time: each takes memory of its own."""

Photo = TypeVar("Photo", Image.Image, Pixels)


class Stylizer:
    """A style, or all styles of a file, ready to paint. Several threads may share it.

    It can be pickled and copied: what is kept is its specification, and the copy opens a session of its own.

    Example:
        >>> stylizer = Stylizer("great-wave", strength=0.7)
        >>> stylizer("photo.jpg").save("painted.jpg")
        >>> stylizer("photo.jpg", style="painting.jpg").save("like-it.jpg")
        >>> stylizer("photo.jpg", style="the-kiss:0.6,great-wave:0.4", strength=0.8).save("mixed.jpg")
    """

    def __init__(
        self,
        style: Blend | StyleMix | os.PathLike[str] | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        strength: float | None = None,
        stroke: Stroke | None = None,
        fast: bool = False,
        tile: Tile = "auto",
        exact: bool = False,
        wrap: bool = False,
        device: Device = "auto",
        threads: int | None = None,
        memory: str | int | None = None,
    ) -> None:
        """Load a style.

        Args:
            style: Name of a style; path of a painting, whose style is predicted; a blend of both, `a:0.6,b.jpg:0.4`;
                a `StyleMix`; or, without a model, the path of an .onnx file.
            model: An .onnx file, from fastnst or any that takes one float RGB image (N, 3, H, W) in 0..255 and
                returns one, as the fast-neural-style files of the ONNX model zoo do. The style is then one of
                its styles; None takes the first.
            strength: From 0, the photo, to 1; None for that of the mix, or 1.
            stroke: Size of the strokes: `fine`, `medium`, `bold`, or a number from 0 to 1; None for that of the
                mix, or the file's default.
            fast: Take the faster net where a name has two.
            tile: Side of tiles in pixels; `auto` paints in tiles where memory is too small for the whole, `off`
                never. Tiles match.
            exact: Take the norms' statistics for tiles from the whole picture, in place of a sample: the picture
                is the one painted at once, and takes several times the time.
            wrap: Let the right edge go on at the left one, for panoramas of 360 degrees.
            device: Where to run; `auto` takes the fastest that can load the file.
            threads: Threads of the processor; None for one a core.
            memory: Memory that fastnst may take, about: `8G`, `800M`, or bytes; None for 1.5 GiB. Larger pictures
                are painted in tiles.

        Raises:
            UnknownStyle: There is no such style or file.
            BadStyleFile: The file is no style net.
            DeviceUnavailable: The device was asked for by name and is not there.
            MissingExtra: The device's engine is not installed.
            FastnstError: A share, the strength, the stroke, the tile or the memory is out of range, or the file has
                one strength or one stroke.
        """
        style, model = style_and_model(style, model)
        self.mix = StyleMix().changed(style, strength, stroke=stroke)
        """Style, strength and stroke that are painted unless a call names others."""
        self.spec = StylizerSpec(
            self.mix, model, fast=fast, tile=tile, exact=exact, wrap=wrap, device=device, threads=threads,
            memory=None if memory is None else parse_bytes(memory),
        )  # fmt: skip
        """Specification of the stylizer."""
        self.net = NetSession(self.spec.find(), device=device, threads=threads)
        """The net."""
        self.painter = LevelPainter(
            self.net, tile=tile, exact=exact, wrap=wrap, memory=self.spec.memory
        )
        """Paints pictures at one size."""
        self.path, self.card, self.device = self.net.path, self.net.card, self.net.device
        self.fixed_size, self.note = self.net.fixed_size, self.net.note
        self._net_style = self.mix.for_net(self.path, self.card, painting_statistics)
        self._for_video: dict[int, Stylizer] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_spec(cls, spec: StylizerSpec) -> Stylizer:
        """Load the style of a specification, in a session of its own.

        Raises:
            FastnstError: As for `Stylizer`.
        """
        options = dict(vars(spec))
        return cls(options.pop("mix"), **options)

    def sharing_net(self, spec: StylizerSpec) -> Stylizer:
        """Return the stylizer of a specification that paints by this one's net, and costs next to nothing.

        Args:
            spec: Has this one's file, device, threads and tiles; the mix may be another.

        Raises:
            FastnstError: The file has no such style, one strength or one stroke.
        """
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.mix, other.spec = spec.mix, spec
        other._net_style = spec.mix.for_net(self.path, self.card, painting_statistics)
        other._for_video, other._lock = {}, threading.Lock()
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_spec, (self.spec.absolute(),)

    @property
    def name(self) -> str:
        """The style's name, or those of a blend, as a part of file names."""
        if not self.mix.style:
            return self.path.stem
        return "-".join(map(short_name, self.mix.shares(self.styles)))

    @property
    def styles(self) -> list[str]:
        """Names of the file's styles."""
        return style_names(self.path, self.card)

    def for_video(self, at_once: int = 1) -> Stylizer:
        """Return the same style by the net for real time, where there is one.

        Args:
            at_once: Number of frames that will be painted at a time, each in a thread; the processor's cores
                are divided among them. Two threads that paint a frame each are faster than two that share one.
        """
        spec = self.spec.for_video(at_once)
        if at_once == 1 and spec.find() == self.path:
            return self
        with self._lock:
            if at_once not in self._for_video:
                self._for_video[at_once] = Stylizer.from_spec(spec)
            return self._for_video[at_once]

    def warm_up(self, size: int | tuple[int, int]) -> None:
        """Paint an empty picture, so that the first one takes no longer than the others.

        Args:
            size: Width and height in pixels of what will be painted, or the side of a square.

        Raises:
            FastnstError: A side is below 1.
        """
        width, height = (size, size) if isinstance(size, int) else size
        if min(width, height) < 1:
            raise FastnstError(f"The size is {width}x{height}.", "Give sides of 1 px or more.")
        self(np.zeros((height, width, 3), np.uint8))

    @overload
    def __call__(
        self,
        photo: str | os.PathLike[str],
        style: Blend | StyleMix | None = None,
        *,
        strength: float | None = None,
        stroke: Stroke | None = None,
        size: int | None = None,
        on_share: OnShare | None = None,
        kept: KeptLevels | None = None,
    ) -> Image.Image: ...
    @overload
    def __call__(
        self,
        photo: Photo,
        style: Blend | StyleMix | None = None,
        *,
        strength: float | None = None,
        stroke: Stroke | None = None,
        size: int | None = None,
        on_share: OnShare | None = None,
        kept: KeptLevels | None = None,
    ) -> Photo: ...
    def __call__(
        self,
        photo: AnyPhoto,
        style: Blend | StyleMix | None = None,
        *,
        strength: float | None = None,
        stroke: Stroke | None = None,
        size: int | None = None,
        on_share: OnShare | None = None,
        kept: KeptLevels | None = None,
    ) -> Image.Image | Pixels:
        """Paint a photo.

        Args:
            photo: Path, Pillow image, or uint8 RGB array (H, W, 3).
            style: Another style of the file, a painting, a blend, or a `StyleMix`; None for the style that was
                loaded. A change costs no time; that to a new painting half a second, once.
            strength: From 0, the photo, to 1; None for that of the style.
            stroke: `fine`, `medium`, `bold`, or a number from 0 to 1; None for that of the style.
            size: Longer side in pixels that the photo is scaled to; None keeps its size.
            on_share: Called with the share of the work that is done, 0..1, after each tile, where there are tiles.
            kept: Keeps the lower levels from one live frame to the next: a fifth less work, and what is coarse is
                a frame late in every second one.

        Returns:
            An array for an array, else a Pillow image, of the photo's size (or `size`): RGB, or RGBA with the
            photo's own transparency if it has any. A net of one fixed size returns a picture that fits into it.

        Raises:
            UnreadableImage: The path is no picture.
            UnknownStyle: The file has no such style.
            FastnstError: The array is not uint8 (H, W, 3); the size, a share, the strength or the stroke is out
                of range; or memory ran out.
        """
        net_style = self._for_net(self.mix.changed(style, strength, stroke=stroke))

        def paint(pixels: Pixels) -> Pixels:
            painted = coarse_to_fine.paint(self.painter, pixels[None], [net_style], on_share, kept)
            result: Pixels = painted[0]
            return result

        with enough_memory(size):
            painted = paint_any(photo, paint, size=size, within=self.fixed_size)
        return painted

    def paint_batch(
        self, photos: Pixels, styles: StyleMix | Sequence[StyleMix] | None = None
    ) -> Pixels:
        """Paint photos of one size together, each in a style of its own.

        Files that take one style for a whole batch are run once for each style.

        Args:
            photos: Uint8 RGB (N, H, W, 3).
            styles: A style for all, or N styles; None for the style that was loaded.

        Returns:
            Uint8 RGB of the same shape; for a net of one fixed size, pictures that fit into it.

        Raises:
            UnknownStyle: The file has no such style.
            FastnstError: The array is not uint8 (N, H, W, 3), there are not N styles, or memory ran out.
        """
        check_array(photos, 4)
        if styles is None or isinstance(styles, StyleMix):
            styles = [styles or self.mix] * len(photos)
        if len(styles) != len(photos):
            raise FastnstError(
                f"There are {len(styles)} styles for {len(photos)} photos.",
                "Give one for all, or one for each.",
            )
        if self.fixed_size is not None:
            pairs = zip(photos, styles, strict=True)
            return np.stack([self(photo, style) for photo, style in pairs])
        for_net = {style: self._for_net(style) for style in styles}
        net_styles = [for_net[style] for style in styles]
        with enough_memory():
            painted = coarse_to_fine.paint(self.painter, photos, net_styles)
        return painted

    def bands(
        self, region: RegionReader, height: int, width: int, *, on_share: OnShare | None = None
    ) -> Iterator[tuple[int, Pixels]]:
        """Paint a picture that need not be in memory, in tiles.

        Args:
            region: Reads parts of the picture.
            height: Height of the picture in pixels.
            width: Width of the picture in pixels.
            on_share: Called with the share of the work that is done, 0..1, after each tile.

        Yields:
            The first row of a band, and the painted band, uint8 RGB (h, W, 3).

        Raises:
            FastnstError: The net has one fixed size, or parts that tiles can't be cut for.
        """
        if self.fixed_size is not None:
            raise FastnstError(self.note, "It can't paint a picture of this size.")
        style = self._net_style
        return coarse_to_fine.bands(self.painter, region, height, width, style, on_share)

    def _for_net(self, style: StyleMix) -> NetStyle:
        return (
            self._net_style
            if style == self.mix
            else style.for_net(self.path, self.card, painting_statistics)
        )


def frames_at_once(device: Device) -> int:
    """Return how many frames to paint at a time on a device, see `Stylizer.for_video`."""
    return min(cpu_count(), MOST_AT_ONCE) if device in ON_PROCESSOR else 1
