"""Files of a batch: each is read, painted and written."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from fastnst.errors import FastnstError, Interrupted
from fastnst.images.formats import FORMATS, takes_animation, takes_pages
from fastnst.images.metadata import ImageMetadata
from fastnst.images.pixels import Pixels
from fastnst.images.read import ImageFile, open_image
from fastnst.images.write import write_image
from fastnst.runtime.batch.outputs import PIPE, Job, is_video
from fastnst.runtime.engine.level_painter import OnShare, part_of
from fastnst.runtime.engine.memory import FREE_SHARE
from fastnst.runtime.engine.stylizer import Stylizer, frames_at_once
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.options import VideoOptions
from fastnst.styles.mix import StyleMix
from fastnst.system.machine import free_memory

OVERLAP_MAX_PIXELS = 30_000_000
"""Pixels above which reading and writing no longer overlap with painting, to bound memory."""
BYTES_PER_PIXEL = 14
"""Bytes a pixel that a photo and its stylized image take together, decoded and encoded."""


@dataclass(frozen=True)
class StylizeResult:
    """Result of one file: painted, skipped or failed."""

    input: Path
    """The photo or video."""
    output: Path | None
    """The painted file; None if it failed."""
    width: int = 0
    """Width of the output in pixels."""
    height: int = 0
    """Height of the output in pixels."""
    seconds: float = 0.0
    """Seconds that painting took."""
    frames: int = 1
    """Number of frames of an animation or a video, or pages of a TIFF."""
    note: str = ""
    """Damage and losses: parts of the input that could not be read or kept; empty if there are none."""
    skipped: bool = False
    """True if the file was left out because its output exists."""
    error: str = ""
    """Reason of the failure, in one sentence; empty if there is none."""
    stopped: bool = False
    """True if Ctrl-C ended a video early; its output has the frames up to there."""
    of: int = 0
    """Number of frames that a stopped video would have had, about; 0 if unknown."""


@dataclass
class OpenFile:
    """File of a job with its images: first those of the photo, then the stylized ones."""

    source: Path
    """The photo or video."""
    target: Path
    """The output."""
    frames: list[Image.Image]
    """Frames or pages; empty for a video, and for an image larger than memory."""
    metadata: ImageMetadata | None = None
    """Metadata of the photo, to be written too."""
    format: str = ""
    """Pillow's name of the photo's format."""
    seconds: float = 0.0
    """Seconds that painting took."""
    note: str = ""
    """See `StylizeResult`."""
    copy: int = 1
    """See `Job`."""

    @property
    def pixels(self) -> int:
        """Number of pixels of all frames; 0 if there are none."""
        return sum(frame.width * frame.height for frame in self.frames)


def read_file(
    job: Job,
    overwrite: bool,
    may_replace: bool,
    skip_existing: bool,
    max_pixels: int,
    memory: int | None = None,
) -> OpenFile | StylizeResult:
    """Read the file of a job, unless its output would replace a file that it may not.

    Args:
        job: Photo and output.
        overwrite: Whether the output may replace its photo.
        may_replace: Whether the output may replace another file.
        skip_existing: Whether a photo whose output exists is left out.
        max_pixels: Larger images are refused.
        memory: Bytes that fastnst may take, where the user said how many.
    """
    source, target, copy = job
    try:
        if isinstance(target, FastnstError):
            raise target
        piped = target == PIPE
        if not piped and skip_existing and os.path.exists(target):
            return StylizeResult(source, target, skipped=True)
        if not overwrite and not piped and _same_file(source, target):
            raise FastnstError(
                f"{source} would be overwritten by its own output.",
                "Give another output with -o, or say --overwrite.",
            )
        if not may_replace and not piped and os.path.exists(target):
            raise FastnstError(
                f"{target} is there already.",
                "Say --overwrite to replace it, --skip-existing to keep it, or give another output with -o.",
            )
        if is_video(source):
            return OpenFile(source, target, [])
        file: Path | BinaryIO = source
        if source == PIPE:
            file = BytesIO(sys.stdin.buffer.read())
        with open_image(file, max_pixels=max_pixels) as image:
            large = source != PIPE and too_large(*image.size, memory)
            fits = piped or (takes_animation(target) if image.animated else takes_pages(target))
            note = _losses(image, source, target, whole=fits and not large)
            if large:
                return OpenFile(source, target, [], note=note, copy=copy)
            frames = image.frames()
            read = list(frames) if fits else [next(frames)]
            return OpenFile(
                source, target, read, image.metadata(), image.format, note=note, copy=copy
            )
    except (FastnstError, OSError) as error:
        return StylizeResult(source, None, error=str(error))


def _losses(image: ImageFile, source: Path, target: Path, *, whole: bool) -> str:
    """Return a note on the parts of a photo that its output lacks; empty if there are none.

    Args:
        image: The photo.
        source: Path of the photo.
        target: Path of the output.
        whole: Whether all frames or pages are painted.
    """
    lost = []
    if image.count > 1 and not whole:
        parts = "frames" if image.animated else "pages"
        lost.append(f"{source} has {image.count} {parts}, of which {target} has the first")
    if image.bits > 8:
        lost.append(f"{source} has {image.bits} bits a channel, of which its output has 8")
    return "".join(f"{part}. " for part in lost).strip()


def _same_file(source: Path, target: Path) -> bool:
    return os.path.exists(target) and os.path.exists(source) and target.samefile(source)


def too_large(width: int, height: int, memory: int | None = None) -> bool:
    """Return whether an image and its stylized image would take too much of the free memory, or of what is allowed.

    Args:
        width: Width of the image in pixels.
        height: Height of the image in pixels.
        memory: Bytes that fastnst may take; None for all that is free.
    """
    pixels = width * height
    if pixels <= OVERLAP_MAX_PIXELS:
        return False
    return pixels * BYTES_PER_PIXEL > min(FREE_SHARE * free_memory(), memory or math.inf)


def stream_image(
    photo: OpenFile,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    quality: int,
    on_share: OnShare | None,
) -> StylizeResult:
    """Paint an image larger than memory from disk to disk."""
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


def paint_video_file(
    photo: OpenFile,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    options: VideoOptions | None,
    quality: int,
    stop: Callable[[], bool],
    on_share: OnShare | None,
) -> StylizeResult:
    """Paint a video from file to file; `stop` is asked between frames."""
    from fastnst.runtime.video.pipeline import paint_video

    started = time.perf_counter()
    concurrency = frames_at_once(stylizer.device)
    fast = stylizer.for_video(concurrency)

    def paint(pixels: Pixels) -> Pixels:
        return photo_options.paint_frame(fast, pixels)

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


def paint_image(
    photo: OpenFile,
    stylizer: Stylizer,
    photo_options: PhotoOptions,
    on_share: OnShare | None,
    *,
    style: StyleMix | None = None,
) -> OpenFile | StylizeResult:
    """Paint the frames of a file in place, in the stylizer's own style or another one of its file."""
    started = time.perf_counter()
    try:
        count = len(photo.frames)
        for number in range(count):  # Each leaves memory before it is painted.
            part = part_of(on_share, number / count, 1 / count)
            painted = photo_options.paint(stylizer, photo.frames.pop(0), style=style, on_share=part)
            photo.frames.append(painted)
    except FastnstError as error:
        return StylizeResult(photo.source, None, error=str(error))
    photo.seconds = time.perf_counter() - started
    return photo


def write_file(photo: OpenFile, quality: int) -> StylizeResult:
    """Write the stylized frames of a file."""
    width, height = photo.frames[0].size
    try:
        if photo.target == PIPE:
            extensions = {name: extension for extension, name in reversed(FORMATS.items())}
            extension = extensions.get(photo.format, ".png")
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
