"""The command `stylize`."""

from __future__ import annotations

import inspect
import json as jsonlib
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from fastnst.cli.terminal import progress_bar, say
from fastnst.errors import FastnstError, did_you_mean

if TYPE_CHECKING:
    from fastnst.runtime.batch.stylize import StylizeResult


_FLAG = Parameter(negative="", show_default=False)
_LOOK, _SIZE, _VIDEO, _FILES, _MACHINE = (
    Parameter(group=Group(name, sort_key=place))
    for place, name in enumerate(("Look", "Size", "Video", "Files", "Machine"), start=1)
)
EXAMPLES = """Examples:

fastnst stylize photo.jpg --style great-wave --strength 0.7

fastnst stylize holiday/ --style water-lilies -o painted/ --skip-existing

fastnst stylize photo.jpg --style starry-night:0.6,the-kiss:0.4 --mask sky.png

fastnst stylize clip.mp4 --style the-scream -o painted.mp4 --start 10 --end 20"""


def stylize(
    *inputs: Annotated[
        str, Parameter(allow_leading_hyphen=True, group=Group("Input", sort_key=0), name="INPUT")
    ],
    style: Annotated[str | None, _LOOK] = None,
    model: Annotated[Path | None, _LOOK] = None,
    strength: Annotated[float, _LOOK] = 1.0,
    stroke: Annotated[Literal["fine", "medium", "bold"] | float | None, _LOOK] = None,
    fast: Annotated[bool, _FLAG, _LOOK] = False,
    output: Annotated[Path | None, Parameter(alias="-o", allow_leading_hyphen=True), _FILES] = None,
    size: Annotated[int | None, _SIZE] = None,
    max_size: Annotated[int | None, _SIZE] = None,
    paint_size: Annotated[int | None, _SIZE] = None,
    keep_color: Annotated[bool | Literal["luminance", "palette"], _FLAG, _LOOK] = False,
    mask: Annotated[Sequence[str], _FLAG, _LOOK] = (),
    alpha_mask: Annotated[bool, _FLAG, _LOOK] = False,
    tile: Annotated[Literal["auto", "off"] | int, _SIZE] = "auto",
    exact: Annotated[bool, _FLAG, _SIZE] = False,
    wrap: Annotated[bool, _FLAG, _SIZE] = False,
    quality: Annotated[int, _FILES] = 95,
    overwrite: Annotated[bool, _FLAG, _FILES] = False,
    skip_existing: Annotated[bool, _FLAG, _FILES] = False,
    max_megapixels: Annotated[float, _FILES] = 180,
    codec: Annotated[str | None, _VIDEO] = None,
    crf: Annotated[int, _VIDEO] = 18,
    start: Annotated[float, _VIDEO] = 0.0,
    end: Annotated[float | None, _VIDEO] = None,
    deflicker: Annotated[bool, _FLAG, _VIDEO] = False,
    device: Annotated[Literal["auto", "cpu", "cuda", "coreml", "directml"], _MACHINE] = "auto",
    json: Annotated[bool, _FLAG, _MACHINE] = False,
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
        Size of the strokes: fine, medium, bold, or a number from 0 to 1.
    fast
        Paint by the faster net, where the style has one.
    output
        A file for one photo, else a folder; - is standard output. Without it, NAME-STYLE.EXT beside each
        photo, with the strength and the stroke if they are given: photo-udnie-0.7.jpg.
    size
        Longer side of the output in pixels; without it, the size of the photo.
    max_size
        The most that the longer side may be.
    paint_size
        Longer side that the net paints at: what it paints is enlarged with the photo's detail, so that
        strokes have a size relative to the picture, and a small copy looks like the large one.
    keep_color
        Keep the photo's colours, and take light and dark from the painting; --keep-color=palette moves the
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
        A painting may take the place of its photo, or of any file that is there; without it only of one
        that is given with -o by its very name.
    skip_existing
        Leave out photos whose painting is there.
    max_megapixels
        Larger photos are refused.
    codec
        Codec of videos, by FFmpeg's name; without it H.264, or the default of the format.
    crf
        Quality of videos, from 0 (lossless) to 63 (bad); 18 looks like the original.
    start
        Seconds from the beginning of the video at which painting starts.
    end
        Seconds from the beginning of the video at which painting ends.
    deflicker
        Reduce flicker between the frames of videos; takes some time for each frame.
    device
        Where to run; auto takes the fastest there is.
    json
        Print one JSON object per file.
    """
    from fastnst.images.formats import takes_pages
    from fastnst.runtime.batch.outputs import PIPE
    from fastnst.runtime.batch.stylize import stylize as run
    from fastnst.runtime.engine.stylizer import Stylizer
    from fastnst.runtime.photos.options import PhotoOptions
    from fastnst.runtime.video.options import VideoOptions

    for word in inputs:  # A hyphen alone is a pipe, which is why those in front of words come here.
        if word.startswith("-") and word != str(PIPE) and not os.path.exists(word):
            options = [
                f"--{name.replace('_', '-')}" for name in inspect.signature(stylize).parameters
            ]
            raise FastnstError(f"There is no option {word}.", did_you_mean(word, options[1:]))
    check_style(style, model)
    stylizer = Stylizer(
        style, model, strength=strength, stroke=stroke,
        fast=fast, tile=tile, exact=exact, wrap=wrap, device=device,
    )  # fmt: skip
    photo_options = PhotoOptions(
        size=size,
        max_size=max_size,
        paint_size=paint_size,
        keep_color="luminance" if keep_color is True else keep_color or None,
        masks=mask,
        alpha_mask=alpha_mask,
    )
    if stylizer.note:
        say(stylizer.note)
    video = VideoOptions(codec=codec, crf=crf, start=start, end=end, deflicker=deflicker)
    failed: list[StylizeResult] = []
    kept = 0
    with progress_bar() as progress:
        task = progress.add_task("Painting", total=None)
        done, total = 0, 1

        def share(part: float, what: str) -> None:
            text = f"Painting {what}".strip()
            progress.update(task, completed=done + part, total=total, description=text)

        def report(painted: StylizeResult, number: int, of: int) -> None:
            nonlocal done, total, kept
            done, total = number, of
            kept += painted.skipped
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
                whole = f" of {painted.of}" if painted.of else ""
                parts = "pages" if takes_pages(painted.output) else "frames"
                frames = f"  {painted.frames}{whole} {parts}" if painted.frames > 1 or whole else ""
                progress.console.print(
                    f"{painted.output}  {painted.width}x{painted.height}{frames}  {painted.seconds:.2f} s",
                    markup=False,
                    highlight=False,
                    emoji=False,
                    soft_wrap=True,
                )

        run(
            inputs, output, style=stylizer, photo_options=photo_options, quality=quality,
            overwrite=overwrite, skip_existing=skip_existing, max_megapixels=max_megapixels, report=report,
            video=video, on_share=share,
        )  # fmt: skip
    if kept:
        of_all = "All" if kept == total else f"{kept} of {total}"
        say(f"{of_all} paintings were there already, and stay as they are.")
    if failed:
        raise SystemExit(1)


def check_style(style: str | None, model: Path | None) -> None:
    """Refuse a command that names neither a style nor a file."""
    if style is None and model is None:
        raise FastnstError(
            "No style was given.", "Give --style NAME (see `fastnst styles`) or --model FILE.onnx."
        )


def _json_line(painted: StylizeResult) -> str:
    values = {
        key: value for key, value in asdict(painted).items() if value not in ("", None, False)
    }
    if painted.frames == 1 and not painted.stopped:
        del values["frames"]
    values["seconds"] = round(painted.seconds, 4)
    return jsonlib.dumps(values, default=str)
