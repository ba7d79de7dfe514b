"""The command line: the one place that prints errors and sets the exit status."""

from __future__ import annotations

import inspect
import json as jsonlib
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError

from fastnst.errors import FastnstError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    from rich.progress import Progress

    from fastnst.runtime.mixing import Stroke
    from fastnst.runtime.stylize import Painted
    from fastnst.runtime.stylizer import Stylizer

app = App(
    name="fastnst",
    help="Fast style transfer: train a style from a painting, paint photos with it in one pass.",
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
# Named by string, so that torch is loaded only by the commands that need it.
app.command("fastnst.training.train:train", help="Learn a style from a painting.")
app.command("fastnst.exporting:export", help="Write a trained style as an ONNX file.")
app.command(
    "fastnst.evaluating.evaluate:command",
    name="evaluate",
    help="Measure how good a style is, on photos that it was not trained on.",
)
app.command(
    "fastnst.optimizing.optimize:optimize",
    help="Paint one photo by optimizing its pixels: minutes, and no training.",
)

STOPPED = 130
"""Exit status after Ctrl-C, as shells have it."""


@app.command
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
    from fastnst.runtime.jobs import PIPE
    from fastnst.runtime.look import Look
    from fastnst.runtime.stylize import stylize as run

    for word in inputs:  # A hyphen alone is a pipe, which is why those in front of words come here.
        if word.startswith("-") and word != str(PIPE) and not os.path.exists(word):
            options = [
                f"--{name.replace('_', '-')}" for name in inspect.signature(stylize).parameters
            ]
            raise FastnstError(f"There is no option {word}.", did_you_mean(word, options[1:]))
    stylizer = _stylizer(
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
        _say(stylizer.note)
    clip = None
    if (codec, crf, start, end, steady) != (None, 18, 0.0, None, False):
        from fastnst.runtime.video import Clip  # FFmpeg, which photos do not need.

        clip = Clip(codec, crf, start, end, steady)
    failed: list[Painted] = []
    with _progress() as progress:
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
                frames = f"  {painted.frames} frames" if painted.frames > 1 else ""
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


@app.command
def webcam(
    *,
    style: str | None = None,
    model: Path | None = None,
    strength: float = 1.0,
    stroke: Literal["fine", "bold"] | float = "fine",
    camera: int | Path = 0,
    size: int = 640,
    steady: Annotated[bool, Parameter(negative="")] = False,
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
        fine, bold, or a number between 0 and 1.
    camera
        Its number, or a video that is played in its place.
    size
        Longer side to paint at, at most, in pixels.
    steady
        Hold still what does; takes some time for each frame.
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
    from fastnst.runtime.webcam import webcam as run

    if size < 1:
        raise FastnstError(f"The size is {size}.", "Give 1 px or more.")
    stylizer = _stylizer(style, model, strength, stroke, device=device).for_video()
    watched = run(
        stylizer, camera, size=size, steady=steady, record=record, virtual=virtual, mirror=mirror, say=_say,
    )  # fmt: skip
    _say(
        f"{watched.frames} frames, {watched.rate:.1f} a second; waited {watched.capture_ms:.0f} ms,"
        f" painted {watched.paint_ms:.0f} ms, shown in {watched.show_ms:.0f} ms, {watched.delay_ms:.0f} ms behind"
    )


@app.command
def styles(
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    sheet: Path | None = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("styles.png"),
    size: int = 320,
    fast: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the styles there are, with their paintings, or show them all on one photo.

    Parameters
    ----------
    json
        Print JSON.
    sheet
        A photo to paint in every style.
    output
        The sheet to write.
    size
        Longer side of each of its paintings in pixels.
    fast
        Paint by the faster net, where a style has one.
    """
    if sheet is not None:
        from fastnst.runtime.sheet import style_sheet

        with _progress() as progress:
            task = progress.add_task("Painting", total=None)

            def report(name: str, number: int, total: int) -> None:
                progress.update(task, completed=number, total=total)

            whole = style_sheet(sheet, output, size=size, fast=fast, report=report)
        print(f"{output}  {whole.width}x{whole.height}")
        return
    from fastnst.runtime.sheet import describe_styles

    rows = describe_styles()
    if json:
        print(jsonlib.dumps(rows, indent=2))
        return
    if not rows:
        _say("No styles were found. Train one with: fastnst train PAINTING --data FOLDER")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(
            column.replace("_", " "),
            justify="right" if column == "size_mb" else "left",
            # Names are there to be typed.
            min_width=max(len(row["name"]) for row in rows) if column == "name" else None,
        )
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    Console().print(table)


def _stylizer(
    style: str | None, model: Path | None, strength: float, stroke: Stroke, **options: Any
) -> Stylizer:
    from fastnst.runtime.stylizer import Stylizer

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
    if painted.frames == 1:
        del values["frames"]
    values["seconds"] = round(painted.seconds, 4)
    return jsonlib.dumps(values, default=str)


def _progress() -> Progress:
    """A bar with rate and time left on a terminal's standard error, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
    )
    from rich.progress import TimeRemainingColumn as Left
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.2f}/s" if speed else "")

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), Left())
    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _missing_extra(error: ImportError) -> MissingExtra:
    """What to install, for a command whose module could not be imported."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, ModuleNotFoundError) and cause.name):
        cause = cause.__cause__
    name = getattr(cause, "name", None)
    package = {"torch": "PyTorch", "pytorch_lightning": "PyTorch Lightning"}.get(name or "", name)
    return MissingExtra(
        f"`fastnst {command}` needs {package or f'a part that can not be loaded ({error})'}.",
        "Install it with: pip install 'fastnst[train]'",
    )


def run(words: list[str]) -> Any:
    """Run one command line and return what the command returned."""
    return app(words, exit_on_error=False, print_error=False)


def main() -> None:
    """The entry point `fastnst`: 0 if all went well, 1 for an error, 130 for Ctrl-C."""
    try:
        result = run(sys.argv[1:])
        if result is not None and os.environ.get("LOCAL_RANK", "0") == "0":
            print(result)  # Once, of a training on several devices.
    except UnknownCommandError as error:
        # Its own text would import every command, torch included.
        given = (error.unused_tokens or [""])[0]
        names = [name for name in app if not name.startswith("-")]
        _say(f"fastnst: There is no command {given!r}. {did_you_mean(given, names)}")
        sys.exit(1)
    except (CycloptsError, FastnstError) as error:
        _say(f"fastnst: {' '.join(str(error).split())}")
        sys.exit(STOPPED if isinstance(error, FastnstError) and error.stopped else 1)
    except ImportError as error:
        _say(f"fastnst: {_missing_extra(error)}")
        sys.exit(1)
    except KeyboardInterrupt:
        _say("Stopped.")
        sys.exit(STOPPED)
    except BrokenPipeError:  # Whoever read our output, `head` say, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (
        OSError
    ) as error:  # Of the system's own: a full disk under standard output, an impossible name.
        _say(f"fastnst: {error.filename or 'The output'} can't be used: {error.strerror or error}.")
        sys.exit(1)
