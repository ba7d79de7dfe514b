"""Cameras, of which the newest frame is kept, and videos that are played in their place."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import opencv
from fastnst.runtime.video.prefetch import prefetch

RECONNECT_SECONDS = 0.5
"""Pause between two attempts to open a camera that was lost."""


@dataclass(frozen=True)
class LiveFrame:
    """A frame of a camera or a video."""

    pixels: Pixels
    """uint8 RGB (H, W, 3)."""
    time: float
    """Seconds since the beginning of a video, else since the camera was opened."""
    number: int
    """Number from 0; a camera's frames that nobody took count too."""


def scaled(pixels: Pixels, size: int | None) -> Pixels:
    """Resize a frame to a longer side of `size` px; None keeps it."""
    if size is None or max(pixels.shape[:2]) == size:
        return pixels
    return np.asarray(resize_long_edge(Image.fromarray(pixels), size))


class FrameSource(Protocol):
    """Source of a `Camera`'s frames."""

    def read(self) -> Pixels | None:
        """Wait for the next frame, uint8 RGB (H, W, 3); None if there is none, now or any more."""

    def close(self) -> None:
        """Release the device or file."""


class Camera:
    """A camera, or a video that is played in its place; a thread reads it and keeps the newest frame.

    A camera that is lost is opened again as soon as it is there; a video ends.
    """

    def __init__(
        self,
        source: int | Path,
        *,
        size: int | None = None,
        open_source: Callable[[int | Path], FrameSource] | None = None,
    ) -> None:
        """Open the camera or the video.

        Args:
            source: The number of a camera, or a video file.
            size: Longer side in pixels that larger frames are resized to; None keeps their size.
            open_source: Opens the source; None for OpenCV's cameras and FFmpeg's videos.

        Raises:
            FastnstError: There is no such camera, or another program has it; the video can't be read.
            MissingExtra: OpenCV is not installed.
        """
        self.lost = False
        """True if it was lost, and has not come back yet."""
        self.ended = False
        """True if no more frames will come."""
        self._source, self._size = source, size
        self._open = open_source or (_Webcam if isinstance(source, int) else _Playback)
        self._frames: FrameSource | None = self._open(source)
        self._newest: LiveFrame | None = None
        self._error: Exception | None = None
        self._came = threading.Condition()
        self._closed = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def now(self) -> float:
        """Seconds since the camera was opened, as in `LiveFrame.time`."""
        return time.monotonic() - self._began

    def newest(self, after: int, timeout: float) -> LiveFrame | None:
        """Wait for a frame newer than the last one.

        Args:
            after: Number of the last one; -1 at first.
            timeout: Seconds to wait.

        Returns:
            The newest frame; None if none came in time.

        Raises:
            FastnstError: Reading failed.
        """
        with self._came:
            self._came.wait_for(
                lambda: self.ended or (self._newest is not None and self._newest.number > after),
                timeout,
            )
            if self._error is not None:
                raise self._error
            newest = self._newest
            return newest if newest is not None and newest.number > after else None

    def close(self) -> None:
        """Stop reading, and release the camera."""
        self._closed.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        number = 0
        try:
            while not self._closed.is_set():
                pixels = self._frames.read() if self._frames else None
                if pixels is None:
                    if not isinstance(self._source, int):
                        break
                    self._reconnect()
                    continue
                size = self._size and min(self._size, max(pixels.shape[:2]))
                frame = LiveFrame(scaled(pixels, size), self.now, number)
                number += 1
                with self._came:
                    self.lost, self._newest = False, frame
                    self._came.notify_all()
        except Exception as error:
            self._error = error
        finally:
            if self._frames is not None:
                self._frames.close()
            with self._came:
                self.ended = True
                self._came.notify_all()

    def _reconnect(self) -> None:
        self.lost = True
        if self._frames is not None:
            self._frames.close()
            self._frames = None
        if not self._closed.wait(RECONNECT_SECONDS):
            with suppress(FastnstError):
                self._frames = self._open(self._source)


class _Webcam:
    """A camera, by OpenCV."""

    def __init__(self, source: Any) -> None:
        self._cv = opencv("A camera")
        self._cv.utils.logging.setLogLevel(0)  # It would say what is said below.
        self._capture = self._cv.VideoCapture(source)
        # One that another program has may open, and give nothing.
        if not (self._capture.isOpened() and self._capture.read()[0]):
            self._capture.release()
            node = Path(f"/dev/video{source}")
            if sys.platform.startswith("linux") and node.exists():
                if not os.access(node, os.R_OK | os.W_OK):
                    raise FastnstError(
                        f"The camera {source} may not be used by you.",
                        "Put yourself into its group: sudo usermod -aG video $USER",
                    )
                raise FastnstError(
                    f"The camera {source} gives no pictures: another program may have it.",
                    "Close that, or give another one: --camera N",
                )
            there = sorted(path.name[5:] for path in Path("/dev").glob("video[0-9]*"))
            raise FastnstError(
                f"There is no camera {source}.",
                f"There are: {', '.join(there)}."
                if there
                else "Connect one, or play a video in its place: --camera clip.mp4",
            )
        self._capture.set(self._cv.CAP_PROP_BUFFERSIZE, 1)

    def read(self) -> Pixels | None:
        there, pixels = self._capture.read()
        return self._cv.cvtColor(pixels, self._cv.COLOR_BGR2RGB) if there else None

    def close(self) -> None:
        self._capture.release()


class _Playback:
    """A video, played at its own pace."""

    def __init__(self, source: Any) -> None:
        if not Path(source).is_file():
            raise FastnstError(
                f"There is no file {source}.", "Give a video, or the number of a camera: 0."
            )
        self._frames = prefetch(frames(Path(source)))
        self._next = next(self._frames, None)
        self._began: float | None = None

    def read(self) -> Pixels | None:
        if self._next is None:
            return None
        pixels, seconds = self._next
        if self._began is None:
            self._began = time.monotonic() - seconds
        time.sleep(max(0.0, self._began + seconds - time.monotonic()))
        self._next = next(self._frames, None)
        return pixels

    def close(self) -> None:
        self._frames.close()
