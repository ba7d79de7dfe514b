"""The job `webcam`: a window on a camera, painted as it looks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import CannotWrite, FastnstError
from fastnst.images.read import Pixels
from fastnst.images.write import write_image
from fastnst.runtime.engine.stylizer import Stylizer, frames_at_once
from fastnst.runtime.live.camera import Camera, Lens, Shot
from fastnst.runtime.live.controls import Controls
from fastnst.runtime.live.recorder import Recorder
from fastnst.runtime.live.virtual_camera import virtual_camera
from fastnst.runtime.live.window import LAST, Screen, Spans, median
from fastnst.runtime.video.deflicker import Steady, opencv
from fastnst.styles.mix import StyleMix
from fastnst.system.interrupts import Interrupts
from fastnst.system.machine import has_display

PATIENCE = 10.0
"""Seconds that a camera may take for its first frame."""


@dataclass(frozen=True)
class Watched:
    """How it went: medians over all frames."""

    frames: int
    """That were painted."""
    seconds: float
    """That it lasted."""
    capture_ms: float
    """From a frame's arrival until it was taken to be painted."""
    paint_ms: float
    """To paint it."""
    show_ms: float
    """To draw it in the window."""
    delay_ms: float
    """From its arrival until it was in the window."""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class _Frame:
    painted: Pixels
    shot: Shot


def webcam(
    stylizer: Stylizer,
    camera: int | Path = 0,
    *,
    size: int | None = 640,
    steady: bool = False,
    record: Path | None = None,
    virtual: bool = False,
    mirror: bool | None = None,
    lens: Callable[[int | Path], Lens] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Watched:
    """Show a camera's pictures, painted, until the user has seen enough.

    One thread reads the camera, some paint its newest frames, and this one shows what was painted last, so
    that the delay is that of one frame or two, however slow the net.

    Args:
        stylizer: Paints; its style, strength and stroke are the first ones.
        camera: Its number, or a video to be played in its place.
        size: Longer side to paint at, at most, in pixels; None for the camera's own.
        steady: Hold still what does, see `Steady`.
        record: A video to write.
        virtual: Give the pictures to a virtual camera, for video calls; the window is left out where there
            is no display.
        mirror: Show it as a mirror does, and record it as it is; None for a camera, not for a video.
        lens: See `Camera`.
        say: Called with what the user should know of files that are written.

    Raises:
        FastnstError: There is no camera, display or virtual camera; the video is damaged; ...
        MissingExtra: OpenCV or pyvirtualcam is not there.
    """
    cv = opencv("`fastnst webcam`")
    display = has_display()
    if not display and not virtual:
        raise FastnstError(
            "There is no display to open a window on.",
            "Run it where there is one, or paint a file: fastnst stylize clip.mp4",
        )
    card = stylizer.card
    controls = Controls(
        stylizer.styles,
        StyleMix(
            stylizer.mix.style or stylizer.styles[0],
            stylizer.mix.strength,
            stroke=stylizer.mix.stroke_size(card.default_stroke if card else 0.0),
        ),
        strokes=card is not None and (len(card.strokes) > 1 or card.levels > 1),
        strengths=card is not None and card.identity,
        mirror=isinstance(camera, int) if mirror is None else mirror,
    )
    recording = _Recording(say)
    with (
        Camera(camera, size=size, lens=lens) as opened,
        recording,
        Interrupts("this frame") as interrupts,
    ):
        first = opened.newest(-1, timeout=PATIENCE)
        if first is None:
            raise FastnstError(f"The camera {camera} gives no pictures.", "Try another one.")
        height, width = first.pixels.shape[:2]
        at_once = 1 if steady else frames_at_once(stylizer.device)
        stylizer = stylizer.for_video(at_once)
        stylizer.warm_up((width, height))
        if record is not None:
            recording.begin(record)
        outlet = virtual_camera((width, height)) if virtual else None
        screen = Screen(cv, controls, (width, height)) if display else None
        painter = _Painter(stylizer, at_once, opened, controls, steady)
        shown, delays = Spans(), Spans()
        began, count, last = time.perf_counter(), 0, None
        try:
            while not (controls.quit or interrupts.asked):
                frame = painter.newest(last)
                if frame is None and painter.over:
                    break
                started = time.perf_counter()
                if frame is not None:
                    last = frame
                    recording.add(frame.painted, frame.shot.time)
                    if outlet is not None:
                        outlet.send(frame.painted)
                if screen is not None and last is not None:
                    picture = _composed(last, controls)
                    lost = ["camera lost, looking for it"] if opened.lost else []
                    key = screen.show(picture, painter.rate, delays, [*recording.notes(), *lost])
                    asked = controls.press(key) if key else ""
                    if asked:
                        controls.message = _answer(asked, recording, picture)
                if frame is not None:
                    count += 1
                    shown.append(time.perf_counter() - started)
                    delays.append(opened.now - frame.shot.time)
        finally:
            painter.close()
            if screen is not None:
                screen.close()
            if outlet is not None:
                outlet.close()
        took = time.perf_counter() - began
    middle = (1e3 * median(spans) for spans in (painter.waited, painter.painting, shown, delays))
    return Watched(count, took, *middle)


class _Painter:
    """Paints the newest frames of a camera, in threads."""

    def __init__(
        self,
        stylizer: Stylizer,
        at_once: int,
        camera: Camera,
        controls: Controls,
        steady: bool,
    ) -> None:
        self.waited, self.painting = Spans(), Spans()
        self.over = False
        self._done = deque[float](maxlen=LAST)
        self._stylizer, self._camera, self._controls = stylizer, camera, controls
        self._paint: Callable[[Pixels], Pixels] = Steady(self._now) if steady else self._now
        self._frame: _Frame | None = None
        self._failure: Exception | None = None
        self._came = threading.Condition()
        self._taking = threading.Lock()
        self._taken = -1
        self._closed = False
        self._working = at_once
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once)]
        for thread in self._threads:
            thread.start()

    def newest(self, last: _Frame | None) -> _Frame | None:
        """What was painted since, waiting a little for it."""
        with self._came:
            self._came.wait_for(lambda: self.over or self._frame is not last, 0.03)
            if self._failure is not None:
                raise self._failure
            return self._frame if self._frame is not last else None

    @property
    def rate(self) -> float:
        """Frames a second, of late."""
        with self._came:
            done = list(self._done)
        return (len(done) - 1) / (done[-1] - done[0]) if len(done) > 1 else 0.0

    def close(self) -> None:
        """Stop after the frame at hand."""
        self._closed = True
        for thread in self._threads:
            thread.join(timeout=10)

    def _now(self, pixels: Pixels) -> Pixels:
        return self._stylizer(pixels, self._controls.mix)

    def _work(self) -> None:
        try:
            while not self._closed:
                with self._taking:
                    shot = self._camera.newest(self._taken, timeout=0.2)
                    if shot is not None:
                        self._taken = shot.number
                if shot is None:
                    if self._camera.ended:
                        break
                    continue
                started = time.perf_counter()
                self.waited.append(self._camera.now - shot.time)
                painted = self._paint(shot.pixels)
                with self._came:
                    self._done.append(time.perf_counter())
                    self.painting.append(self._done[-1] - started)
                    # One that another thread has overtaken is not shown any more.
                    if self._frame is None or shot.number > self._frame.shot.number:
                        self._frame = _Frame(painted, shot)
                        self._came.notify_all()
        except Exception as error:
            self._failure = error
        finally:
            with self._came:
                self._working -= 1
                self.over = self.over or self._failure is not None or not self._working
                self._came.notify_all()


def _composed(frame: _Frame, controls: Controls) -> Pixels:
    """What is shown."""
    photo, painted = frame.shot.pixels, frame.painted
    if controls.mirror:
        photo, painted = photo[:, ::-1], painted[:, ::-1]
    if controls.beside and photo.shape == painted.shape:
        return np.concatenate([photo, painted], axis=1)
    return np.ascontiguousarray(painted)


class _Recording:
    """The video that is written, if one is; it is closed at the end."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._on: Recorder | None = None
        self._began = 0.0
        self._say = say

    def __enter__(self) -> _Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, path: Path) -> None:
        self._on, self._began = Recorder(path), time.monotonic()

    def add(self, pixels: Pixels, seconds: float) -> None:
        if self._on is not None:
            self._on.add(pixels, seconds)

    def switch(self, path: Path) -> str:
        """End what is written, or begin `path`; what it is called."""
        if self._on is not None:
            return self.end()
        self.begin(path)
        return f"{path}"

    def end(self) -> str:
        if self._on is None:
            return ""
        recorder, self._on = self._on, None
        recorder.close()
        missing = f", without {recorder.left_out} frames" if recorder.left_out else ""
        self._say(f"{recorder.path}{missing}")
        return f"{recorder.path}{missing}"

    def notes(self) -> list[str]:
        """For the screen."""
        if self._on is None:
            return []
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return [f"REC {minutes}:{seconds:02}"]


def _answer(asked: str, recording: _Recording, picture: Pixels) -> str:
    """Do what a key wants of the disk, and say what came of it."""
    stamp = time.strftime("fastnst-%Y%m%d-%H%M%S")
    try:
        if asked == "record":
            return recording.switch(Path(f"{stamp}.mp4"))
        write_image(Path(f"{stamp}.png"), [Image.fromarray(picture)])
        return f"{stamp}.png"
    except CannotWrite as error:  # What is shown goes on.
        return str(error)
