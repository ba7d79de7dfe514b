"""The command `stylize`."""

from __future__ import annotations

import inspect
import json as jsonlib
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from fastnst.cli.terminal import progress_bar, say
from fastnst.errors import FastnstError, did_you_mean

if TYPE_CHECKING:
    from fastnst.runtime.batch.stylize import Painted
    from fastnst.runtime.engine.stylizer import Stylizer
    from fastnst.styles.mix import Stroke


def stylize(
    *inputs: Annotated[str, Parameter(allow_leading_hyphen=True)],
    style: str | None = None,
    model: Path | None = None,
    strength: float = 1.0,
    stroke: Literal["fine", "bold"] | float = "fine",
    fast: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Path | None, Parameter(alias="-o", allow_leading_hyphen=True)] = None,
    size: int | None = None,
    max_size: int | None = None,
    preview_size: int | None = None,
    keep_color: Annotated[bool | Literal["luminance", "match"], Parameter(negative="")] = False,
    mask: Annotated[Sequence[str], Parameter(negative="")] = (),
    alpha_mask: Annotated[bool, Parameter(negative="")] = False,
    tile: Literal["auto", "off"] | int = "auto",
    exact: Annotated[bool, Parameter(negative="")] = False,
    wrap: Annotated[bool, Parameter(negative="")] = False,
    quality: int = 95,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    skip_existing: Annotated[bool, Parameter(negative="")] = False,
    max_megapixels: float = 180,
    codec: str | None = None,
    crf: int = 18,
    start: float = 0.0,
    end: float | None = None,
    steady: Annotated[bool, Parameter(negative="")] = False,
    device: Literal["auto", "cpu", "cuda", "coreml", "directml"] = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Paint photos and videos, and folders of them.

    Parameters
    ----------
    inputs
        Photos, videos, and folders, which are searched to any depth; - is standard input.
    style
        A style by name; `fastnst styles` lists them. Or a blend of several: a:0.6,b:0.4.
    model
        An .onnx file: one that `fastnst export` wrote, or another fast-style net. --style then names one
        of its styles; without it, it is the first.
    strength
        From 0, the photo, to 1.
    stroke
        fine, bold, or a number between 0 and 1.
    fast
        Paint by the faster net, where the style has one.
    output
        A file for one photo, else a folder; - is standard output. Without it, NAME-STYLE.EXT beside each
        photo.
    size
        Longer side of the output in pixels; without it, the size of the photo.
    max_size
        The most that the longer side may be.
    preview_size
        Longer side that the net paints at: what it paints is enlarged with the photo's detail, so that
        strokes have a size relative to the picture, and a small copy looks like the large one.
    keep_color
        Keep the photo's colours, and take light and dark from the painting; --keep-color=match moves the
        painting's palette to the photo's.
    mask
        A grey picture: where to paint, and how much. MASK=STYLE, several times, for a style in each region.
    alpha_mask
        Paint as much as the photo is opaque.
    tile
        Paint in tiles of this side in pixels, without seams; auto does where memory is too small, off never.
    exact
        With tiles, paint just what would be painted at once; takes several times as long.
    wrap
        For panoramas all around: the left and the right edge meet without a seam.
    quality
        Of JPEG, WebP, AVIF and HEIC, 1 to 100.
    overwrite
        A painting may take its photo's place.
    skip_existing
        Leave out photos whose painting is there.
    max_megapixels
        Larger photos are refused.
    codec
        Of videos, as FFmpeg names it; without it H.264, or what the format takes.
    crf
        Quality of videos: 0 is without loss, 18 looks like the original, 51 is bad.
    start
        Seconds of a video from where on it is painted.
    end
        Seconds of a video up to where.
    steady
        Videos hold still where the scene does; takes some time for each frame.
    device
        Where to run; auto takes the fastest there is.
    json
        Print one JSON object per file.
    """
    from fastnst.runtime.batch.outputs import PIPE
    from fastnst.runtime.batch.stylize import stylize as run
    from fastnst.runtime.photos.options import Look

    for word in inputs:  # A hyphen alone is a pipe, which is why those in front of words come here.
        if word.startswith("-") and word != str(PIPE) and not os.path.exists(word):
            options = [
                f"--{name.replace('_', '-')}" for name in inspect.signature(stylize).parameters
            ]
            raise FastnstError(f"There is no option {word}.", did_you_mean(word, options[1:]))
    stylizer = load_stylizer(
        style, model, strength, stroke, fast=fast, tile=tile, exact=exact, wrap=wrap, device=device
    )
    look = Look(
        size,
        max_size,
        preview_size,
        "luminance" if keep_color is True else keep_color or None,
        mask,
        alpha_mask,
    )
    if stylizer.note:
        say(stylizer.note)
    clip = None
    if (codec, crf, start, end, steady) != (None, 18, 0.0, None, False):
        from fastnst.runtime.video.options import Clip

        clip = Clip(codec, crf, start, end, steady)
    failed: list[Painted] = []
    with progress_bar() as progress:
        task = progress.add_task("Painting", total=None)
        done, total = 0, 1

        def share(part: float, what: str) -> None:
            text = f"Painting {what}".strip()
            progress.update(task, completed=done + part, total=total, description=text)

        def report(painted: Painted, number: int, of: int) -> None:
            nonlocal done, total
            done, total = number, of
            progress.update(task, completed=number, total=of, description="Painting")
            if painted.error:
                failed.append(painted)
                progress.console.print(
                    painted.error, markup=False, highlight=False, emoji=False, soft_wrap=True
                )
            if painted.note:
                progress.console.print(
                    painted.note, markup=False, highlight=False, emoji=False, soft_wrap=True
                )
            if output == PIPE or (painted.skipped and not json):
                return
            if json:
                print(_json_line(painted), flush=True)
            elif painted.output:
                of = f" of {painted.of}" if painted.of else ""
                frames = f"  {painted.frames}{of} frames" if painted.frames > 1 or of else ""
                progress.console.print(
                    f"{painted.output}  {painted.width}x{painted.height}{frames}  {painted.seconds:.2f} s",
                    markup=False,
                    highlight=False,
                    emoji=False,
                    soft_wrap=True,
                )

        stylizer.on_share = share
        run(
            inputs, output, style=stylizer, look=look, quality=quality, overwrite=overwrite,
            skip_existing=skip_existing, max_megapixels=max_megapixels, report=report,
            clip=clip,
        )  # fmt: skip
    if failed:
        raise SystemExit(1)


def load_stylizer(
    style: str | None, model: Path | None, strength: float, stroke: Stroke, **options: Any
) -> Stylizer:
    from fastnst.runtime.engine.stylizer import Stylizer

    if style is None and model is None:
        raise FastnstError(
            "No style was given.", "Give --style NAME (see `fastnst styles`) or --model FILE.onnx."
        )
    blend = style if model else None
    return Stylizer(model or style or "", blend=blend, strength=strength, stroke=stroke, **options)


def _json_line(painted: Painted) -> str:
    values = {
        key: value for key, value in asdict(painted).items() if value not in ("", None, False)
    }
    if painted.frames == 1 and not painted.stopped:
        del values["frames"]
    values["seconds"] = round(painted.seconds, 4)
    return jsonlib.dumps(values, default=str)
