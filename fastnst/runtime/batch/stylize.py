"""The job `stylize`: paint files and folders."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fastnst.errors import FastnstError, Interrupted
from fastnst.images.pixels import MAX_PIXELS
from fastnst.images.write import check_quality
from fastnst.runtime.batch.files import (
    OVERLAP_MAX_PIXELS,
    OpenFile,
    StylizeResult,
    paint_image,
    paint_video_file,
    read_file,
    stream_image,
    write_file,
)
from fastnst.runtime.batch.outputs import Job, find_jobs, is_video, style_in_file_name
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.level_painter import OnShare
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.options import VideoOptions
from fastnst.styles.mix import StyleMix
from fastnst.system.interrupts import Interrupts

if TYPE_CHECKING:
    from fastnst.runtime.batch.augment import StyleAugment

Paint: TypeAlias = Callable[[OpenFile, Callable[[], bool]], OpenFile | StylizeResult]
"""Painter of a file; between the frames of a video it asks its second argument whether to stop."""


def stylize(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    style: str | os.PathLike[str] | StyleMix | Stylizer | StyleAugment,
    copies: int = 1,
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
    """Paint files and folders; reading, painting and writing overlap.

    Videos are painted by the net for real time, where the style has one: see `Stylizer.for_video`.

    Args:
        inputs: Photos and videos, and folders of them, which are searched to any depth; `-` is standard input.
        output: File for a single photo, else a folder, which is made and gets the shape of the input folders; `-` is
            standard output. None puts `NAME-STYLE.EXT` beside each photo, and the images of a folder into a folder
            `NAME-STYLE` beside it. The name also has the shares of a blend, and a strength or a stroke other than the
            default.
        style: Name of a style, a `StyleMix`, an .onnx file, or a `Stylizer`. By a `StyleAugment`, each picture gets a
            style that is drawn for it. The output is then a folder, whose `manifest.csv` says what was drawn.
        copies: Number of outputs of each picture in drawn styles: photo-1.jpg, photo-2.jpg.
        photo_options: Size, colours and masks; None for the photo's size, painted all over.
        quality: Quality of JPEG, WebP, AVIF and HEIC, 1..100.
        overwrite: Allow outputs to replace their inputs and any other file. Without it only an output that is given as
            a file may replace one.
        skip_existing: Leave out inputs whose output exists.
        max_megapixels: Larger photos are refused.
        video: Part of each video that is painted, and how it is encoded.
        device: Device that paints, unless `style` is a `Stylizer` or a `StyleAugment`.
        report: Called after each file with its result, its number from 1, and the number of files.
        on_share: Called after each tile of an image, and each frame of a video, with the share of the file that is
            done, 0..1, and a note: "120 frames, 9.7 a second".

    Returns:
        One result per file, in order. A file that fails does not stop the others.

    Raises:
        FastnstError: Nothing can be painted: the style is unknown, a folder is empty, ...
        Interrupted: Ctrl-C. The current image is painted, a current video up to its current frame, the others are not.
    """
    if "" in (os.fspath(path) for path in inputs) or output == "":
        raise FastnstError("A path is empty.", "Give the name of a file or a folder.")
    check_quality(quality)
    if not max_megapixels > 0:
        raise FastnstError(f"The limit is {max_megapixels} megapixels.", "Give more than 0.")
    # What is no style by itself draws styles, whose modules are loaded by whoever made it.
    one_style = isinstance(style, (str, os.PathLike, StyleMix, Stylizer))
    if copies < 1 or (copies > 1 and one_style):
        raise FastnstError(
            f"The number of copies is {copies}.",
            "Give 1, or more where styles are drawn: by a `StyleAugment`, or --style random.",
        )
    out, options = None if output is None else Path(output), photo_options or PhotoOptions()

    def read(job: Job) -> OpenFile | StylizeResult:
        # An output that is given as a file may replace one, as with other converters.
        may_replace = overwrite or job.target == out
        memory = style.spec.memory if isinstance(style, Stylizer) else None
        return read_file(
            job, overwrite, may_replace, skip_existing, round(max_megapixels * 1e6), memory
        )

    paint: Paint
    with ExitStack() as stack:
        if not isinstance(style, (str, os.PathLike, StyleMix, Stylizer)):
            from fastnst.runtime.batch.drawn import drawn_styles  # Seldom needed.

            painter = stack.enter_context(drawn_styles(style, out, options))
            paint, in_name = partial(painter.paint, on_share=on_share), ""
        else:
            stylizer = style if isinstance(style, Stylizer) else Stylizer(style, device=device)
            in_name = style_in_file_name(stylizer)

            def paint_in_style(
                photo: OpenFile, stop: Callable[[], bool]
            ) -> OpenFile | StylizeResult:
                if is_video(photo.source):
                    return paint_video_file(
                        photo, stylizer, options, video, quality, stop, on_share
                    )
                if photo.frames:
                    return paint_image(photo, stylizer, options, on_share)
                return stream_image(photo, stylizer, options, quality, on_share)

            paint = paint_in_style

        jobs = find_jobs([Path(path) for path in inputs], out, in_name, copies=copies)
        return _paint_jobs(jobs, read, paint, lambda photo: write_file(photo, quality), report)


def _paint_jobs(
    jobs: Sequence[Job],
    read: Callable[[Job], OpenFile | StylizeResult],
    paint: Paint,
    write: Callable[[OpenFile], StylizeResult],
    report: Callable[[StylizeResult, int, int], None] | None,
) -> list[StylizeResult]:
    """Read, paint and write files, the next one and the last one while one is painted.

    Args:
        jobs: The files.
        read: Reads the file of a job.
        paint: Paints a file.
        write: Writes a painted file.
        report: See `stylize`.

    Raises:
        Interrupted: See `stylize`.
    """
    left, total, results = deque(jobs), len(jobs), list[StylizeResult]()

    def finish(result: StylizeResult) -> None:
        results.append(result)
        if report:
            report(result, len(results), total)

    with (
        Interrupts("this picture") as interrupts,
        ThreadPoolExecutor(1) as reading,
        ThreadPoolExecutor(1) as writing,
    ):
        next_read: Future[OpenFile | StylizeResult] | None = None
        last_write: Future[StylizeResult] | None = None
        while left and not interrupts.requested:
            job = left.popleft()
            photo = next_read.result() if next_read else read(job)
            small = isinstance(photo, StylizeResult) or 0 < photo.pixels <= OVERLAP_MAX_PIXELS
            next_read = reading.submit(read, left[0]) if left and small else None
            painted = photo
            if isinstance(photo, OpenFile):
                painted = paint(photo, lambda: interrupts.requested)
            if last_write is not None:
                finish(last_write.result())
                last_write = None
            if isinstance(painted, StylizeResult):
                finish(painted)
            else:
                last_write = writing.submit(write, painted)
                if not small:
                    last_write.result()
        if last_write is not None:
            finish(last_write.result())
    stopped = next((result for result in results if result.stopped), None)
    if stopped is not None:
        raise _interrupted(stopped, len(left))
    if interrupts.requested and left:
        raise Interrupted(
            f"Stopped after {len(results)} of {total} pictures.", "Go on with --skip-existing."
        )
    return results


def _interrupted(video: StylizeResult, left: int) -> Interrupted:
    """Return the error for a video that Ctrl-C ended, with so many files left."""
    of = f" of {video.of}" if video.of else ""
    done = f"after {video.frames}{of} frames" if video.output else "before the first frame"
    files = f", with {left} more to paint" if left else ""
    hint = "Go on with --skip-existing." if left else ""
    if left and video.output:
        hint = f"Remove {video.output}, and go on with --skip-existing."
    return Interrupted(f"Stopped {done} of {video.input}{files}.", hint)
