"""Options of videos: the part that is painted, and how it is encoded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastnst.errors import FastnstError

VIDEO_EXTENSIONS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".wmv", ".flv", ".ogv", ".3gp"}
)  # fmt: skip
"""Endings of the names of video files, in lower case."""


@dataclass(frozen=True)
class VideoOptions:
    """The part of a video that is painted, and how the result is encoded.

    Raises:
        FastnstError: A value is out of its range, or FFmpeg has no such codec.
    """

    codec: str | None = None
    """Codec of the output by FFmpeg's name; None for H.264, or for the default of a format that does not take it."""
    crf: int = 18
    """Quality, 0 (lossless) to 63 (bad); 18 looks like the original."""
    start: float = 0.0
    """Seconds from the beginning of the video at which painting starts."""
    end: float | None = None
    """Seconds from the beginning of the video at which painting ends; None for its end."""
    deflicker: bool = False
    """Reduce flicker between frames, see `Deflicker`."""

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 63:
            raise FastnstError(f"The crf is {self.crf}.", "Give 0 (lossless) to 63 (bad).")
        if not 0 <= self.start < (math.inf if self.end is None else self.end):
            end = "the end" if self.end is None else f"{self.end:g} s"
            raise FastnstError(
                f"From {self.start:g} s to {end} there is nothing.",
                "Give a --start of 0 or more, and an --end after it.",
            )
        if self.codec is not None:
            from fastnst.runtime.video.ffmpeg import av  # Photos don't need FFmpeg.

            if self.codec not in av.codecs_available:
                raise FastnstError(
                    f"There is no codec {self.codec!r}.",
                    "Give FFmpeg's name of one: libx264, libx265, ...",
                )
