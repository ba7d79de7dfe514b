"""The command `webcam`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from fastnst.cli.stylize import check_style
from fastnst.cli.terminal import say
from fastnst.errors import FastnstError
from fastnst.runtime.engine.devices import Device


def webcam(
    *,
    style: str | None = None,
    model: Path | None = None,
    strength: float = 1.0,
    stroke: Literal["fine", "medium", "bold"] | float | None = None,
    camera: int | Path = 0,
    size: int = 640,
    deflicker: Annotated[bool, Parameter(negative="")] = False,
    mirror: bool | None = None,
    record: Path | None = None,
    virtual: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "auto",
) -> None:
    """Paint the frames of a camera and show them in a window, whose key h lists its keys.

    Parameters
    ----------
    style
        Name of a style, or a blend, as for `stylize`; the net for real time paints it.
    model
        An .onnx file; --style then names one of its styles.
    strength
        Strength of the style, from 0, the photo, to 1.
    stroke
        Size of the strokes: fine, medium, bold, or a number from 0 to 1.
    camera
        Number of the camera, or a video that is played in its place.
    size
        Largest longer side in pixels that is painted.
    deflicker
        Reduce flicker between frames; slower.
    mirror
        Mirror the window; the default for a camera, not for a video. Recordings and the virtual camera
        are never mirrored.
    record
        Video to write.
    virtual
        Send the frames to a virtual camera too, for video calls.
    device
        Device that paints; auto is the fastest one.
    """
    from fastnst.runtime.engine.stylizer import Stylizer
    from fastnst.runtime.live.webcam import webcam as run

    if size < 1:
        raise FastnstError(f"The size is {size}.", "Give 1 px or more.")
    check_style(style, model)
    stylizer = Stylizer(style, model, strength=strength, stroke=stroke, device=device).for_video()
    stats = run(
        stylizer, camera, size=size, deflicker=deflicker, record=record, virtual=virtual, mirror=mirror, say=say,
    )  # fmt: skip
    say(
        f"{stats.frames} frames, {stats.rate:.1f} a second; waited {stats.capture_ms:.0f} ms,"
        f" painted {stats.paint_ms:.0f} ms, shown in {stats.show_ms:.0f} ms, {stats.delay_ms:.0f} ms behind"
    )
