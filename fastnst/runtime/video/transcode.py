"""Videos, painted frame by frame; their sound, their times and all else stays as it was."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fastnst.errors import CannotWrite, Interrupted, UnreadableImage
from fastnst.images.read import Pixels
from fastnst.runtime.video.decode import (
    TOLERANCE,
    Color,
    begin,
    ends_before,
    frames_between,
    length_between,
    open_video,
    reason,
    rgb_of,
    seek,
)
from fastnst.runtime.video.deflicker import Steady
from fastnst.runtime.video.ffmpeg import ColorRange, av
from fastnst.runtime.video.options import Clip
from fastnst.system.atomic import written_whole

CODECS = {".webm": "libvpx-vp9", ".ogv": "libtheora", ".mpg": "mpeg2video", ".mpeg": "mpeg2video"}
"""Of the formats that do not take H.264, the default."""
AHEAD = 8
"""Frames that wait between decoding, painting and encoding, at most."""
MISSING = 0.5
"""Seconds that a video is shorter than it says, from where on it is cut off."""

Frame: TypeAlias = tuple[Pixels, int, int]
"""Pixels, time stamp and duration, both in units of the stream's time base."""


@dataclass(frozen=True)
class PaintedVideo:
    """What became of a video."""

    width: int
    height: int
    frames: int
    note: str = ""
    """What a user should know: where it was damaged, what could not be kept."""
    stopped: bool = False
    """Whether it ended early because it was asked to."""
    of: int = 0
    """Frames that there would have been then, about; 0 if the file does not say."""


def paint_video(
    source: Path,
    target: Path,
    paint: Callable[[Pixels], Pixels],
    clip: Clip = Clip(),
    *,
    at_once: int = 1,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[float, str], None] | None = None,
) -> PaintedVideo:
    """Paint a video. Decoding, painting and encoding go on side by side.

    Times are kept to the tick, a variable rate too; sound and subtitles are copied as they are; rotation
    is applied; more than 8 bits, and HDR, are brought to 8 bits of BT.709.

    Args:
        source: Whatever FFmpeg reads.
        target: Its ending is the format.
        paint: A frame, uint8 RGB (H, W, 3), to another; all of one size.
        clip: What of it, and how it is kept.
        at_once: Frames that are painted at a time, in threads, unless it is to be steady.
        stop: Whether to end early; what is painted is kept.
        report: Called after each frame with the share that is done, 0 where a file does not say how long it is, and
            how many frames that are and how fast.

    Raises:
        UnreadableImage: It is no video, or damaged from the start.
        FastnstError: It ends before the clip starts.
        Interrupted: It was asked to end before there was a frame.
        CannotWrite: Its format or codec can't be written, or the disk is full.
        MissingExtra: It is to be steady, and OpenCV is not there.
    """
    if clip.steady:
        paint, at_once = Steady(paint), 1
    with open_video(source) as (file, stream), written_whole(target) as temporary:
        return _Work(file, stream, target, clip).run(temporary, paint, at_once, stop, report)


class _Work:
    """One video on its way."""

    def __init__(self, file: Any, stream: Any, target: Path, clip: Clip) -> None:
        self.file, self.stream, self.target, self.clip = file, stream, target, clip
        self.base: Fraction = stream.time_base
        self.note = ""
        self.stopped = threading.Event()
        self.read: queue.Queue[Any] = queue.Queue(AHEAD)
        self.painted: queue.Queue[Any] = queue.Queue(AHEAD)
        self.others: dict[int, Any] = {}
        self.failure: Exception | None = None
        self._first = 0
        """Time stamp that becomes 0."""
        self._last = 0.0
        """Seconds of the last frame that was read."""
        stream.thread_type = "AUTO"

    def run(
        self,
        temporary: Path,
        paint: Callable[[Pixels], Pixels],
        at_once: int,
        stop: Callable[[], bool],
        report: Callable[[float, str], None] | None,
    ) -> PaintedVideo:
        """Read in one thread, paint in some, write in another."""
        reader = threading.Thread(target=self._read, daemon=True)
        writer = threading.Thread(target=self._write, args=(temporary,), daemon=True)
        reader.start()
        writer.start()
        count, size, stopped = 0, (0, 0), False
        length, began = (
            length_between(self.file, self.clip.start, self.clip.end),
            time.perf_counter(),
        )
        waiting: deque[tuple[Any, ...]] = deque()

        def hand_on() -> None:
            nonlocal count, size
            kind, first, *rest = waiting.popleft()
            if kind == "frame":
                first = first.result()
                count, size = count + 1, (first.shape[1], first.shape[0])
                if report is not None:
                    share = float((rest[0] - self._first) * self.base) / length if length else 0.0
                    rate = count / (time.perf_counter() - began)
                    report(min(1.0, share), f"{count} frames, {rate:.1f} a second")
            self.painted.put((kind, first, *rest))

        try:
            with ThreadPoolExecutor(at_once) as painters:
                for kind, first, *rest in iter(self.read.get, None):
                    stopped = stop()
                    if self.failure or stopped:
                        break
                    if kind == "frame":
                        first = painters.submit(paint, first)
                    waiting.append((kind, first, *rest))
                    while sum(kind == "frame" for kind, *_ in waiting) > at_once:
                        hand_on()
                while waiting and not self.failure:
                    hand_on()
        finally:
            self.stopped.set()
            self.painted.put(None)
            with suppress(queue.Empty):  # The reader may wait for room.
                while True:
                    self.read.get_nowait()
            reader.join()
            writer.join()
        if self.failure is not None:
            raise self.failure
        if not count and stopped:
            raise Interrupted(f"Stopped before the first frame of {self.file.name}.")
        if not count and self.clip.start and not self.note:
            raise ends_before(Path(self.file.name), self.file, self.clip.start)
        if not count:
            raise UnreadableImage(
                f"{self.file.name} has no frame that can be painted{': ' if self.note else ''}{self.note}."
            )
        wanted = self._promised()
        if not (self.note or self.clip.end or stopped) and wanted and wanted - self._last > MISSING:
            self.note = f"it is cut off: {self._last:.1f} of its {wanted:.1f} seconds are there"
        of = frames_between(self.file, self.stream, self.clip.start, self.clip.end)
        return PaintedVideo(*size, count, self.note, stopped, of if stopped else 0)

    def _promised(self) -> float:
        """Seconds that the picture has by the file's own account; 0 if it gives none."""
        if self.stream.duration:
            return float(self.stream.duration * self.base)
        if text := self.stream.metadata.get("DURATION"):
            with suppress(ValueError):
                hours, minutes, seconds = map(float, text.split(":"))
                return 3600 * hours + 60 * minutes + seconds
        alone = len(self.file.streams) == 1
        return float(self.file.duration or 0) / av.time_base if alone else 0.0

    def _read(self) -> None:
        """Decode frames, and pass on packets of the other streams."""
        try:
            others = [s for s in self.file.streams if s.type in ("audio", "subtitle")]
            offset = begin(self.file)
            start, end = self.clip.start + offset, self.clip.end
            seek(self.file, self.clip.start)
            for packet in self.file.demux([self.stream, *others]):
                if self.stopped.is_set():
                    return
                if packet.stream is not self.stream:
                    if packet.pts is None:
                        continue
                    at = float(packet.pts * packet.time_base)
                    # (A codec's run-up, before 0, goes with it.)
                    late_enough = not self.clip.start or at >= start
                    if late_enough and (end is None or at < end + offset):
                        self._put(("packet", packet))
                    continue
                for frame in packet.decode():
                    if frame.pts is None:
                        continue
                    at = float(frame.pts * self.base)
                    if at < start - TOLERANCE:
                        continue
                    if end is not None and at >= end + offset - TOLERANCE:
                        return
                    self._last = at - offset
                    pixels, color = rgb_of(frame)
                    self._put(("frame", pixels, frame.pts, frame.duration or 0, color))
        except av.FFmpegError as error:
            self.note = f"it is damaged, and was painted as far as it goes ({reason(error)})"
        except Exception as error:
            self.failure = error
        finally:
            self._put(None)

    def _put(self, item: Any) -> None:
        """Put into the queue, unless nobody takes any more."""
        while not self.stopped.is_set():
            with suppress(queue.Full):
                self.read.put(item, timeout=0.1)
                return

    def _write(self, temporary: Path) -> None:
        """Encode and mux what comes, until None."""
        coming = iter(self.painted.get, None)  # One, which knows whether None has come.
        try:
            out = self._encode(temporary, coming)
            if out is not None:
                out.close()
        except av.FFmpegError as error:
            self.failure = self.failure or self._refused(error)
        except Exception as error:
            self.failure = self.failure or error
        finally:
            for _ in coming:  # What is left has no place to go, and whoever paints waits for room.
                pass

    def _encode(self, temporary: Path, coming: Iterator[tuple[Any, ...]]) -> Any:
        """Encode and mux all that comes into a container, which is left open; None if nothing came."""
        out: Any = None
        video: Any = None
        held: list[Any] = []
        try:
            for kind, *item in coming:
                if self.failure:
                    continue  # Only to empty the queue.
                if out is None:
                    out = self._open(temporary)
                if kind == "packet":
                    if video is None:
                        held.append(item[0])
                    else:
                        self._mux(out, item[0])
                    continue
                pixels, pts, duration, color = item
                if video is None:
                    video = self._add_video(out, pixels, color)
                    self._first = pts if self.clip.start else 0
                    self._add_others(out)
                    for packet in held:
                        self._mux(out, packet)
                frame = _frame(pixels, pts - self._first, duration, self.base, video, color)
                out.mux(video.encode(frame))
            if video is not None:
                out.mux(video.encode(None))
        except Exception:
            if out is not None:
                with suppress(av.FFmpegError):  # What went wrong before is what is told.
                    out.close()
            raise
        return out

    def _refused(self, error: Exception) -> CannotWrite:
        # The system's own errors, a full disk say, are not the format's.
        hint = "" if isinstance(error, OSError) else "Give another ending, or another --codec."
        return CannotWrite(f"{self.target} can't be written: {reason(error)}.", hint)

    def _open(self, temporary: Path) -> Any:
        options = {}
        if self.target.suffix.lower() in (".mp4", ".m4v", ".mov"):
            options = {"movflags": "+faststart+use_metadata_tags"}
            if self.base.numerator == 1:
                options["video_track_timescale"] = str(self.base.denominator)
        try:
            out = av.open(str(temporary), "w", options=options)
        except (av.FFmpegError, ValueError) as error:
            raise CannotWrite(
                f"{self.target} can't be written: FFmpeg knows no such format.",
                "Give a name that ends in .mp4, .mkv, .webm or .mov.",
            ) from error
        out.metadata.update(self.file.metadata)
        return out

    def _add_video(self, out: Any, pixels: Pixels, color: Color) -> Any:
        codec = self.clip.codec or CODECS.get(self.target.suffix.lower(), "libx264")
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        options = {"crf": str(self.clip.crf)}
        if codec in ("libx264", "libx265"):
            options["preset"] = "superfast"
        if codec == "libvpx-vp9":
            options |= {"b": "0", "cpu-used": "5", "row-mt": "1", "deadline": "realtime"}
        try:
            video = out.add_stream(codec, rate=rate, options=options)
        except (av.FFmpegError, ValueError) as error:
            raise CannotWrite(
                f"{self.target} can't be written with the codec {codec}: {reason(error)}.",
                "Give another ending, or another --codec.",
            ) from error
        context = video.codec_context
        context.width, context.height = pixels.shape[1], pixels.shape[0]
        # Half the colours a side need even sides.
        even = not (context.width % 2 or context.height % 2)
        known = [f.name for f in context.codec.video_formats or []]
        wanted = "yuv420p" if even else "yuv444p"
        context.pix_fmt = wanted if wanted in known or not known else known[0]
        context.time_base = self.base
        context.colorspace, context.color_range = int(color.space), int(color.range)
        context.color_primaries, context.color_trc = color.primaries, color.trc
        context.thread_type = "AUTO"
        ratio = self.stream.sample_aspect_ratio
        if ratio and ratio != 1:
            context.sample_aspect_ratio = 1 / ratio if color.turned else ratio
        return video

    def _add_others(self, out: Any) -> None:
        """A stream of the same kind for each of sound and subtitles."""
        for stream in self.file.streams:
            if stream.type not in ("audio", "subtitle"):
                continue
            try:
                copy = out.add_stream_from_template(stream)
                copy.metadata.update(stream.metadata)
                self.others[stream.index] = copy
            except (av.FFmpegError, ValueError):
                self.note = (
                    f"its {stream.type} ({stream.codec_context.name if stream.codec_context else 'unknown'})"
                    f" has no place in {self.target.suffix}, and was left out"
                )

    def _mux(self, out: Any, packet: Any) -> None:
        copy = self.others.get(packet.stream.index)
        if copy is None:
            return
        if self._first:
            shift = int(self._first * self.base / packet.time_base)
            packet.pts -= shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = copy
        out.mux(packet)


def _frame(
    pixels: Pixels, pts: int, duration: int, base: Fraction, video: Any, color: Color
) -> Any:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24").reformat(
        format=video.codec_context.pix_fmt,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=color.space,
        dst_color_range=color.range,
    )
    frame.pts, frame.time_base, frame.duration = pts, base, duration
    return frame
