"""Pictures painted as they come."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fastnst.images.read import Pixels
from fastnst.runtime.engine.session import Device
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.live.camera import Camera, Shot, ahead, scaled
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import Steady
from fastnst.styles.mix import StyleMix

Source: TypeAlias = int | str | os.PathLike[str] | Iterable[Pixels]
"""The number of a camera, a video file, or uint8 RGB frames (H, W, 3)."""


@dataclass(frozen=True)
class PaintedShot(Shot):
    """A painted frame."""

    photo: Pixels
    """What it was painted from."""


def stream(
    source: Source,
    *,
    style: str | os.PathLike[str] | StyleMix | Stylizer,
    size: int | None = None,
    steady: bool = False,
    device: Device = "auto",
) -> Iterator[PaintedShot]:
    """Paint frames as they come.

    Every frame of a video or of your own frames, in order; of a camera the newest one, so that what is
    seen is never late.

    Example:
        >>> for shot in stream("clip.mp4", style="great-wave", size=640):
        ...     show(shot.pixels, shot.time)

    Args:
        source: The number of a camera, a video file, or uint8 RGB frames (H, W, 3).
        style: Name of a style or a `StyleMix`, painted by the net for real time; an .onnx file; or a `Stylizer`,
            which is taken as it is.
        size: Longer side to scale the frames to, in pixels, larger ones alone of a camera; None keeps theirs.
        steady: Hold still what does, see `Steady`.
        device: Where to run; unless `style` is a `Stylizer`.

    Yields:
        The frames, painted.

    Raises:
        FastnstError: There is no such style, camera or video; or `steady`, or a camera, needs OpenCV,
            which is not there.
    """
    if not isinstance(style, Stylizer):
        style = Stylizer(style, device=device).for_video()
    paint: Callable[[Pixels], Pixels] = Steady(style) if steady else style
    for shot in _shots(source, size):
        yield PaintedShot(paint(shot.pixels), shot.time, shot.number, shot.pixels)


def _shots(source: Source, size: int | None) -> Iterator[Shot]:
    if isinstance(source, int):
        with Camera(source, size=size) as camera:
            number = -1
            while True:
                if shot := camera.newest(number, timeout=1.0):
                    number = shot.number
                    yield shot
    elif isinstance(source, str | os.PathLike):
        for number, (pixels, seconds) in enumerate(ahead(frames(Path(source)))):
            yield Shot(scaled(pixels, size), seconds, number)
    else:
        began = time.monotonic()
        for number, pixels in enumerate(source):
            yield Shot(scaled(pixels, size), time.monotonic() - began, number)
