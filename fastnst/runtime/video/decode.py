"""Decoding: a video's frames, upright, as 8 bits of RGB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.images.pixels import Pixels
from fastnst.images.read import check_regular_file
from fastnst.runtime.video.ffmpeg import (
    TITLES_IN_ANY_ENCODING,
    ColorRange,
    Colorspace,
    av,
    reason,
)
from fastnst.runtime.video.hdr import is_wide, to_sdr

MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
}
"""PyAV's matrices by their number in ITU-T H.273."""
HD_ROWS = 720
"""Rows from which a video that names no matrix is taken for BT.709 rather than BT.601, as players do."""
TIME_TOLERANCE = 1e-6
"""Seconds that a time stamp may be off by rounding: FFmpeg gives the start of a file in whole microseconds."""

Packet: TypeAlias = Any
"""An encoded packet of sound or subtitles, as PyAV reads it."""


@dataclass(frozen=True)
class ColorEncoding:
    """Relation between a video's numbers and colours, by the numbers of ITU-T H.273."""

    space: Colorspace = Colorspace.ITU709
    range: ColorRange = ColorRange.MPEG
    primaries: int = 1
    transfer: int = 1


@dataclass(frozen=True)
class VideoFrame:
    """A decoded frame."""

    pixels: Pixels
    """uint8 RGB (H, W, 3), upright."""
    seconds: float
    """Time since the beginning of the video."""
    pts: int
    """Time stamp in units of the stream's time base."""
    duration: int
    """Duration in the same units; 0 if the file does not say."""
    color: ColorEncoding
    """Encoding that keeps its colours."""
    transposed: bool
    """True if rotation made rows of its columns."""


class Video:
    """A video file that is open.

    Args:
        path: Its path, for errors.
        container: The file, as PyAV opened it.
        stream: The stream that is painted.
    """

    def __init__(self, path: Path, container: Any, stream: Any) -> None:
        self.path, self.container, self.stream = path, container, stream
        self.time_base: Fraction = stream.time_base
        self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        """Frames a second, on average."""
        self.sound_and_subtitles = [s for s in container.streams if s.type in ("audio", "subtitle")]
        self._offset = float(container.start_time or 0) / av.time_base
        self._file_seconds = float(container.duration or 0) / av.time_base
        stream.thread_type = "AUTO"

    def read(
        self, start: float = 0.0, end: float | None = None, *, copied: Sequence[Any] = ()
    ) -> Iterator[VideoFrame | Packet]:
        """Decode the frames from `start` to `end` seconds, with the packets of other streams between them.

        Args:
            start: Seconds from the beginning. The file is sought there, so that little before it is decoded.
            end: Seconds from the beginning; None for all.
            copied: Streams whose packets are wanted.

        Raises:
            av.FFmpegError: The file is damaged there.
        """
        if start:
            # What can't be sought is read from the beginning.
            with suppress(av.FFmpegError, OverflowError):
                self.container.seek(int((start + self._offset) * av.time_base), backward=True)
        for packet in self.container.demux([self.stream, *copied]):
            if packet.stream is not self.stream:
                if packet.pts is None:
                    continue
                seconds = float(packet.pts * packet.time_base) - self._offset
                # A codec's run-up has times below 0.
                if (not start or seconds >= start) and (end is None or seconds < end):
                    yield packet
                continue
            for frame in packet.decode():
                if frame.pts is None:
                    continue
                seconds = float(frame.pts * self.time_base) - self._offset
                if end is not None and seconds >= end - TIME_TOLERANCE:
                    return
                if seconds >= start - TIME_TOLERANCE:
                    pixels, color, transposed = decode_rgb(frame)
                    yield VideoFrame(
                        pixels, seconds, frame.pts, frame.duration or 0, color, transposed
                    )

    def seconds_between(self, start: float, end: float | None) -> float:
        """Seconds of the video from `start` to `end`; 0 if the file does not say how long it is."""
        return max(0.0, min(self._file_seconds, end or self._file_seconds) - start)

    def frames_between(self, start: float, end: float | None) -> int:
        """Frames from `start` to `end` seconds, by the file's own account and its rate; 0 if it gives none."""
        if self.stream.frames and not start and end is None:
            return int(self.stream.frames)
        return round(self.seconds_between(start, end) * (self.stream.average_rate or 0))

    def promised_seconds(self) -> float:
        """Duration of the frames by the file's own account; 0 if it gives none."""
        if self.stream.duration:
            return float(self.stream.duration * self.time_base)
        if text := self.stream.metadata.get("DURATION"):
            with suppress(ValueError):
                hours, minutes, seconds = map(float, text.split(":"))
                return 3600 * hours + 60 * minutes + seconds
        return self._file_seconds if len(self.container.streams) == 1 else 0.0

    def ends_before(self, start: float) -> FastnstError:
        """Return the error for a video that has no frame from `start` seconds on."""
        length = f" is {self._file_seconds:.1f} s long, and" if self._file_seconds else ""
        return FastnstError(
            f"{self.path}{length} has no frame from {start:g} s on.", "Give a smaller --start."
        )


@contextmanager
def open_video(source: Path) -> Iterator[Video]:
    """Open a video file; of its streams, the first that is no cover of a song.

    Raises:
        UnreadableImage: There is no such file, or no video in it, or it is damaged.
    """
    check_regular_file(source, "video")
    try:
        with av.open(str(source), **TITLES_IN_ANY_ENCODING) as container:
            streams = [s for s in container.streams.video if not _is_cover(s)]
            if not streams:
                raise UnreadableImage(f"{source} has no video in it.")
            yield Video(source, container, streams[0])
    except av.FFmpegError as error:
        raise UnreadableImage(f"{source} is no video that can be read: {reason(error)}.") from error


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def frames(
    source: Path, start: float = 0.0, end: float | None = None
) -> Iterator[tuple[Pixels, float]]:
    """Decode a video from `start` to `end` seconds.

    Yields:
        A frame, upright, uint8 RGB (H, W, 3), and its time in seconds from the beginning of the video.

    Raises:
        UnreadableImage: It is no video, or it is damaged.
        FastnstError: It ends before `start`.
    """
    with open_video(source) as video:
        frame = None
        for frame in video.read(start, end):
            yield frame.pixels, frame.seconds
        if frame is None and start:
            raise video.ends_before(start)


def decode_rgb(frame: Any) -> tuple[Pixels, ColorEncoding, bool]:
    """Convert a frame to 8 bits of RGB, and rotate it as the file says.

    Args:
        frame: As PyAV decoded it.

    Returns:
        The pixels, upright, (H, W, 3); the encoding that keeps their colours, BT.709 for HDR and wide gamuts;
        whether rotation made rows of the columns.
    """
    if is_wide(frame):
        pixels, color = to_sdr(frame), ColorEncoding()
    else:
        fallback = Colorspace.ITU709 if frame.height >= HD_ROWS else Colorspace.ITU601
        color = ColorEncoding(
            MATRICES.get(frame.colorspace, fallback),
            ColorRange(frame.color_range) if frame.color_range in (1, 2) else ColorRange.MPEG,
            frame.color_primaries,
            frame.color_trc,
        )
        pixels = frame.reformat(
            format="rgb24",
            src_colorspace=color.space,
            src_color_range=color.range,
            dst_color_range=ColorRange.JPEG,
        ).to_ndarray()
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)), color, bool(turns % 2)
