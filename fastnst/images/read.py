"""Image files, read as they are meant to be seen: upright, sRGB, 8 bit."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from PIL import Image, UnidentifiedImageError

from fastnst.errors import FastnstError, UnreadableImage, first_line
from fastnst.images.formats import (
    ANIMATED_FORMATS,
    HEIF_EXTENSIONS,
    PAGED_FORMAT,
    register_heif,
)
from fastnst.images.metadata import ImageMetadata, read_exif
from fastnst.images.pixels import MAX_PIXELS, upright_srgb

ImageSource: TypeAlias = str | os.PathLike[str] | BinaryIO
"""Path of a file, or an open file."""
NEW_SUBFILE_TYPE, BITS_PER_SAMPLE = 254, 258
"""Tags of TIFF."""
NO_PAGE_BITS = 0b101
"""Bits of `NEW_SUBFILE_TYPE` that mark a smaller copy of another page, or a mask."""


class ImageFile:
    """Open image file.

    Args:
        image: The image as Pillow opened it.
        name: Name of the file, for errors.
        max_pixels: Pages with more pixels are refused.
    """

    def __init__(self, image: Image.Image, name: str, max_pixels: int) -> None:
        self._image, self._name, self._max_pixels = image, name, max_pixels
        self.format = image.format or ""
        """Pillow's name of the format."""
        self.bits = _bits(image)
        """Bits a channel in the file; what is read has 8."""
        if self.format == PAGED_FORMAT:
            self._numbers = _page_numbers(image)
        else:
            self._numbers = list(
                range(getattr(image, "n_frames", 1) if self.format in ANIMATED_FORMATS else 1)
            )
        self.count = len(self._numbers)
        """Number of frames or pages."""
        self.animated = self.count > 1 and self.format in ANIMATED_FORMATS
        """True if the file has several frames that follow one another in time."""
        self._dpi: Any = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, before the orientation is applied."""
        return self._image.size

    def metadata(self) -> ImageMetadata:
        """Return the metadata of the file; call it after `frames`."""
        dpi = self._dpi
        try:
            across, down = (float(value) for value in dpi or ())
            dpi = (across, down) if 1 <= across <= 30000 and 1 <= down <= 30000 else None
        except (TypeError, ValueError, ZeroDivisionError):
            dpi = None
        loop = self._image.info.get("loop") if self.animated else None
        return ImageMetadata(
            self._exif, dpi, tuple(self._durations), tuple(self._disposals),
            loop if isinstance(loop, int) else None,
        )  # fmt: skip

    def frames(self) -> Iterator[Image.Image]:
        """Yield each frame or page in whole, RGB or (with transparency) RGBA; a still yields one.

        Raises:
            UnreadableImage: The file is damaged, or a page is too large.
        """
        self._durations: list[int] = []
        self._disposals: list[int] = []
        self._exif, self._dpi = read_exif(self._image), self._image.info.get("dpi")
        for place, number in enumerate(self._numbers):
            # Pillow checks TIFFs again when it unpacks them.
            no_limit = _no_pixel_limit() if self.format == PAGED_FORMAT else nullcontext()
            with _explained(self._name):
                if place:
                    self._image.seek(number)
                    _check_size(self._image, self._name, self._max_pixels)
                with no_limit:
                    self._image.load()
                if self.animated:
                    duration = self._image.info.get("duration", 0)
                    self._durations.append(round(duration) if math.isfinite(duration) else 0)
                    method = getattr(
                        self._image, "disposal_method", self._image.info.get("disposal")
                    )
                    self._disposals.append(int(method or 0))
                frame = upright_srgb(self._image)
                if self.count > 1 and frame is self._image:
                    frame = frame.copy()  # The next frame takes its place.
            yield frame


@contextmanager
def open_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Iterator[ImageFile]:
    """Open an image file.

    Args:
        source: Path of the file, or an open file.
        max_pixels: Images with more pixels are refused.

    Raises:
        UnreadableImage: There is no such file, or it is no image, or too large.
        MissingExtra: Its format needs a package that is not installed.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = str(path)
        check_regular_file(path)
        if path.suffix.lower() in HEIF_EXTENSIONS:
            register_heif(path)
        source = path
    elif hasattr(source, "read"):
        name = "What was piped in"
    else:
        raise UnreadableImage(
            f"A {type(source).__name__} is no picture.", "Give the path of a file, or an open one."
        )
    with _explained(name), _no_pixel_limit():
        image = Image.open(source)
    with image:
        _check_size(image, name, max_pixels)
        with _explained(name):  # Frames are counted by reading.
            file = ImageFile(image, name, max_pixels)
        yield file


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read an image upright, in sRGB and 8 bit; of an animation the first frame.

    Returns:
        Mode RGB, or RGBA if the file has transparency.

    Raises:
        UnreadableImage: There is no such file, or it is no complete image, or too large.
        MissingExtra: Its format needs a package that is not installed.
    """
    with open_image(source, max_pixels=max_pixels) as file:
        return next(file.frames())


def readable_images(paths: Iterable[Path]) -> Iterator[Image.Image]:
    """Yield each image that can be read, RGB; the other files are passed over."""
    for path in paths:
        try:
            image = read_image(path).convert("RGB")
        except FastnstError:
            continue
        yield image


def check_regular_file(path: Path, kind: str = "picture") -> None:
    """Check that a path is a regular file: opening a named pipe waits, maybe for ever.

    Args:
        path: The file, or a link to it.
        kind: Kind of file that was expected, for the error.

    Raises:
        UnreadableImage: There is no such file, or it is a folder, a pipe or a device.
    """
    if not path.exists():
        raise UnreadableImage(f"There is no file {path}.")
    if path.is_dir():
        raise UnreadableImage(f"{path} is a folder, not a {kind}.")
    if not path.is_file():
        raise UnreadableImage(
            f"{path} is a pipe or a device, not a file.",
            f"Give a file, or pipe a picture in: fastnst stylize - < {path}",
        )


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise UnreadableImage(
            f"{name} is {image.width}x{image.height} px, more than {max_pixels / 1e6:g} megapixels.",
            "If you trust the file, raise the limit: --max-megapixels N",
        )


def _bits(image: Image.Image) -> int:
    """Return the bits a channel of a PNG or TIFF, and 8 for all else; Pillow reads colours of 16 as 8 without a word."""
    if image.format == PAGED_FORMAT:
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        return int(max(tags.get(BITS_PER_SAMPLE, (8,))))
    raw = [str(tile[3]) for tile in getattr(image, "tile", ())]
    return 16 if image.format == "PNG" and any(";16" in mode for mode in raw) else 8


def _page_numbers(image: Any) -> list[int]:
    """Return the numbers of a TIFF's pages, without smaller copies and masks, and seek the first one."""
    pages = []
    for number in range(image.n_frames):
        image.seek(number)
        if not image.tag_v2.get(NEW_SUBFILE_TYPE, 0) & NO_PAGE_BITS:
            pages.append(number)
    pages = pages or [0]
    image.seek(pages[0])
    return pages


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn errors of Pillow's decoders, which raise nearly anything, into `UnreadableImage`."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"{name} is not a picture that can be read.",
            "Give a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF.",
        ) from error
    except FastnstError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"There is not enough memory to read {name}.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.filename:  # It could not be opened.
            why = (error.strerror or str(error)).lower()
            raise UnreadableImage(f"{name} can't be read: {why}.") from error
        raise UnreadableImage(
            f"{name} is damaged or can't be read: {first_line(error)}."
        ) from error


_opening = threading.Lock()


@contextmanager
def _no_pixel_limit() -> Iterator[None]:
    """Lift Pillow's own limit, which holds for the whole process; callers check the size."""
    with _opening:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
