"""Encoding: frames to a video file, with streams of another file copied beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from fastnst.errors import CannotWrite
from fastnst.images.pixels import Pixels
from fastnst.runtime.video.decode import ColorEncoding, Packet
from fastnst.runtime.video.ffmpeg import ColorRange, av, reason

DEFAULT_CODEC = "libx264"
DEFAULT_CODECS = {
    ".webm": "libvpx-vp9",
    ".ogv": "libvpx",
    ".mpg": "mpeg2video",
    ".mpeg": "mpeg2video",
}
"""Codecs of the formats that do not take H.264."""
FIXED_RATE = frozenset({"mpeg1video", "mpeg2video", "libvpx"})
"""Codecs whose time stamps count frames of a fixed rate."""
QUICKTIME = frozenset({".mp4", ".m4v", ".mov"})
"""Formats whose index goes to the front of the file, and whose clock can be set."""
SPEED = {
    "libx264": {"preset": "superfast"},
    "libx265": {"preset": "superfast"},
    "libvpx-vp9": {"b": "0", "cpu-used": "5", "row-mt": "1", "deadline": "realtime"},
}
"""Options by which a codec keeps up with the nets."""


class VideoEncoder:
    """A video file that is being written.

    Use it as a context manager: leaving it completes the file. After an error in the block the file is closed as it
    is, and is to be removed by the caller.

    Args:
        path: The file.
        target: The name that it will have, whose ending is the format, and which errors name.
        time_base: Seconds of a unit of time stamps.
        rate: Frames a second, on average.
        codec: By FFmpeg's name; None for H.264 or what the format takes.
        crf: Quality, 0 (lossless) to 63.
        metadata: Title and the like.

    Raises:
        CannotWrite: FFmpeg has no such format, or the file can't be opened. So do all methods, and leaving, where
            the codec, the format or the disk refuses.
    """

    def __init__(
        self,
        path: Path,
        target: Path,
        *,
        time_base: Fraction,
        rate: Fraction = Fraction(30),
        codec: str | None = None,
        crf: int = 18,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._target, self._time_base, self._rate, self._crf = target, time_base, rate, crf
        self._codec = codec or DEFAULT_CODECS.get(target.suffix.lower(), DEFAULT_CODEC)
        self._color = ColorEncoding()
        self._video: Any = None
        self._copies: dict[int, Any] = {}
        options = {}
        if target.suffix.lower() in QUICKTIME:
            options = {"movflags": "+faststart+use_metadata_tags"}
            if time_base.numerator == 1:
                # The second is for the start of the film, which is in whole milliseconds otherwise.
                for scale in ("video_track_timescale", "movie_timescale"):
                    options[scale] = str(time_base.denominator)
        try:
            self.container: Any = av.open(str(path), "w", options=options)
        except (av.FFmpegError, ValueError) as error:
            raise CannotWrite(
                f"{target} can't be written: FFmpeg knows no such format.",
                "Give a name that ends in .mp4, .mkv, .webm or .mov.",
            ) from error
        self.container.metadata.update(metadata or {})

    def __enter__(self) -> VideoEncoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._video is not None:
                with self._refusals():
                    self.container.mux(self._video.encode(None))
        except CannotWrite:
            with suppress(av.FFmpegError):  # The first error is the one to tell.
                self.container.close()
            raise
        with suppress(av.FFmpegError) if kind else self._refusals():
            self.container.close()

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None before `add_video`."""
        return None if self._video is None else (self._video.width, self._video.height)

    def add_video(
        self,
        width: int,
        height: int,
        *,
        color: ColorEncoding = ColorEncoding(),
        pixel_aspect: Fraction | None = None,
    ) -> None:
        """Add the stream of the frames, before any other.

        Args:
            width: In pixels, of all frames.
            height: In pixels.
            color: How colours are encoded.
            pixel_aspect: Width of a pixel over its height; None for square ones.
        """
        options = {"crf": str(self._crf), **SPEED.get(self._codec, {})}
        try:
            video: Any = self.container.add_stream(self._codec, rate=self._rate, options=options)
        except (av.FFmpegError, ValueError) as error:
            raise CannotWrite(
                f"{self._target} can't be written with the codec {self._codec}: {reason(error)}.",
                "Give another ending, or another --codec.",
            ) from error
        context = video.codec_context
        context.width, context.height = width, height
        # Colours of half the resolution need even sides.
        wanted = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        known = [form.name for form in context.codec.video_formats or []]
        context.pix_fmt = wanted if wanted in known or not known else known[0]
        context.time_base = 1 / self._rate if self._codec in FIXED_RATE else self._time_base
        context.colorspace, context.color_range = int(color.space), int(color.range)
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        context.thread_type = "AUTO"
        if pixel_aspect and pixel_aspect != 1:
            context.sample_aspect_ratio = pixel_aspect
        self._video, self._color = video, color

    def add_copy(self, stream: Any) -> bool:
        """Add a stream whose packets are copied as they are.

        Args:
            stream: Of the other file.

        Returns:
            Whether the format takes it.
        """
        try:
            copy = self.container.add_stream_from_template(stream)
            copy.metadata.update(stream.metadata)
        except (av.FFmpegError, ValueError):
            return False
        self._copies[stream.index] = copy
        return True

    def write(self, pixels: Pixels, pts: int, duration: int = 0) -> None:
        """Encode a frame.

        Args:
            pixels: uint8 RGB (H, W, 3).
            pts: Time stamp in units of the time base, above the one before.
            duration: In the same units; 0 if unknown.
        """
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24").reformat(
            format=self._video.codec_context.pix_fmt,
            src_color_range=ColorRange.JPEG,
            dst_colorspace=self._color.space,
            dst_color_range=self._color.range,
        )
        frame.pts, frame.time_base, frame.duration = pts, self._time_base, duration
        with self._refusals():
            self.container.mux(self._video.encode(frame))

    def copy(self, packet: Packet, earlier: Fraction = Fraction(0)) -> None:
        """Write a packet of a stream that was added by `add_copy`; others are left out.

        Args:
            packet: As it was read. It can't be used afterwards.
            earlier: Seconds to take from its time.
        """
        copy = self._copies.get(packet.stream.index)
        if copy is None:
            return
        shift = int(earlier / packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = copy
        with self._refusals():
            self.container.mux(packet)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn FFmpeg's errors into `CannotWrite`."""
        try:
            yield
        except av.FFmpegError as error:
            # The system's own errors, a full disk say, are not the format's.
            hint = "" if isinstance(error, OSError) else "Give another ending, or another --codec."
            raise CannotWrite(f"{self._target} can't be written: {reason(error)}.", hint) from error
