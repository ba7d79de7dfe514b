"""The job of a video: decode, paint, reduce flicker, write, all at the same time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from fastnst.errors import FastnstError, Interrupted, UnreadableImage
from fastnst.images.pixels import Pixels
from fastnst.runtime.video.decode import Packet, Video, VideoFrame, open_video
from fastnst.runtime.video.deflicker import Deflicker
from fastnst.runtime.video.ffmpeg import av, reason
from fastnst.runtime.video.options import VideoOptions
from fastnst.runtime.video.prefetch import prefetch
from fastnst.runtime.video.sinks import Sink, sink_for
from fastnst.system.machine import keep_freed_memory

TRUNCATION_SECONDS = 0.5
"""Seconds missing from the duration that a video says, from which on it is called cut off."""


@dataclass(frozen=True)
class VideoResult:
    """A video that was painted."""

    width: int
    """Width in pixels."""
    height: int
    """Height in pixels."""
    frames: int
    """Number of painted frames."""
    note: str = ""
    """Damage and losses: parts of the source that could not be read or kept; empty if there are none."""
    stopped: bool = False
    """True if it was told to end early."""
    of: int = 0
    """Frames that it would have had if it had not been stopped, about; 0 if the file does not say."""


def paint_video(
    source: Path,
    target: Path,
    paint: Callable[[Pixels], Pixels],
    options: VideoOptions = VideoOptions(),
    *,
    quality: int = 95,
    concurrency: int = 1,
    stop: Callable[[], bool] = lambda: False,
    report: Callable[[float, str], None] | None = None,
) -> VideoResult:
    """Paint a video to another video, an animation or numbered pictures, see `fastnst.runtime.video.sinks`.

    Rotation is applied; more than 8 bits, and HDR, are brought to 8 bits of BT.709. A damaged video is painted as
    far as it can be decoded.

    Args:
        source: A file that FFmpeg reads.
        target: Its name decides what is written.
        paint: Paints a frame, uint8 RGB (H, W, 3); all results have one size.
        options: The part that is painted, and how it is encoded.
        quality: Quality of animations and pictures in JPEG, WebP, AVIF and HEIC, 1..100.
        concurrency: Number of threads that paint a frame each.
        stop: Asked before each frame whether to end early; what is painted is kept.
        report: Called after each frame with the share that is done, 0..1, or 0 if the file does not say how long it
            is, and with the number of frames and their rate.

    Raises:
        UnreadableImage: The source is no video, or damaged from the start.
        FastnstError: It ends before the part that is wanted.
        Interrupted: It was stopped before the first frame.
        CannotWrite: The format, the codec or the disk refuses.
        MissingExtra: `options.deflicker` needs OpenCV, which is not installed.
    """
    make = sink_for(source, target)
    keep_freed_memory()
    deflicker = Deflicker() if options.deflicker else None
    with open_video(source) as video:
        sink = make(target, video, options, quality=quality)
        return _Work(video, sink, paint, deflicker, concurrency, stop).run(report)


class _Work:
    """A video on its way from the file to a sink."""

    def __init__(
        self,
        video: Video,
        sink: Sink,
        paint: Callable[[Pixels], Pixels],
        deflicker: Deflicker | None,
        concurrency: int,
        stop: Callable[[], bool],
    ) -> None:
        self._video, self._sink, self._options = video, sink, sink.options
        self._paint, self._deflicker = paint, deflicker
        self._concurrency, self._stop = concurrency, stop
        self._stopped = False
        self._damage = ""

    def run(self, report: Callable[[float, str], None] | None) -> VideoResult:
        """Write what comes; one thread decodes, some paint, and this one encodes."""
        start, end = self._options.start, self._options.end
        length = self._video.seconds_between(start, end)
        began, count = time.perf_counter(), 0
        last: VideoFrame | None = None
        with self._sink.writing(), closing(prefetch(self._painted())) as items:
            for item in items:
                if not isinstance(item, VideoFrame):
                    self._sink.copy(item)
                    continue
                self._sink.add(item)
                last, count = item, count + 1
                if report is not None:
                    share = min(1.0, (item.seconds - start) / length) if length else 0.0
                    rate = count / (time.perf_counter() - began)
                    report(share, f"{count} frames, {rate:.1f} a second")
            if last is None:
                raise self._no_frame()
        height, width = last.pixels.shape[:2]
        of = self._video.frames_between(start, end) if self._stopped else 0
        note = "; ".join(filter(None, (self._damage or self._truncation(last), self._sink.note)))
        return VideoResult(width, height, count, note, self._stopped, of)

    def _read(self) -> Iterator[VideoFrame | Packet]:
        """Decode as far as it goes."""
        copied = self._video.sound_and_subtitles if self._sink.copies_streams else ()
        try:
            yield from self._video.read(self._options.start, self._options.end, copied=copied)
        except av.FFmpegError as error:
            self._damage = f"it is damaged, and was painted as far as it goes ({reason(error)})"

    def _painted(self) -> Iterator[VideoFrame | Packet]:
        """Paint frames, some at a time; they and the packets between them keep their order."""
        waiting: deque[tuple[VideoFrame | Packet, Future[Pixels] | None]] = deque()
        frames = 0
        painters = ThreadPoolExecutor(self._concurrency)
        try:
            with closing(prefetch(self._read())) as items:
                for item in items:
                    future = None
                    if isinstance(item, VideoFrame):
                        self._stopped = self._stop()
                        if self._stopped:
                            break
                        future, frames = painters.submit(self._paint, item.pixels), frames + 1
                    waiting.append((item, future))
                    # One more than can be painted, so that no painter waits for the next.
                    while frames > self._concurrency:
                        frames -= waiting[0][1] is not None
                        yield self._finished(*waiting.popleft())
                while waiting:
                    yield self._finished(*waiting.popleft())
        finally:
            painters.shutdown(cancel_futures=True)

    def _finished(
        self, item: VideoFrame | Packet, future: Future[Pixels] | None
    ) -> VideoFrame | Packet:
        """Return a frame painted, and with less flicker if that was asked for; packets as they are."""
        if future is None:
            return item
        pixels = future.result()
        if self._deflicker is not None:
            pixels = self._deflicker(item.pixels, pixels)
        return replace(item, pixels=pixels)

    def _truncation(self, last: VideoFrame) -> str:
        """Return the note on a video that ends before its time; empty for one that does not."""
        promised = self._video.promised_seconds()
        if self._stopped or self._options.end or promised - last.seconds <= TRUNCATION_SECONDS:
            return ""
        return f"it is cut off: {last.seconds:.1f} of its {promised:.1f} seconds are there"

    def _no_frame(self) -> FastnstError:
        if self._stopped:
            return Interrupted(f"Stopped before the first frame of {self._video.path}.")
        if self._options.start and not self._damage:
            return self._video.ends_before(self._options.start)
        why = f": {self._damage}" if self._damage else ""
        return UnreadableImage(f"{self._video.path} has no frame that can be painted{why}.")
