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
from fastnst.runtime.engine.devices import Device

if TYPE_CHECKING:
    from fastnst.runtime.batch.files import StylizeResult


_FLAG = Parameter(negative="", show_default=False)
_STYLE, _SIZE, _VIDEO, _FILES, _DEVICE = (
    Parameter(group=Group(name, sort_key=place))
    for place, name in enumerate(
        ("Style and colours", "Size and tiles", "Video", "Files", "Device"), start=1
    )
)
EXAMPLES = """Examples:

fastnst stylize photo.jpg --style great-wave --strength 0.7

fastnst stylize holiday/ --style water-lilies -o painted/ --skip-existing

fastnst stylize photo.jpg --style starry-night:0.6,the-kiss:0.4 --mask sky.png

fastnst stylize set/ --style random --fast --copies 3 --strength 0.3:1 --seed 0 -o painted/

fastnst stylize clip.mp4 --style the-scream -o painted.mp4 --start 10 --end 20"""


def stylize(
    *inputs: Annotated[
        str, Parameter(allow_leading_hyphen=True, group=Group("Input", sort_key=0), name="INPUT")
    ],
    style: Annotated[str | None, _STYLE] = None,
    model: Annotated[Path | None, _STYLE] = None,
    strength: Annotated[str, _STYLE] = "1",
    stroke: Annotated[Literal["fine", "medium", "bold"] | float | None, _STYLE] = None,
    fast: Annotated[bool, _FLAG, _STYLE] = False,
    copies: Annotated[int, _STYLE] = 1,
    seed: Annotated[int | None, _STYLE] = None,
    output: Annotated[Path | None, Parameter(alias="-o", allow_leading_hyphen=True), _FILES] = None,
    size: Annotated[int | None, _SIZE] = None,
    max_size: Annotated[int | None, _SIZE] = None,
    paint_size: Annotated[int | None, _SIZE] = None,
    keep_color: Annotated[bool | Literal["luminance", "palette"], _FLAG, _STYLE] = False,
    mask: Annotated[Sequence[str], _FLAG, _STYLE] = (),
    alpha_mask: Annotated[bool, _FLAG, _STYLE] = False,
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
    device: Annotated[Device, _DEVICE] = "auto",
    memory: Annotated[str | None, _DEVICE] = None,
    json: Annotated[bool, _FLAG, _FILES] = False,
) -> None:
    """Paint photos and videos, and folders of them.

    Parameters
    ----------
    inputs
        Photos, videos, and folders, which are searched to any depth; - is standard input.
    style
        Name of a style, see `fastnst styles`; path of any painting; or a blend of several: a:0.6,b.jpg:0.4.
        With random, each picture gets a blend that is drawn by its content, and -o a manifest.csv of what
        was drawn; with a folder of paintings, a blend of those.
    model
        An .onnx file, written by `fastnst export` or another fast-style net. --style then names one of
        its styles; without it, the first one is used.
    strength
        Strength of the style, from 0, the photo, to 1; a range, 0.3:1, draws one for each picture.
    stroke
        Size of the strokes: fine, medium, bold, or a number from 0 to 1. With random styles and no
        stroke, one is drawn for each picture.
    fast
        Paint by the faster net, where the style has one.
    copies
        Number of outputs of each picture, each with what is drawn for it: photo-1.jpg, photo-2.jpg.
    seed
        Seed of what is drawn; without it, 0. The same seed gives the same files.
    output
        A file for one photo, else a folder; - is standard output. Without it, NAME-STYLE.EXT beside each
        photo; a strength and a stroke are added to the name: photo-udnie-0.7.jpg.
    size
        Longer side of the output in pixels; without it, the photo's.
    max_size
        Largest longer side of the output in pixels.
    paint_size
        Longer side in pixels that the net paints at. The result is then enlarged with the photo's detail,
        so that strokes have a size relative to the picture.
    keep_color
        Keep the photo's colours and change only light and dark; --keep-color=palette moves the result's
        palette to the photo's.
    mask
        Grey picture, white where to paint. MASK=STYLE, several times, paints another style in each region.
    alpha_mask
        Fade the style out where the photo is transparent.
    tile
        Side in pixels of seamless tiles to paint in; auto uses tiles where memory is too small, off never.
    exact
        Paint the same in tiles as without them; several times slower.
    wrap
        Join the left and right edges of a full panorama without a seam.
    quality
        Quality of JPEG, WebP, AVIF and HEIC, 1 to 100.
    overwrite
        Replace existing files, the input too. Without it, only a file given with -o is replaced.
    skip_existing
        Skip inputs whose output exists.
    max_megapixels
        Refuse larger photos.
    codec
        Codec of videos, by FFmpeg's name; without it H.264, or the default of the format.
    crf
        Quality of videos, from 0 (lossless) to 63 (bad); 18 looks like the original.
    start
        Start time in seconds.
    end
        End time in seconds.
    deflicker
        Reduce flicker between the frames of videos; slower.
    device
        Device that paints; auto is the fastest one.
    memory
        Memory to take, about, such as 8G; without it 1.5G, however much is free.
    json
        Print one JSON object per file.
    """
    from fastnst.images.colors import parse_keep_color
    from fastnst.images.formats import takes_pages
    from fastnst.runtime.batch.outputs import PIPE
    from fastnst.runtime.batch.stylize import stylize as run
    from fastnst.runtime.engine.stylizer import Stylizer
    from fastnst.runtime.photos.options import PhotoOptions
    from fastnst.runtime.video.options import VideoOptions
    from fastnst.styles.draw import RANDOM, parse_range
    from fastnst.styles.mix import StyleMix
    from fastnst.styles.registry import is_painting_folder

    # A hyphen alone is a pipe, so the parser lets words with a hyphen through.
    for word in inputs:
        if word.startswith("-") and word != str(PIPE) and not os.path.exists(word):
            options = [
                f"--{name.replace('_', '-')}" for name in inspect.signature(stylize).parameters
            ]
            raise FastnstError(f"There is no option {word}.", did_you_mean(word, options[1:]))
    check_style(style, model)
    strengths = parse_range(strength, "strength")
    painter: Stylizer | StyleAugment
    blended = style == RANDOM or (style is not None and is_painting_folder(style))
    if blended or copies > 1 or seed is not None or isinstance(strengths, tuple):
        if tile != "auto" or exact or wrap or memory is not None:
            raise FastnstError(
                "Pictures in drawn styles are painted whole.",
                "Leave out --tile, --exact, --wrap and --memory.",
            )
        from fastnst.runtime.batch.augment import StyleAugment

        size_of_strokes = (0.0, 1.0) if blended else None
        with progress_bar() as progress:
            task = progress.add_task("Describing", total=1, visible=False)

            def describing(share: float, note: str) -> None:
                text = f"Describing {note}"
                progress.update(task, completed=share, visible=True, description=text)

            painter = StyleAugment(
                style or str(model), model if style else None, strength=strengths, share=1.0, seed=seed or 0,
                stroke=size_of_strokes if stroke is None else StyleMix(stroke=stroke).stroke_size(0.0),
                fast=fast, device="cpu" if device == "auto" else device, report=describing,
            )  # fmt: skip
    else:
        painter = Stylizer(
            style, model, strength=strengths, stroke=stroke,
            fast=fast, tile=tile, exact=exact, wrap=wrap, device=device, memory=memory,
        )  # fmt: skip
        if painter.note:
            say(painter.note)
    photo_options = PhotoOptions(
        size=size,
        max_size=max_size,
        paint_size=paint_size,
        keep_color=parse_keep_color(keep_color),
        masks=mask,
        alpha_mask=alpha_mask,
    )
    video = VideoOptions(codec=codec, crf=crf, start=start, end=end, deflicker=deflicker)
    failed = skipped = done = 0
    total = 1
    with progress_bar() as progress:
        task = progress.add_task("Painting", total=None)

        def show(text: str) -> None:
            progress.console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)

        def advance(share: float, note: str) -> None:
            text = f"Painting {note}".strip()
            progress.update(task, completed=done + share, total=total, description=text)

        def report(result: StylizeResult, number: int, of: int) -> None:
            nonlocal done, total, failed, skipped
            done, total = number, of
            failed += bool(result.error)
            skipped += result.skipped
            progress.update(task, completed=number, total=of, description="Painting")
            for text in (result.error, result.note):
                if text:
                    show(text)
            if output == PIPE or (result.skipped and not json):
                return
            if json:
                print(_json_line(result), flush=True)
            elif result.output:
                all_frames = f" of {result.of}" if result.of else ""
                parts = "pages" if takes_pages(result.output) else "frames"
                several = result.frames > 1 or all_frames
                frames = f"  {result.frames}{all_frames} {parts}" if several else ""
                size_text = f"{result.width}x{result.height}"
                show(f"{result.output}  {size_text}{frames}  {result.seconds:.2f} s")

        run(
            inputs, output, style=painter, copies=copies, photo_options=photo_options, quality=quality,
            overwrite=overwrite, skip_existing=skip_existing, max_megapixels=max_megapixels, report=report,
            video=video, on_share=advance,
        )  # fmt: skip
    if skipped:
        of_all = "All" if skipped == total else f"{skipped} of {total}"
        say(f"{of_all} outputs were there already, and stay as they are.")
    if failed:
        if total > 1 and not json:
            say(f"{failed} of {total} outputs are missing, for the reasons above.")
        raise SystemExit(1)


def check_style(style: str | None, model: Path | None) -> None:
    """Check that a command names a style or a file.

    Raises:
        FastnstError: It names neither.
    """
    if style is None and model is None:
        raise FastnstError(
            "No style was given.", "Give --style NAME (see `fastnst styles`) or --model FILE.onnx."
        )


def _json_line(result: StylizeResult) -> str:
    values = {key: value for key, value in asdict(result).items() if value not in ("", None, False)}
    if result.frames == 1 and not result.stopped:
        del values["frames"]
    values["seconds"] = round(result.seconds, 4)
    return jsonlib.dumps(values, default=str)
