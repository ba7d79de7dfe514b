"""Threads that paint the newest frames of a camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.live.camera import Camera, LiveFrame
from fastnst.runtime.live.controls import Controls
from fastnst.runtime.live.window import LAST, Spans
from fastnst.runtime.video.deflicker import Deflicker


@dataclass(frozen=True)
class PaintedFrame:
    """Painted frame of a camera."""

    pixels: Pixels
    """Uint8 RGB (H, W, 3)."""
    frame: LiveFrame
    """Frame that was painted."""


class CameraPainter:
    """Paints the newest frames of a camera, in threads.

    Args:
        stylizer: Stylizer that paints them.
        at_once: Number of frames that are painted at a time.
        camera: Camera whose newest frame is taken.
        controls: Style, strength and stroke of the moment.
        deflicker: Reduce flicker; then one frame is painted at a time.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        at_once: int,
        camera: Camera,
        controls: Controls,
        deflicker: bool,
    ) -> None:
        self.waited = Spans()
        """Seconds that frames waited until they were taken."""
        self.painting = Spans()
        """Seconds that it took to paint them."""
        self.over = False
        """True if no painting will come any more."""
        self._done = deque[float](maxlen=LAST)
        self._stylizer, self._camera, self._controls = stylizer, camera, controls
        self._deflicker = Deflicker() if deflicker else None
        self._kept = KeptLevels()
        self._newest: PaintedFrame | None = None
        self._failure: Exception | None = None
        self._came = threading.Condition()
        self._taking = threading.Lock()
        self._taken = -1
        self._closed = False
        self._working = at_once
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    def newest(self, last: PaintedFrame | None) -> PaintedFrame | None:
        """Wait a little for a painting newer than the last one; None if none came.

        Raises:
            FastnstError: A frame could not be painted or read.
        """
        with self._came:
            self._came.wait_for(lambda: self.over or self._newest is not last, 0.03)
            if self._failure is not None:
                raise self._failure
            return self._newest if self._newest is not last else None

    @property
    def rate(self) -> float:
        """Frames painted a second, of late."""
        with self._came:
            done = list(self._done)
        return (len(done) - 1) / (done[-1] - done[0]) if len(done) > 1 else 0.0

    def close(self) -> None:
        """Stop after the frame that is being painted."""
        self._closed = True
        for thread in self._threads:
            thread.join(timeout=10)

    def _paint(self, pixels: Pixels) -> Pixels:
        painted = self._stylizer(pixels, self._controls.mix, kept=self._kept)
        return painted if self._deflicker is None else self._deflicker(pixels, painted)

    def _work(self) -> None:
        try:
            while not self._closed:
                with self._taking:
                    frame = self._camera.newest(self._taken, timeout=0.2)
                    if frame is not None:
                        self._taken = frame.number
                if frame is None:
                    if self._camera.ended:
                        break
                    continue
                started = time.perf_counter()
                self.waited.append(self._camera.now - frame.time)
                painted = self._paint(frame.pixels)
                with self._came:
                    self._done.append(time.perf_counter())
                    self.painting.append(self._done[-1] - started)
                    # One that another thread has overtaken is not shown any more.
                    if self._newest is None or frame.number > self._newest.frame.number:
                        self._newest = PaintedFrame(painted, frame)
                        self._came.notify_all()
        except Exception as error:
            self._failure = error
        finally:
            with self._came:
                self._working -= 1
                self.over = self.over or self._failure is not None or not self._working
                self._came.notify_all()
