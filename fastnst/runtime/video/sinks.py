"""Videos painted to animations and to numbered pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError, Interrupted, UnreadableImage
from fastnst.images.metadata import Kept
from fastnst.images.read import Pixels
from fastnst.images.write import write_image
from fastnst.runtime.video.decode import frames, frames_between, open_video
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
    pictures, times, wish = [], [], _Wish(stop)
    for pixels, time in _painted(source, paint, clip, wish):
        pictures.append(Image.fromarray(pixels))
        times.append(time)
    if not pictures:
        raise _nothing_in(source, wish)
    gaps = np.diff(times) if len(times) > 1 else np.array([0.1])
    durations = tuple(round(1000 * gap) for gap in [*gaps, gaps[-1]][: len(times)])
    write_image(target, pictures, kept=Kept(durations=durations, loop=0))
    return _made(source, clip, pictures[0].size, len(pictures), wish)


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
    number, size, wish = 0, (0, 0), _Wish(stop)
    for pixels, _ in _painted(source, paint, clip, wish):
        number, size = number + 1, (pixels.shape[1], pixels.shape[0])
        path = target.with_name(target.name % number)
        write_image(path, [Image.fromarray(pixels)], quality=quality)
    if not number:
        raise _nothing_in(source, wish)
    return _made(source, clip, size, number, wish)


class _Wish:
    """Whether to end, asked before each frame, and so whether a frame was left out because of it."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self.heard = False

    def __call__(self) -> bool:
        self.heard = self.heard or self._stop()
        return self.heard


def _painted(
    source: Path, paint: Callable[[Pixels], Pixels], clip: Clip, stop: Callable[[], bool]
) -> Iterator[tuple[Pixels, float]]:
    """The frames that a clip is of, painted, and their times in seconds."""
    if clip.steady:
        paint = Steady(paint)
    for pixels, time in frames(source, clip.start, clip.end):
        if stop():
            return
        yield paint(pixels), time


def _made(source: Path, clip: Clip, size: tuple[int, int], count: int, wish: _Wish) -> PaintedVideo:
    if not wish.heard:
        return PaintedVideo(*size, count)
    with open_video(source) as (file, stream):
        of = frames_between(file, stream, clip.start, clip.end)
    return PaintedVideo(*size, count, stopped=True, of=of)


def _nothing_in(source: Path, wish: _Wish) -> FastnstError:
    if wish.heard:
        return Interrupted(f"Stopped before the first frame of {source}.")
    return UnreadableImage(f"{source} has no frame that can be painted.")
