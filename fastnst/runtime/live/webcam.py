"""The job `webcam`: a window that shows a camera, painted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import CannotWrite, FastnstError
from fastnst.images.pixels import Pixels
from fastnst.images.write import write_image
from fastnst.runtime.engine.stylizer import Stylizer, frames_at_once
from fastnst.runtime.live.camera import Camera, FrameSource
from fastnst.runtime.live.controls import Controls
from fastnst.runtime.live.painter import CameraPainter, PaintedFrame
from fastnst.runtime.live.recorder import Recording
from fastnst.runtime.live.virtual_camera import virtual_camera
from fastnst.runtime.live.window import Screen, Spans, median
from fastnst.runtime.video.deflicker import opencv
from fastnst.styles.mix import StyleMix
from fastnst.system.display import has_display
from fastnst.system.interrupts import Interrupts
from fastnst.system.machine import keep_freed_memory

FIRST_FRAME_TIMEOUT = 10.0
"""Seconds that a camera may take for its first frame."""


@dataclass(frozen=True)
class WebcamStats:
    """Speed and delay of the frames that were shown; times are medians."""

    frames: int
    """Number of frames shown."""
    seconds: float
    """Duration of the show in seconds."""
    capture_ms: float
    """Time from a frame's arrival until a painter took it."""
    paint_ms: float
    """Time to paint it."""
    show_ms: float
    """Time to draw it in the window."""
    delay_ms: float
    """Time from its arrival until it was in the window."""

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds if self.seconds else 0.0


def webcam(
    stylizer: Stylizer,
    camera: int | Path = 0,
    *,
    size: int | None = 640,
    deflicker: bool = False,
    record: Path | None = None,
    virtual: bool = False,
    mirror: bool | None = None,
    open_source: Callable[[int | Path], FrameSource] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> WebcamStats:
    """Show a camera's frames, painted, until the user quits.

    One thread reads the camera, some paint its newest frames, and this one shows the newest painting, so that the
    delay is one frame or two, however slow the net.

    Args:
        stylizer: Paints the frames, at first with its own style, strength and stroke.
        camera: Its number, or a video that is played in its place.
        size: Largest longer side in pixels to paint at; None for the camera's own.
        deflicker: Reduce flicker between frames, see `Deflicker`.
        record: A video file that is written.
        virtual: Give the frames to a virtual camera too, for video calls. The window is left out where there is no
            display.
        mirror: Mirror the window, though not what is recorded; None mirrors a camera, and not a video.
        open_source: See `Camera`.
        say: Called with a line on each video that was written.

    Returns:
        Speed and delay.

    Raises:
        FastnstError: There is no camera, display or virtual camera; the video is damaged; ...
        MissingExtra: OpenCV or pyvirtualcam is not installed.
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
    recording = Recording(say)
    with (
        Camera(camera, size=size, open_source=open_source) as opened,
        recording,
        Interrupts("this frame") as interrupts,
    ):
        first = opened.newest(-1, timeout=FIRST_FRAME_TIMEOUT)
        if first is None:
            raise FastnstError(f"The camera {camera} gives no pictures.", "Try another one.")
        height, width = first.pixels.shape[:2]
        at_once = 1 if deflicker else frames_at_once(stylizer.device)
        stylizer = stylizer.for_video(at_once)
        stylizer.warm_up((width, height))
        if record is not None:
            recording.begin(record)
        outlet = virtual_camera((width, height)) if virtual else None
        screen = Screen(cv, controls, (width, height)) if display else None
        keep_freed_memory()
        painter = CameraPainter(stylizer, at_once, opened, controls, deflicker)
        shown, delays = Spans(), Spans()
        began, count, last = time.perf_counter(), 0, None
        try:
            while not (controls.quit or interrupts.requested):
                painting = painter.newest(last)
                if painting is None and painter.over:
                    break
                started = time.perf_counter()
                if painting is not None:
                    last = painting
                    recording.add(painting.pixels, painting.frame.time)
                    if outlet is not None:
                        outlet.send(painting.pixels)
                if screen is not None and last is not None:
                    picture = _composed(last, controls)
                    lost = ["camera lost, looking for it"] if opened.lost else []
                    key = screen.show(picture, painter.rate, delays, [*recording.notes(), *lost])
                    asked = controls.press(key) if key else ""
                    if asked:
                        controls.message = _answer(asked, recording, picture)
                if painting is not None:
                    count += 1
                    shown.append(time.perf_counter() - started)
                    delays.append(opened.now - painting.frame.time)
        finally:
            painter.close()
            if screen is not None:
                screen.close()
            if outlet is not None:
                outlet.close()
        took = time.perf_counter() - began
    middle = (1e3 * median(spans) for spans in (painter.waited, painter.painting, shown, delays))
    return WebcamStats(count, took, *middle)


def _composed(painting: PaintedFrame, controls: Controls) -> Pixels:
    """Lay out the window's picture."""
    photo, painted = painting.frame.pixels, painting.pixels
    if controls.mirror:
        photo, painted = photo[:, ::-1], painted[:, ::-1]
    if controls.beside and photo.shape == painted.shape:
        return np.concatenate([photo, painted], axis=1)
    return np.ascontiguousarray(painted)


def _answer(asked: str, recording: Recording, picture: Pixels) -> str:
    """Record, or save a snapshot, as a key asks; return the line to show."""
    stamp = time.strftime("fastnst-%Y%m%d-%H%M%S")
    try:
        if asked == "record":
            return recording.switch(Path(f"{stamp}.mp4"))
        write_image(Path(f"{stamp}.png"), [Image.fromarray(picture)])
        return f"{stamp}.png"
    except CannotWrite as error:  # What is shown goes on.
        return str(error)
