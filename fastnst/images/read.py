"""Pictures as they are meant to be seen: upright, sRGB, 8 bit."""

from __future__ import annotations

import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from fastnst.errors import FastnstError, UnreadableImage, first_line, missing_extra
from fastnst.images.metadata import Kept, kept_exif

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""uint8, RGB, (H, W, 3)."""
Source: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A file by its path, or one that is open."""

HEIF = frozenset({".heic", ".heif"})
"""Formats that need an extra."""
READABLE = HEIF | {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".png", ".apng", ".webp", ".avif", ".bmp", ".dib", ".tif",
    ".tiff", ".gif", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pcx", ".ico",
}  # fmt: skip
"""What a folder is searched for."""
ANIMATED = frozenset({"GIF", "PNG", "WEBP"})
"""Formats whose frames follow one another in time."""
PAGED = "TIFF"
"""The format whose frames are pages."""
NEW_SUBFILE_TYPE, BITS_PER_SAMPLE = 254, 258
"""Tags of TIFF."""
NO_PAGE = 0b101
"""Bits of `NEW_SUBFILE_TYPE`: a smaller copy of another page, or a mask."""

MOST_PIXELS = 180_000_000
"""More are refused unless asked for: a small file can hold a picture that fills the memory."""
BAND = 4_000_000
"""Pixels that are copied at once."""


class Picture:
    """A picture file that is open.

    Args:
        image: As Pillow opened it.
        name: Of the file, for errors.
    """

    def __init__(self, image: Image.Image, name: str, most_pixels: int) -> None:
        self._image, self._name, self._most_pixels = image, name, most_pixels
        self.format = image.format or ""
        """As Pillow names it."""
        self.bits = _bits(image)
        """A channel, as they are stored; what is read has 8."""
        if self.format == PAGED:
            self._numbers = _pages(image)
        else:
            self._numbers = list(
                range(getattr(image, "n_frames", 1) if self.format in ANIMATED else 1)
            )
        self.count = len(self._numbers)
        """Of frames or pages."""
        self.animated = self.count > 1 and self.format in ANIMATED
        """Whether there is more than one frame."""
        self._dpi: Any = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as they are stored."""
        return self._image.size

    def kept(self) -> Kept:
        """What to keep of the file, once its frames are read."""
        dpi = self._dpi
        try:
            across, down = (float(value) for value in dpi or ())
            dpi = (across, down) if 1 <= across <= 30000 and 1 <= down <= 30000 else None
        except (TypeError, ValueError, ZeroDivisionError):
            dpi = None
        loop = self._image.info.get("loop") if self.animated else None
        return Kept(
            self._exif, dpi, tuple(self._durations), tuple(self._disposals),
            loop if isinstance(loop, int) else None,
        )  # fmt: skip

    def frames(self) -> Iterator[Image.Image]:
        """Each frame or page in whole, RGB or (with transparency) RGBA; one of a still.

        Raises:
            UnreadableImage: It is damaged, or a page is too large.
        """
        self._durations: list[int] = []
        self._disposals: list[int] = []
        self._exif, self._dpi = kept_exif(self._image), self._image.info.get("dpi")
        for place, number in enumerate(self._numbers):
            with _reading(self._name):
                if place:
                    self._image.seek(number)
                    _check_size(self._image, self._name, self._most_pixels)
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
def open_picture(source: Source, *, most_pixels: int = MOST_PIXELS) -> Iterator[Picture]:
    """Open a picture file.

    Args:
        source: Its path, or an open file.
        most_pixels: Larger ones are refused.

    Raises:
        UnreadableImage: There is no such file, or it is no picture, or too large.
        MissingExtra: Its format needs a package that is not installed.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = str(path)
        check_regular(path)
        if path.suffix.lower() in HEIF:
            know_heif(path)
        source = path
    elif hasattr(source, "read"):
        name = "What was piped in"
    else:
        raise UnreadableImage(
            f"A {type(source).__name__} is no picture.", "Give the path of a file, or an open one."
        )
    with _reading(name), _any_size():
        image = Image.open(source)
    with image:
        _check_size(image, name, most_pixels)
        with _reading(name):  # Frames are counted by reading.
            picture = Picture(image, name, most_pixels)
        yield picture


def _check_size(image: Image.Image, name: str, most_pixels: int) -> None:
    if image.width * image.height > most_pixels:
        raise UnreadableImage(
            f"{name} is {image.width}x{image.height} px, more than {most_pixels / 1e6:g} megapixels.",
            "If you trust the file, raise the limit: --max-megapixels N",
        )


def _bits(image: Image.Image) -> int:
    """Bits a channel of a PNG or TIFF; 8 of all else. Pillow reads colours of 16 as 8, without a word."""
    if image.format == PAGED:
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        return int(max(tags.get(BITS_PER_SAMPLE, (8,))))
    raw = [str(tile[3]) for tile in getattr(image, "tile", ())]
    return 16 if image.format == "PNG" and any(";16" in mode for mode in raw) else 8


def _pages(image: Any) -> list[int]:
    """The numbers of a TIFF's pages: not of smaller copies and masks. It is left at the first."""
    pages = []
    for number in range(image.n_frames):
        image.seek(number)
        if not image.tag_v2.get(NEW_SUBFILE_TYPE, 0) & NO_PAGE:
            pages.append(number)
    pages = pages or [0]
    image.seek(pages[0])
    return pages


def check_regular(path: Path, kind: str = "picture") -> None:
    """Refuse what is no regular file: to open a named pipe is to wait, maybe for ever.

    Args:
        path: The file, or a link to it.
        kind: What it should be.

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


def read_image(source: Source, *, most_pixels: int = MOST_PIXELS) -> Image.Image:
    """Read a picture as it is meant to be seen: upright, sRGB, 8 bit; of an animation the first frame.

    Returns:
        Mode RGB, or RGBA if the file has transparency.

    Raises:
        UnreadableImage: There is no such file, or it is no complete picture, or too large.
        MissingExtra: Its format needs a package that is not installed.
    """
    with open_picture(source, most_pixels=most_pixels) as picture:
        return next(picture.frames())


def know_heif(path: Path) -> None:
    """Make Pillow read and write HEIC.

    Raises:
        MissingExtra: The package for it is not there.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise missing_extra(f"{path} is HEIC, which needs pillow-heif.", "heif") from error
    pillow_heif.register_heif_opener()


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Pillow's decoders raise nearly anything on a damaged file."""
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
def _any_size() -> Iterator[None]:
    """Without Pillow's own limit, which is the whole process's; ours is said by the caller."""
    with _opening:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def rgb(image: Image.Image) -> Pixels:
    """The pixels without transparency, (H, W, 3)."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    # Some rows at a time: Pillow makes two more copies of what it gives to numpy.
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image if rows >= height else image.crop((0, top, width, bottom))
        pixels[top:bottom] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return pixels


def upright_srgb(image: Image.Image) -> Image.Image:
    """The picture with its EXIF orientation applied, in sRGB, as RGB or (with transparency) RGBA.

    It may be the very one that was given, which is left as it is.
    """
    with suppress(Exception):  # Broken EXIF is no EXIF.
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # Else it would be copied.
            image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    transparent = image.has_transparency_data
    if image.mode.startswith("I") or image.mode == "F":
        # Grey of 16 bit and more: Pillow's own conversion clips instead of scaling.
        values = np.asarray(image, np.float64)
        largest = values.max(initial=0)
        sixteen = image.mode.startswith("I;16") or largest > 255
        top = 65535.0 if sixteen else 1.0 if image.mode == "F" and largest <= 1 else 255.0
        image = Image.fromarray(np.clip(values * (255.0 / top) + 0.5, 0, 255).astype(np.uint8))
    alpha = image.convert("RGBA").getchannel("A") if transparent else None
    if image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    if profile:
        image = _to_srgb(image, profile)
    if (
        image.mode != "RGB" or alpha is not None
    ):  # Copies of large pictures are not made for nothing.
        image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # A broken profile is no profile: viewers show the picture as sRGB too.
    return converted if converted is not None else image


def resize_longer(image: Image.Image, size: int) -> Image.Image:
    """Scale a picture so that its longer side is `size` pixels (Lanczos).

    Raises:
        FastnstError: The size is below 1, or the result would have more than `MOST_PIXELS`.
    """
    if size < 1:
        raise FastnstError(f"The size is {size}.", "It is the longer side in pixels: 1 or more.")
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if width * height > MOST_PIXELS:
        raise FastnstError(
            f"At a size of {size} the picture would be {width}x{height} px,"
            f" more than the {MOST_PIXELS / 1e6:.0f} megapixels that are allowed.",
            "Give a smaller size.",
        )
    return image.resize((width, height), Image.Resampling.LANCZOS)
