"""Frames of videos: upright, 8 bits of RGB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.images.read import Pixels, check_regular
from fastnst.runtime.video.ffmpeg import ColorRange, Colorspace, av
from fastnst.runtime.video.hdr import is_wide, to_sdr

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
}
"""By the number that ITU-T H.273 gives to them."""
HD = 720
"""Rows from which a video that does not say so is taken for BT.709, and not BT.601, as players do."""
TOLERANCE = 1e-9
"""Seconds that a time stamp may be off by rounding."""


@dataclass(frozen=True)
class Color:
    """How a video's numbers stand for colours."""

    space: Colorspace
    range: ColorRange
    primaries: int
    trc: int
    turned: bool


def rgb_of(frame: Any) -> tuple[Pixels, Color]:
    """A frame upright, as 8 bits of RGB, and how it is to be encoded."""
    space = MATRICES.get(
        frame.colorspace, Colorspace.ITU709 if frame.height >= HD else Colorspace.ITU601
    )
    reach = ColorRange(frame.color_range) if frame.color_range in (1, 2) else ColorRange.MPEG
    primaries, trc = frame.color_primaries, frame.color_trc
    if is_wide(frame):
        pixels = to_sdr(frame)
        space, reach, primaries, trc = Colorspace.ITU709, ColorRange.MPEG, 1, 1
    else:
        rgb = frame.reformat(
            format="rgb24",
            src_colorspace=space,
            src_color_range=reach,
            dst_color_range=ColorRange.JPEG,
        )
        pixels = rgb.to_ndarray()
    turns = round(frame.rotation / 90) % 4
    pixels = np.ascontiguousarray(np.rot90(pixels, turns))
    return pixels, Color(space, reach, primaries, trc, bool(turns % 2))


@contextmanager
def open_video(source: Path) -> Iterator[tuple[Any, Any]]:
    """A video file, and the stream in it that is film: not the cover that a sound file may have.

    Raises:
        UnreadableImage: It is no file, or no video.
    """
    check_regular(source, "video")
    try:
        with av.open(str(source), metadata_errors="ignore") as file:
            film = [stream for stream in file.streams.video if not _is_cover(stream)]
            if not film:
                raise UnreadableImage(f"{source} has no video in it.")
            yield file, film[0]
    except av.FFmpegError as error:
        raise UnreadableImage(f"{source} is no video that can be read: {reason(error)}.") from error


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def frames(
    source: Path, start: float = 0.0, end: float | None = None
) -> Iterator[tuple[Pixels, float]]:
    """The frames of a video, upright, uint8 RGB (H, W, 3), and their times in seconds from its beginning.

    Args:
        source: The file.
        start: Seconds from where on; what is before is not decoded, but for the frames it is told by.
        end: Seconds up to where; None for all.

    Raises:
        UnreadableImage: It is no video.
        FastnstError: It ends before `start`.
    """
    with open_video(source) as (file, stream):
        seek(file, start)
        begins, some = begin(file), False
        for frame in file.decode(stream):
            at = 0.0 if frame.time is None else frame.time - begins
            if end is not None and at >= end - TOLERANCE:
                break
            if at >= start - TOLERANCE:
                some = True
                yield rgb_of(frame)[0], at
        if not some and start:
            raise ends_before(source, file, start)


def begin(file: Any) -> float:
    """The time in seconds that a file's own clock shows at its beginning."""
    return float(file.start_time or 0) / av.time_base


def seek(file: Any, start: float) -> None:
    """Go to the last frame before `start`, in seconds from the beginning, that can be decoded by itself."""
    if start:
        with suppress(av.FFmpegError):  # Then it is read from its beginning.
            file.seek(int((start + begin(file)) * av.time_base), backward=True)


def length_between(file: Any, start: float, end: float | None) -> float:
    """Seconds of a video from `start` to `end`, as far as the file says how long it is; else 0."""
    whole = float(file.duration or 0) / av.time_base
    return max(0.0, min(whole, end or whole) - start)


def frames_between(file: Any, stream: Any, start: float, end: float | None) -> int:
    """Frames of a video from `start` to `end` seconds, by its own account and its rate; 0 if it gives none."""
    if stream.frames and not start and end is None:
        return int(stream.frames)
    return round(length_between(file, start, end) * (stream.average_rate or 0))


def ends_before(source: Path, file: Any, start: float) -> FastnstError:
    """What to say of a video that has no frame from `start` on."""
    length = float(file.duration or 0) / av.time_base
    long = f" is {length:.1f} s long, and" if length else ""
    return FastnstError(
        f"{source}{long} has no frame from {start:g} s on.", "Give a smaller --start."
    )


def reason(error: Exception) -> str:
    """What FFmpeg says, to go on a sentence with."""
    return str(getattr(error, "strerror", "") or error).strip().rstrip(".").lower()
