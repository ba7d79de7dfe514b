"""The command `webcam`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from fastnst.cli.stylize import check_style
from fastnst.cli.terminal import say
from fastnst.errors import FastnstError


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
    device: Literal["auto", "cpu", "cuda", "coreml", "directml"] = "auto",
) -> None:
    """Show a camera's pictures, painted as they come; h in the window lists its keys.

    Parameters
    ----------
    style
        A style by name, or a blend, as for `stylize`; it is painted by the net for real time.
    model
        An .onnx file; --style then names one of its styles.
    strength
        From 0, the photo, to 1.
    stroke
        Size of the strokes: fine, medium, bold, or a number from 0 to 1.
    camera
        Its number, or a video that is played in its place.
    size
        Longer side to paint at, at most, in pixels.
    deflicker
        Reduce flicker between frames; takes some time for each.
    mirror
        Show it as a mirror does: a camera, unless told otherwise, and not a video. What is recorded, and what
        a virtual camera gets, is not mirrored.
    record
        A video to write.
    virtual
        Give the pictures to a virtual camera too, for video calls.
    device
        Where to run; auto takes the fastest there is.
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
