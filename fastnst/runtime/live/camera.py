"""Cameras, of which only the newest frame counts, and videos that are played as if they were one."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.read import Pixels, resize_longer
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import opencv

AGAIN = 0.5
"""Seconds after which a camera that is lost is looked for again."""
AHEAD = 4
"""Frames of a video that are read while one is painted."""


@dataclass(frozen=True)
class Shot:
    """A frame, and when it was."""

    pixels: Pixels
    """uint8 RGB (H, W, 3)."""
    time: float
    """Seconds: of a video from its start, else since the stream was opened."""
    number: int
    """From 0; of a camera, those that nobody took are counted too."""


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same, some of them made in a thread while one is used."""
    ready: queue.Queue[Any] = queue.Queue(AHEAD)
    left = threading.Event()

    def put(item: Any) -> bool:
        while not left.is_set():
            with suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item,)):
                    return
            put(None)
        except Exception as error:
            put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        for item in iter(ready.get, None):
            if isinstance(item, Exception):
                raise item
            yield item[0]
    finally:
        left.set()


def scaled(pixels: Pixels, size: int | None) -> Pixels:
    """A frame with a longer side of `size` px."""
    if size is None or max(pixels.shape[:2]) == size:
        return pixels
    return np.asarray(resize_longer(Image.fromarray(pixels), size))


class Lens(Protocol):
    """What a `Camera` takes its frames from."""

    def read(self) -> Pixels | None:
        """The next frame; None if there is none, now or any more."""

    def close(self) -> None:
        """Let it go."""


class Camera:
    """A camera, or a video that is played as if it were one: a thread reads it and keeps the newest frame.

    A camera that is lost is looked for until it is there again; a video ends.
    """

    def __init__(
        self,
        source: int | Path,
        *,
        size: int | None = None,
        lens: Callable[[int | Path], Lens] | None = None,
    ) -> None:
        """Open it.

        Args:
            source: The number of a camera, or a video file.
            size: Longer side to scale larger frames to, in pixels.
            lens: Opens the source; None for OpenCV's capture and FFmpeg.

        Raises:
            FastnstError: There is no such camera, or another program has it; the video can't be read.
            MissingExtra: OpenCV is not there.
        """
        self.lost = False
        """Whether it was there, and is not just now."""
        self.ended = False
        """Whether the video is over."""
        self._source, self._size = source, size
        self._open = lens or (_Webcam if isinstance(source, int) else _Played)
        self._lens: Lens | None = self._open(source)
        self._shot: Shot | None = None
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
        """Seconds since it was opened, as in `Shot.time`."""
        return time.monotonic() - self._began

    def newest(self, after: int, timeout: float) -> Shot | None:
        """The newest frame.

        Args:
            after: The number of the one before, which is not given again; -1 at first.
            timeout: Seconds to wait for it.

        Returns:
            None if none came.

        Raises:
            FastnstError: What ended the reading.
        """
        with self._came:
            self._came.wait_for(
                lambda: self.ended or (self._shot is not None and self._shot.number > after),
                timeout,
            )
            if self._error is not None:
                raise self._error
            return self._shot if self._shot is not None and self._shot.number > after else None

    def close(self) -> None:
        """Let it go."""
        self._closed.set()
        self._thread.join(timeout=5)

    def _work(self) -> None:
        number = 0
        try:
            while not self._closed.is_set():
                pixels = self._lens.read() if self._lens else None
                if pixels is None:
                    if not isinstance(self._source, int):
                        break
                    self._find_again()
                    continue
                size = self._size and min(self._size, max(pixels.shape[:2]))
                shot = Shot(scaled(pixels, size), self.now, number)
                number += 1
                with self._came:
                    self.lost, self._shot = False, shot
                    self._came.notify_all()
        except Exception as error:
            self._error = error
        finally:
            if self._lens is not None:
                self._lens.close()
            with self._came:
                self.ended = True
                self._came.notify_all()

    def _find_again(self) -> None:
        self.lost = True
        if self._lens is not None:
            self._lens.close()
            self._lens = None
        if not self._closed.wait(AGAIN):
            with suppress(FastnstError):
                self._lens = self._open(self._source)


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


class _Played:
    """A video, at its own pace."""

    def __init__(self, source: Any) -> None:
        if not Path(source).is_file():
            raise FastnstError(
                f"There is no file {source}.", "Give a video, or the number of a camera: 0."
            )
        self._frames = ahead(frames(Path(source)))
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
        result: Pixels = pixels
        return result

    def close(self) -> None:
        self._frames.close()  # type: ignore[attr-defined]
