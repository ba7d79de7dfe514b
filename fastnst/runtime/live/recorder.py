"""Videos of what is painted as it comes."""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from fastnst.errors import CannotWrite, FastnstError
from fastnst.images.read import Pixels
from fastnst.runtime.video.decode import reason
from fastnst.runtime.video.ffmpeg import av
from fastnst.system.atomic import written_whole

TICK = Fraction(1, 1000)
"""Frames come when they come: times are kept in milliseconds."""
WAITING = 60
"""Frames that wait to be written, at most; where the disk or the processor is slower, some are left out."""


class Recorder:
    """Writes frames to a video in a thread of its own; the file has its name once it is closed."""

    def __init__(self, path: Path) -> None:
        """Begin.

        Args:
            path: Its ending is the format.

        Raises:
            CannotWrite: There is such a file, or the folder can't be written to.
        """
        if path.exists():
            raise CannotWrite(f"{path} is there already.", "Give another name.")
        self.path, self.left_out = path, 0
        self._failure: FastnstError | None = None
        self._began: float | None = None
        self._last = -1
        self._frames: queue.Queue[tuple[Pixels, float] | None] = queue.Queue(WAITING)
        self._stack = ExitStack()
        temporary = self._stack.enter_context(written_whole(path))
        try:
            options = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
            self._out = av.open(str(temporary), "w", options=options)
        except (av.FFmpegError, ValueError) as error:
            self._drop(error)
            raise CannotWrite(
                f"{path} can't be written: FFmpeg knows no such format.",
                "Give a name that ends in .mp4, .mkv or .mov.",
            ) from error
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def add(self, pixels: Pixels, seconds: float) -> None:
        """A frame, uint8 RGB (H, W, 3), and its time; all have the size of the first."""
        try:
            self._frames.put_nowait((pixels, seconds))
        except queue.Full:
            self.left_out += 1

    def close(self) -> None:
        """Write what waits, and give the file its name.

        Raises:
            CannotWrite: It could not be written; there is no file then.
        """
        self._frames.put(None)
        self._thread.join()
        try:
            self._out.close()
        except av.FFmpegError as error:
            self._failure = self._failure or self._refused(error)
        if self._failure is None and self._began is None:
            self._failure = CannotWrite(f"{self.path} was not written: no frame came.")
        if self._failure is not None:
            self._drop(self._failure)
            raise self._failure
        self._stack.close()

    def _drop(self, error: BaseException) -> None:
        with suppress(type(error)):
            self._stack.__exit__(type(error), error, None)

    def _refused(self, error: Exception) -> CannotWrite:
        return CannotWrite(f"{self.path} can't be written: {reason(error)}.")

    def _work(self) -> None:
        video: Any = None
        coming = iter(self._frames.get, None)  # One, which knows whether None has come.
        try:
            for pixels, seconds in coming:
                height, width = pixels.shape[:2]
                if self._began is None:
                    self._began = seconds
                    video = self._out.add_stream(
                        "libx264", rate=30, options={"crf": "18", "preset": "superfast"}
                    )
                    video.width, video.height = width, height
                    video.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
                    video.codec_context.time_base = TICK
                if (width, height) != (video.width, video.height):
                    continue  # The camera was lost, and came back with another size.
                stamp = max(self._last + 1, round((seconds - self._began) / TICK))
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
                frame.pts, frame.time_base = stamp, TICK
                self._last = stamp
                self._out.mux(video.encode(frame))
            if video is not None:
                self._out.mux(video.encode(None))
        except (av.FFmpegError, OSError) as error:
            self._failure = self._refused(error)
            for _ in coming:  # Nobody is to wait for room.
                pass
