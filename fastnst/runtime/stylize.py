"""The job `stylize`: files and folders in, painted files out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fastnst.errors import FastnstError
from fastnst.images import READABLE, WRITABLE, check_writable, write_image
from fastnst.runtime.stylizer import Device, Stylizer


@dataclass(frozen=True)
class Painted:
    """What became of one file."""

    input: Path
    """The photo."""
    output: Path | None
    """The painted picture; None if it failed."""
    width: int = 0
    """Of the output, in pixels."""
    height: int = 0
    """Of the output, in pixels."""
    seconds: float = 0.0
    """For reading, painting and writing."""
    error: str = ""
    """Why it failed, in one sentence."""


def stylize(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    style: str | os.PathLike[str] | Stylizer,
    size: int | None = None,
    device: Device = "auto",
    report: Callable[[Painted, int, int], None] | None = None,
) -> list[Painted]:
    """Paint files and folders.

    Args:
        inputs: Photos, and folders of photos, which are searched to any depth.
        output: A file for a single photo, else a folder, which is made and gets the shape of the input
            folders. None puts `NAME-STYLE.EXT` beside each photo, and a folder's pictures into a
            folder `NAME-STYLE` beside it.
        style: A style's name, an .onnx file, or a `Stylizer`.
        size: The longer side of the output in pixels; None keeps each photo's size.
        device: Where to run, unless `style` is a `Stylizer`.
        report: Called after each file with what became of it, its number from 1, and how many there are.

    Returns:
        One entry per file, in order. A file that fails does not stop the others.

    Raises:
        FastnstError: Nothing can be done at all: the style is unknown, a folder is empty, ...
    """
    if size is not None and size < 1:
        raise FastnstError(f"The size is {size}.", "It is the longer side in pixels: 1 or more.")
    stylizer = style if isinstance(style, Stylizer) else Stylizer(style, device=device)
    if "" in (os.fspath(path) for path in inputs) or output == "":
        raise FastnstError("A path is empty.", "Give the name of a file or a folder.")
    out = None if output is None else Path(output)
    jobs = _distinct(_jobs([Path(path) for path in inputs], out, stylizer.name))
    results = []
    for number, (source, target) in enumerate(jobs, start=1):
        result = _paint_file(stylizer, source, target, size)
        results.append(result)
        if report:
            report(result, number, len(jobs))
    return results


Job: TypeAlias = tuple[Path, Path | FastnstError]
"""A photo, and where its painting goes or why there will be none."""


def _paint_file(
    stylizer: Stylizer, source: Path, target: Path | FastnstError, size: int | None
) -> Painted:
    started = time.perf_counter()
    try:
        if isinstance(target, FastnstError):
            raise target
        if os.path.exists(target) and os.path.exists(source) and target.samefile(source):
            raise FastnstError(
                f"{source} would be overwritten by its painting.", "Give another output with -o."
            )
        painted = stylizer(source, size=size)
        write_image(target, painted)
    except (FastnstError, OSError) as error:
        return Painted(source, None, seconds=time.perf_counter() - started, error=str(error))
    return Painted(source, target, *painted.size, seconds=time.perf_counter() - started)


def _jobs(inputs: Sequence[Path], output: Path | None, style: str) -> Iterator[Job]:
    if not inputs:
        raise FastnstError("No photo was given.", "Say: fastnst stylize PHOTO --style NAME")
    one_photo = len(inputs) == 1 and not os.path.isdir(inputs[0])
    to_file = False
    if output is not None and output.suffix and not os.path.isdir(output):
        to_file = one_photo
        if one_photo:
            check_writable(output)
        elif output.suffix.lower() in WRITABLE:
            raise FastnstError(
                f"The output {output} is one file, but the input is more than one photo.",
                "Give a folder with -o.",
            )
    for path in inputs:
        if os.path.isdir(path):
            folder = output or path.resolve().with_name(f"{path.resolve().name}-{style}")
            photos = _photos_in(path, besides=folder)
            if not photos:
                yield path, _no_picture(path)
            for photo in photos:
                yield photo, folder / photo.relative_to(path).with_suffix(_suffix(photo))
        elif output is None:
            yield path, path.with_name(f"{path.stem}-{style}{_suffix(path)}")
        elif to_file:
            yield path, output
        else:
            yield path, output / f"{path.stem}{_suffix(path)}"


def _distinct(jobs: Iterable[Job]) -> list[Job]:
    """The same jobs, none writing over a photo of another or its painting: photo.jpg becomes photo-2.jpg."""

    def place(path: Path) -> str:
        return os.path.normcase(os.path.realpath(path))

    jobs = list(jobs)
    sources = {place(source) for source, _ in jobs}
    taken: set[str] = set()
    result: list[Job] = []
    for source, wanted in jobs:
        if isinstance(wanted, FastnstError):
            result.append((source, wanted))
            continue
        target, number = wanted, 1
        own = place(source)
        while (at := place(target)) in taken or (at in sources and at != own):
            number += 1
            target = wanted.with_stem(f"{wanted.stem}-{number}")
        taken.add(place(target))
        result.append((source, target))
    return result


def _photos_in(folder: Path, *, besides: Path) -> list[Path]:
    """The pictures under a folder, hidden ones and those under `besides`, where paintings go, left out."""
    apart = os.path.realpath(besides)
    if apart == os.path.realpath(folder):
        apart = ""
    photos = []
    for place, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(place, name)) != apart
        ]
        photos += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in READABLE
        ]
    return sorted(photos)


def _no_picture(folder: Path) -> FastnstError:
    return FastnstError(
        f"There is no picture in the folder {folder}.",
        f"Pictures are files that end in {', '.join(sorted(READABLE))}.",
    )


def _suffix(path: Path) -> str:
    """The input's own format where it can be written, else PNG."""
    return path.suffix if path.suffix.lower() in WRITABLE else ".png"
