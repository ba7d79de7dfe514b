"""Inputs and outputs: the photos and videos that are painted, and where the results go."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.images.formats import IMAGE_EXTENSIONS, WRITABLE_EXTENSIONS, check_writable
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.video.options import VIDEO_EXTENSIONS
from fastnst.styles.mix import STROKES

PIPE = Path("-")
"""Standard input, or standard output."""


class Job(NamedTuple):
    """Photo, and what it is painted into."""

    source: Path
    """The photo or video."""
    target: Path | FastnstError
    """Path of the output, or the reason that there is none."""
    copy: int = 1
    """Number of the copy, from 1."""


def find_jobs(
    inputs: Sequence[Path], output: Path | None, style: str, *, copies: int = 1
) -> list[Job]:
    """Find the photos among files and folders, with an output for each that replaces no other output or photo.

    Args:
        inputs: Photos, folders of photos, or `PIPE`.
        output: See `stylize`.
        style: Part of the file names, see `style_in_file_name`.
        copies: Number of outputs of each photo; where there are several, they are numbered from 1.

    Raises:
        FastnstError: There is no input, or the output does not fit it.
    """
    jobs = itertools.starmap(Job, _jobs(inputs, output, style))
    return _distinct(job if copies == 1 else copy for job in jobs for copy in _copies(job, copies))


def style_in_file_name(stylizer: Stylizer) -> str:
    """Return the part of an output's name that says the style, and a strength and a stroke other than the default."""
    mix, parts = stylizer.mix, [stylizer.name]
    if len(shares := mix.shares(stylizer.styles)) > 1:
        parts = [f"{name}-{share:.2g}" for name, share in shares.items()]
    if mix.strength != 1:
        parts.append(f"{mix.strength:g}")
    default = stylizer.card.default_stroke if stylizer.card else 0.0
    stroke = mix.stroke_size(default)
    if stroke != default:
        names = {number: name for name, number in STROKES.items()}
        parts.append(names.get(stroke) or f"stroke-{stroke:g}")
    return "-".join(parts)


def _copies(job: Job, copies: int) -> Iterator[Job]:
    """Yield the copies of a photo: photo-1.jpg, photo-2.jpg; of a photo without an output, the reason once."""
    if isinstance(job.target, FastnstError):
        yield job
        return
    for copy in range(1, copies + 1):
        yield job._replace(target=job.target.with_stem(f"{job.target.stem}-{copy}"), copy=copy)


def _jobs(
    inputs: Sequence[Path], output: Path | None, style: str
) -> Iterator[tuple[Path, Path | FastnstError]]:
    if not inputs:
        raise FastnstError("No photo was given.", "Say: fastnst stylize PHOTO --style NAME")
    one_photo = len(inputs) == 1 and not os.path.isdir(inputs[0])
    if PIPE in (output, *inputs):
        if not one_photo:
            raise FastnstError("A pipe takes one photo.", "Say: fastnst stylize - -o -")
        if output is None:
            output = PIPE
        elif output != PIPE and not os.path.isdir(output):
            check_writable(output)
        yield inputs[0], output / "painted.png" if os.path.isdir(output) else output
        return
    to_file = False
    if output is not None and output.suffix and not os.path.isdir(output):
        to_file = one_photo
        if one_photo:
            _check_target(inputs[0], output)
        elif output.suffix.lower() in WRITABLE_EXTENSIONS | VIDEO_EXTENSIONS:
            raise FastnstError(
                f"The output {output} is one file, but the input is more than one photo.",
                "Give a folder with -o.",
            )
    for path in inputs:
        if os.path.isdir(path):
            folder = output or path.resolve().with_name(f"{path.resolve().name}-{style}")
            errors: list[OSError] = []
            photos = find_images(
                path, also=VIDEO_EXTENSIONS, exclude=folder, on_error=errors.append
            )
            for error in errors:
                yield Path(error.filename or path), _closed_folder(error, path)
            if not photos and not errors:
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
    """Number the outputs that would replace another job's photo or output: photo.jpg becomes photo-2.jpg."""

    def place(path: Path) -> str:
        return str(PIPE) if path == PIPE else os.path.normcase(os.path.realpath(path))

    jobs = list(jobs)
    sources = {place(job.source) for job in jobs}
    taken: set[str] = set()
    result: list[Job] = []
    for job in jobs:
        output = job.target
        if isinstance(output, FastnstError):
            result.append(job)
            continue
        target, number = output, 1
        own = place(job.source)
        while (at := place(target)) in taken or (at in sources and at != own):
            number += 1
            target = output.with_stem(f"{output.stem}-{number}")
        taken.add(place(target))
        result.append(job._replace(target=target))
    return result


def _no_picture(folder: Path) -> FastnstError:
    return FastnstError(
        f"There is no picture in the folder {folder}.",
        f"Pictures are files that end in {', '.join(sorted(IMAGE_EXTENSIONS))}; videos in {', '.join(sorted(VIDEO_EXTENSIONS))}.",
    )


def _closed_folder(error: OSError, folder: Path) -> FastnstError:
    return FastnstError(
        f"The folder {error.filename or folder} can't be entered: {(error.strerror or str(error)).lower()}.",
        "Its files were not painted.",
    )


def _suffix(path: Path) -> str:
    """Return the input's own extension where it can be written, else that of PNG."""
    return path.suffix if path.suffix.lower() in WRITABLE_EXTENSIONS | VIDEO_EXTENSIONS else ".png"


def is_video(path: Path) -> bool:
    """Return whether a file is a video, by its extension."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def _check_target(source: Path, target: Path) -> None:
    """Check that the output of a photo is an image, and that of a video one that a sink writes.

    Raises:
        CannotWrite: It is not.
    """
    if is_video(source):
        from fastnst.runtime.video.sinks import sink_for  # Photos don't need FFmpeg.

        sink_for(source, target)
    else:
        check_writable(target)
