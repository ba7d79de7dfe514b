"""The job `stylize`: files and folders in, painted files out."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from fastnst.errors import FastnstError, Interrupted
from fastnst.images.formats import FORMATS, takes_animation, takes_pages
from fastnst.images.metadata import ImageMetadata
from fastnst.images.pixels import MAX_PIXELS, Pixels, to_rgb_array
from fastnst.images.read import ImageFile, open_image
from fastnst.images.write import write_image
from fastnst.runtime.batch.outputs import (
    PIPE,
    Job,
    find_jobs,
    is_video,
    style_in_file_name,
)
from fastnst.runtime.engine.level_painter import OnShare, part_of
from fastnst.runtime.engine.session import Device
from fastnst.runtime.engine.stylizer import Stylizer, frames_at_once
from fastnst.runtime.engine.tiling import FREE_SHARE
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.options import VideoOptions
from fastnst.styles.mix import StyleMix
from fastnst.system.interrupts import Interrupts
from fastnst.system.machine import free_memory

SMALL = 30_000_000
"""Pixels of a picture beside which another is read or written, to use all of the machine and not all memory."""

HELD = 14
"""Bytes a pixel that a photo and its painting take, decoded and encoded."""


@dataclass(frozen=True)
class StylizeResult:
    """A file that was painted, skipped or not painted."""

    input: Path
    """The photo or video."""
    output: Path | None
    """The painted file; None if it failed."""
    width: int = 0
    """Width of the output in pixels."""
    height: int = 0
    """Height of the output in pixels."""
    seconds: float = 0.0
    """Time that painting took."""
    frames: int = 1
    """Frames of an animation or a video; pages of a TIFF."""
    note: str = ""
    """Damage of the input, and what could not be kept of it; empty if nothing."""
    skipped: bool = False
    """Whether the output was there already."""
    error: str = ""
    """Reason of the failure, in one sentence; empty if there is none."""
    stopped: bool = False
    """Whether Ctrl-C ended a video early; its output has the frames up to there."""
    of: int = 0
    """Frames that a stopped video would have had, about; 0 if that is not known."""


def stylize(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    style: str | os.PathLike[str] | StyleMix | Stylizer,
    photo_options: PhotoOptions | None = None,
    quality: int = 95,
    overwrite: bool = False,
    skip_existing: bool = False,
    max_megapixels: float = MAX_PIXELS / 1e6,
    video: VideoOptions | None = None,
    device: Device = "auto",
    report: Callable[[StylizeResult, int, int], None] | None = None,
    on_share: OnShare | None = None,
) -> list[StylizeResult]:
    """Paint files and folders; while one is painted the next one is read and the last one written.

    Videos are painted by the net for real time, where the style has one: see `Stylizer.for_video`.

    Args:
        inputs: Photos and videos, and folders of them, which are searched to any depth; `-` is standard input.
        output: A file for a single photo, else a folder, which is made and gets the shape of the input
            folders; `-` is standard output. None puts `NAME-STYLE.EXT` beside each photo, and a folder's
            pictures into a folder `NAME-STYLE` beside it; shares of a blend, and a strength and a stroke
            that are not the usual ones, are part of the name.
        style: Name of a style, a `StyleMix`, an .onnx file, or a `Stylizer`.
        photo_options: Size, colours, regions; None for the photo's size, all of it in the painting's colours.
        quality: Of JPEG, WebP, AVIF and HEIC, 1..100.
        overwrite: A painting may take the place of its photo, or of any other file. Without it only an output
            that is given as a file may.
        skip_existing: Leave out photos whose painting is there.
        max_megapixels: Larger photos are refused.
        video: Part of each video that is painted, and how it is encoded.
        device: Where to run, unless `style` is a `Stylizer`.
        report: Called after each file with what became of it, its number from 1, and how many there are.
        on_share: Called after each tile of a picture, and each frame of a video, with the share of it that is
            done, 0..1, and what that is: "120 frames, 9.7 a second".

    Returns:
        One entry per file, in order. A file that fails does not stop the others.

    Raises:
        FastnstError: Nothing can be done at all: the style is unknown, a folder is empty, ...
        Interrupted: Ctrl-C: the picture at hand is painted, a video up to the frame at hand, and the others are not.
    """
    if "" in (os.fspath(path) for path in inputs) or output == "":
        raise FastnstError("A path is empty.", "Give the name of a file or a folder.")
    if not 1 <= quality <= 100:
        raise FastnstError(f"The quality is {quality}.", "Give 1 (small) to 100 (good).")
    if not max_megapixels > 0:
        raise FastnstError(f"The most megapixels are {max_megapixels}.", "Give more than 0.")
    stylizer = style if isinstance(style, Stylizer) else Stylizer(style, device=device)
    out = None if output is None else Path(output)
    jobs = deque(find_jobs([Path(path) for path in inputs], out, style_in_file_name(stylizer)))
    photo_options, total, results = photo_options or PhotoOptions(), len(jobs), []

    def reader(job: Job) -> _Photo | StylizeResult:
        # A file that was given by its very name may be written over, as with other converters.
        may = overwrite or job[1] == out
        return _read(job, overwrite, may, skip_existing, round(max_megapixels * 1e6))

    def done(painted: StylizeResult) -> None:
        results.append(painted)
        if report:
            report(painted, len(results), total)

    with (
        Interrupts("this picture") as interrupts,
        ThreadPoolExecutor(1) as reading,
        ThreadPoolExecutor(1) as writing,
    ):
        ahead: Future[_Photo | StylizeResult] | None = None
        behind: Future[StylizeResult] | None = None
        while jobs and not interrupts.requested:
            job = jobs.popleft()
            photo = ahead.result() if ahead else reader(job)
            small = isinstance(photo, StylizeResult) or 0 < photo.pixels <= SMALL
            ahead = reading.submit(reader, jobs[0]) if jobs and small else None
            finished = photo
            if isinstance(photo, _Photo):
                if is_video(photo.source):
                    finished = _stylize_video(
                        photo,
                        stylizer,
                        photo_options,
                        video,
                        quality,
                        lambda: interrupts.requested,
                        on_share,
                    )
                else:
                    paint = _paint if photo.frames else _stream
                    finished = paint(photo, stylizer, photo_options, quality, on_share)
            if behind is not None:
                done(behind.result())
                behind = None
            if isinstance(finished, StylizeResult):
                done(finished)
            else:
                behind = writing.submit(_write, finished, quality)
                if not small:
                    behind.result()
        if behind is not None:
            done(behind.result())
    cut = next((painted for painted in results if painted.stopped), None)
    if cut is not None:
        raise _interrupted(cut, len(jobs))
    if interrupts.requested and jobs:
        raise Interrupted(
            f"Stopped after {len(results)} of {total} pictures.", "Go on with --skip-existing."
        )
    return results


def _interrupted(cut: StylizeResult, left: int) -> Interrupted:
    """What to say after a video that was cut short."""
    of = f" of {cut.of}" if cut.of else ""
    done = f"after {cut.frames}{of} frames" if cut.output else "before the first frame"
    files = f", with {left} more to paint" if left else ""
    hint = "Go on with --skip-existing." if left else ""
    if left and cut.output:
        hint = f"Remove {cut.output}, and go on with --skip-existing."
    return Interrupted(f"Stopped {done} of {cut.input}{files}.", hint)


@dataclass
class _Photo:
    """A photo that was read, then its painting."""

    source: Path
    target: Path
    frames: list[Image.Image]
    metadata: ImageMetadata | None = None
    format: str = ""
    seconds: float = 0.0
    note: str = ""

    @property
    def pixels(self) -> int:
        """Of all frames; 0 if there are none, for a picture too large for memory."""
        return sum(frame.width * frame.height for frame in self.frames)


def _read(
    job: Job, overwrite: bool, may_replace: bool, skip_existing: bool, max_pixels: int
) -> _Photo | StylizeResult:
    """Open a photo, unless its painting would take the place of a file that it may not.

    Args:
        job: The photo, and where its painting goes.
        overwrite: It may take the photo's place.
        may_replace: It may take another file's.
        skip_existing: Leave it out then.
        max_pixels: Larger ones are refused.
    """
    source, target = job
    try:
        if isinstance(target, FastnstError):
            raise target
        piped = target == PIPE
        if not piped and skip_existing and os.path.exists(target):
            return StylizeResult(source, target, skipped=True)
        if not overwrite and not piped and _same(source, target):
            raise FastnstError(
                f"{source} would be overwritten by its painting.",
                "Give another output with -o, or say --overwrite.",
            )
        if not may_replace and not piped and os.path.exists(target):
            raise FastnstError(
                f"{target} is there already.",
                "Say --overwrite to replace it, --skip-existing to keep it, or give another output with -o.",
            )
        if is_video(source):
            return _Photo(source, target, [])
        file: Path | BinaryIO = source
        if source == PIPE:
            file = BytesIO(sys.stdin.buffer.read())
        with open_image(file, max_pixels=max_pixels) as picture:
            large = source != PIPE and too_large(*picture.size)
            fits = piped or (takes_animation(target) if picture.animated else takes_pages(target))
            note = _note(picture, source, target, whole=fits and not large)
            if large:
                return _Photo(source, target, [], note=note)
            frames = picture.frames()
            read = list(frames) if fits else [next(frames)]
            return _Photo(source, target, read, picture.metadata(), picture.format, note=note)
    except (FastnstError, OSError) as error:
        return StylizeResult(source, None, error=str(error))


def _note(picture: ImageFile, source: Path, target: Path, *, whole: bool) -> str:
    """What a painting does not have of its photo.

    Args:
        picture: The photo.
        source: Its path.
        target: Where its painting goes.
        whole: Whether all of its frames or pages are painted.
    """
    lost = []
    if picture.count > 1 and not whole:
        parts = "frames" if picture.animated else "pages"
        lost.append(f"{source} has {picture.count} {parts}, of which {target} has the first")
    if picture.bits > 8:
        lost.append(f"{source} has {picture.bits} bits a channel, of which its painting has 8")
    return "".join(f"{part}. " for part in lost).strip()


def _same(source: Path, target: Path) -> bool:
    return os.path.exists(target) and os.path.exists(source) and target.samefile(source)


def too_large(width: int, height: int) -> bool:
    """Whether a picture and its painting would take too much of the memory that is free."""
    return width * height > SMALL and width * height * HELD > FREE_SHARE * free_memory()


def _stream(
    photo: _Photo,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    quality: int,
    on_share: OnShare | None,
) -> StylizeResult:
    from fastnst.runtime.photos.out_of_core import stream

    started = time.perf_counter()
    try:
        if photo_options != PhotoOptions():
            raise FastnstError(
                f"{photo.source} is too large for the memory that is free.",
                "Without a size, colours or masks it would be painted piece by piece.",
            )
        size = stream(photo.source, photo.target, stylizer, quality=quality, on_share=on_share)
    except (FastnstError, OSError) as error:
        return StylizeResult(photo.source, None, error=str(error))
    seconds = time.perf_counter() - started
    return StylizeResult(photo.source, photo.target, *size, seconds, note=photo.note)


def _stylize_video(
    photo: _Photo,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    options: VideoOptions | None,
    quality: int,
    stop: Callable[[], bool],
    on_share: OnShare | None,
) -> StylizeResult:
    from fastnst.runtime.video.pipeline import paint_video

    started = time.perf_counter()
    concurrency = frames_at_once(stylizer.device)
    fast = stylizer.for_video(concurrency)

    def paint(pixels: Pixels) -> Pixels:
        return to_rgb_array(photo_options.paint(fast, Image.fromarray(pixels)))

    try:
        done = paint_video(
            photo.source, photo.target, paint, options or VideoOptions(), quality=quality,
            concurrency=concurrency, stop=stop, report=on_share,
        )  # fmt: skip
    except Interrupted:
        return StylizeResult(photo.source, None, frames=0, stopped=True)
    except (FastnstError, OSError) as error:
        return StylizeResult(photo.source, None, error=str(error))
    note = f"{photo.source}: {done.note}." if done.note else ""
    seconds = time.perf_counter() - started
    return StylizeResult(
        photo.source, photo.target, done.width, done.height, seconds, done.frames, note,
        stopped=done.stopped, of=done.of,
    )  # fmt: skip


def _paint(
    photo: _Photo,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    quality: int,
    on_share: OnShare | None,
) -> _Photo | StylizeResult:
    started = time.perf_counter()
    try:
        count = len(photo.frames)
        for number in range(count):  # Each leaves memory before its painting is made.
            part = part_of(on_share, number / count, 1 / count)
            photo.frames.append(photo_options.paint(stylizer, photo.frames.pop(0), on_share=part))
    except FastnstError as error:
        return StylizeResult(photo.source, None, error=str(error))
    photo.seconds = time.perf_counter() - started
    return photo


def _write(photo: _Photo, quality: int) -> StylizeResult:
    width, height = photo.frames[0].size
    try:
        if photo.target == PIPE:
            endings = {name: ending for ending, name in reversed(FORMATS.items())}
            extension = endings.get(photo.format, ".png")
            write_image(
                sys.stdout.buffer,
                photo.frames,
                extension=extension,
                quality=quality,
                metadata=photo.metadata,
            )
            sys.stdout.buffer.flush()
        else:
            write_image(photo.target, photo.frames, quality=quality, metadata=photo.metadata)
    except (FastnstError, OSError) as error:
        return StylizeResult(photo.source, None, seconds=photo.seconds, error=str(error))
    count = len(photo.frames)
    return StylizeResult(
        photo.source, photo.target, width, height, photo.seconds, count, photo.note
    )
