"""Videos painted to animations and to numbered pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import UnreadableImage
from fastnst.images.metadata import Kept
from fastnst.images.read import Pixels
from fastnst.images.write import write_image
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import Steady
from fastnst.runtime.video.options import Clip
from fastnst.runtime.video.transcode import PaintedVideo


def paint_animation(
    source: Path,
    target: Path,
    paint: Callable[[Pixels], Pixels],
    clip: Clip,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> PaintedVideo:
    """Paint a video to an animated GIF, WebP or PNG; all of its frames are in memory until the end.

    Args:
        source: See `fastnst.runtime.video.transcode.paint_video`.
        target: See `fastnst.runtime.video.transcode.paint_video`.
        paint: See `fastnst.runtime.video.transcode.paint_video`.
        clip: From where to where.
        stop: Whether to end early.
    """
    pictures, times = [], []
    for pixels, time in _painted(source, paint, clip, stop):
        pictures.append(Image.fromarray(pixels))
        times.append(time)
    if not pictures:
        raise _nothing_in(source)
    gaps = np.diff(times) if len(times) > 1 else np.array([0.1])
    durations = tuple(round(1000 * gap) for gap in [*gaps, gaps[-1]][: len(times)])
    write_image(target, pictures, kept=Kept(durations=durations, loop=0))
    return PaintedVideo(*pictures[0].size, len(pictures))


def paint_sequence(
    source: Path,
    target: Path,
    paint: Callable[[Pixels], Pixels],
    clip: Clip,
    *,
    quality: int = 95,
    stop: Callable[[], bool] = lambda: False,
) -> PaintedVideo:
    """Paint a video to pictures, numbered from 1; those that are painted stay, whatever comes.

    Args:
        source: See `fastnst.runtime.video.transcode.paint_video`.
        target: A name with a number in it: frame-%04d.png.
        paint: See `fastnst.runtime.video.transcode.paint_video`.
        clip: From where to where.
        quality: Of JPEG, WebP, AVIF and HEIC, 1..100.
        stop: Whether to end early.
    """
    number, size = 0, (0, 0)
    for pixels, _ in _painted(source, paint, clip, stop):
        number, size = number + 1, (pixels.shape[1], pixels.shape[0])
        path = target.with_name(target.name % number)
        write_image(path, [Image.fromarray(pixels)], quality=quality)
    if not number:
        raise _nothing_in(source)
    return PaintedVideo(*size, number)


def _painted(
    source: Path, paint: Callable[[Pixels], Pixels], clip: Clip, stop: Callable[[], bool]
) -> Iterator[tuple[Pixels, float]]:
    """The frames that a clip is of, painted, and their times in seconds."""
    if clip.steady:
        paint = Steady(paint)
    for pixels, time in frames(source):
        if stop() or (clip.end is not None and time >= clip.end):
            return
        if time >= clip.start:
            yield paint(pixels), time


def _nothing_in(source: Path) -> UnreadableImage:
    return UnreadableImage(f"{source} has no frame that can be painted.")
