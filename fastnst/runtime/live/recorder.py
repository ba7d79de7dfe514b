"""Recording: painted frames of a camera to a video file."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path

from fastnst.errors import CannotWrite
from fastnst.images.pixels import Pixels
from fastnst.runtime.video.encode import VideoEncoder
from fastnst.system.atomic import atomic_write

TIME_BASE = Fraction(1, 1000)
"""Seconds of a unit of time stamps: frames have no fixed rate."""
MAX_QUEUED_FRAMES = 60
"""Frames that wait to be encoded, at most; where the disk or the processor is slower, frames are dropped."""


class Recorder:
    """Writes frames to a video file in a thread of its own; the file has its name once it is closed.

    Args:
        path: The file, whose ending is the format.

    Raises:
        CannotWrite: There is such a file, or the format or the folder does not take it.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise CannotWrite(f"{path} is there already.", "Give another name.")
        self.path = path
        self.dropped = 0
        """Frames that were left out, as encoding fell behind."""
        self._failure: CannotWrite | None = None
        self._frames: queue.Queue[tuple[Pixels, float] | None] = queue.Queue(MAX_QUEUED_FRAMES)
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_write(path))
            self._encoder = stack.enter_context(VideoEncoder(temporary, path, time_base=TIME_BASE))
            self._open = stack.pop_all()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def add(self, pixels: Pixels, seconds: float) -> None:
        """Queue a frame, or drop it where the queue is full.

        Args:
            pixels: uint8 RGB (H, W, 3); those of another size than the first frame's are dropped.
            seconds: Its time; the first frame's becomes 0.
        """
        try:
            self._frames.put_nowait((pixels, seconds))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Encode what is queued, and give the file its name.

        Raises:
            CannotWrite: It could not be written; there is no file then.
        """
        self._frames.put(None)
        self._thread.join()
        if self._failure is None and self._encoder.size is None:
            self._failure = CannotWrite(f"{self.path} was not written: no frame came.")
        if self._failure is None:
            self._open.close()
            return
        with suppress(CannotWrite):
            self._open.__exit__(type(self._failure), self._failure, None)
        raise self._failure

    def _work(self) -> None:
        queued = iter(self._frames.get, None)
        try:
            self._encode(queued)
        except CannotWrite as error:
            self._failure = error
            for _ in queued:  # Until None, so that `close` finds room for it.
                pass

    def _encode(self, queued: Iterator[tuple[Pixels, float]]) -> None:
        began, last = 0.0, -1
        for pixels, seconds in queued:
            height, width = pixels.shape[:2]
            if self._encoder.size is None:
                self._encoder.add_video(width, height)
                began = seconds
            if self._encoder.size != (width, height):
                continue  # The camera was lost, and came back with another size.
            last = max(last + 1, round((seconds - began) / TIME_BASE))
            self._encoder.write(pixels, last)


class Recording:
    """Video that is being recorded, if any; leaving the block closes it.

    Args:
        say: Called with a line on each video that was written.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._on: Recorder | None = None
        self._began = 0.0
        self._say = say

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, path: Path) -> None:
        """Begin a video.

        Raises:
            CannotWrite: There is such a file, or the format or the folder does not take it.
        """
        self._on, self._began = Recorder(path), time.monotonic()

    def add(self, pixels: Pixels, seconds: float) -> None:
        """Add a frame (H, W, 3), uint8 RGB, with its time; without a video, nothing."""
        if self._on is not None:
            self._on.add(pixels, seconds)

    def switch(self, path: Path) -> str:
        """End the video, or begin one; return its name."""
        if self._on is not None:
            return self.end()
        self.begin(path)
        return f"{path}"

    def end(self) -> str:
        """Close the video, and return its name; without one, nothing."""
        if self._on is None:
            return ""
        recorder, self._on = self._on, None
        recorder.close()
        missing = f", without {recorder.dropped} frames" if recorder.dropped else ""
        self._say(f"{recorder.path}{missing}")
        return f"{recorder.path}{missing}"

    def notes(self) -> list[str]:
        """Lines to show in the window."""
        if self._on is None:
            return []
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return [f"REC {minutes}:{seconds:02}"]
