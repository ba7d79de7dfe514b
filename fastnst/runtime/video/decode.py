"""Frames of videos: upright, 8 bits of RGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastnst.errors import UnreadableImage
from fastnst.images.read import Pixels
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


def frames(source: Path) -> Iterator[tuple[Pixels, float]]:
    """The frames of a video, upright, uint8 RGB (H, W, 3), and their times in seconds.

    Raises:
        UnreadableImage: It is no video.
    """
    try:
        with av.open(str(source), metadata_errors="ignore") as file:
            for frame in file.decode(video=0):
                yield rgb_of(frame)[0], frame.time or 0.0
    except (av.FFmpegError, IndexError) as error:
        raise UnreadableImage(f"{source} is no video that can be read: {reason(error)}.") from error


def reason(error: Exception) -> str:
    """What FFmpeg says, to go on a sentence with."""
    return str(getattr(error, "strerror", "") or error).strip().rstrip(".").lower()
