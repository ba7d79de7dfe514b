"""The job `stream`: frames of a camera, a video or an iterable, painted in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.live.camera import Camera, LiveFrame, scaled
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import Deflicker
from fastnst.runtime.video.prefetch import prefetch
from fastnst.styles.mix import StyleMix

Source: TypeAlias = int | str | os.PathLike[str] | Iterable[Pixels]
"""A camera's number, a video file, or uint8 RGB frames (H, W, 3)."""


@dataclass(frozen=True)
class StylizedFrame(LiveFrame):
    """A painted frame."""

    photo: Pixels
    """The frame before painting, uint8 RGB."""


def stream(
    source: Source,
    *,
    style: str | os.PathLike[str] | StyleMix | Stylizer,
    size: int | None = None,
    deflicker: bool = False,
    device: Device = "auto",
) -> Iterator[StylizedFrame]:
    """Paint frames one after the other.

    A video, and frames of your own, are painted in full; of a camera always the newest frame, so that the delay
    does not grow.

    Example:
        >>> for frame in stream("clip.mp4", style="great-wave", size=640):
        ...     show(frame.pixels, frame.time)

    Args:
        source: A camera's number, a video file, or uint8 RGB frames (H, W, 3).
        style: A style's name or a `StyleMix`, painted by the net for real time; an .onnx file; or a `Stylizer`, used
            as it is.
        size: Longer side of the frames in pixels; a camera's smaller frames stay as they are. None keeps their size.
        deflicker: Reduce flicker between frames, see `Deflicker`.
        device: Where to run; unless `style` is a `Stylizer`.

    Yields:
        The painted frames, in order.

    Raises:
        FastnstError: There is no such style, camera or video.
        MissingExtra: A camera, or `deflicker`, needs OpenCV, which is not installed.
    """
    if not isinstance(style, Stylizer):
        style = Stylizer(style, device=device).for_video()
    smooth = Deflicker() if deflicker else None
    for frame in _frames(source, size):
        painted = style(frame.pixels)
        if smooth is not None:
            painted = smooth(frame.pixels, painted)
        yield StylizedFrame(painted, frame.time, frame.number, frame.pixels)


def _frames(source: Source, size: int | None) -> Iterator[LiveFrame]:
    if isinstance(source, int):
        with Camera(source, size=size) as camera:
            number = -1
            while True:
                if frame := camera.newest(number, timeout=1.0):
                    number = frame.number
                    yield frame
    elif isinstance(source, str | os.PathLike):
        for number, (pixels, seconds) in enumerate(prefetch(frames(Path(source)))):
            yield LiveFrame(scaled(pixels, size), seconds, number)
    else:
        began = time.monotonic()
        for number, pixels in enumerate(source):
            yield LiveFrame(scaled(pixels, size), time.monotonic() - began, number)
