"""Images written to files, whole or not at all, with the photo's metadata."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from PIL import ExifTags, Image, ImageCms

from fastnst.errors import CannotWrite, FastnstError
from fastnst.images.formats import (
    FORMATS,
    HEIF_EXTENSIONS,
    OPAQUE_FORMATS,
    PAGED_FORMAT,
    check_writable,
    register_heif,
)
from fastnst.images.metadata import ImageMetadata, output_exif
from fastnst.system.atomic import atomic_write

UNCOMPRESSED_IFDS = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop}
"""Directories of EXIF that libtiff, which compresses, does not write; Pillow by itself does."""
GIF_ALPHA_THRESHOLD = 128
"""Least opacity, of 255, that a GIF shows: its pixels are opaque or transparent."""


def check_quality(quality: int) -> None:
    """Check the quality of JPEG, WebP, AVIF and HEIC.

    Raises:
        FastnstError: It is not in 1..100.
    """
    if not 1 <= quality <= 100:
        raise FastnstError(f"The quality is {quality}.", "Give 1 (small) to 100 (good).")


def check_absent(path: Path) -> None:
    """Check that an output that was not named by the user would replace nothing.

    Raises:
        CannotWrite: It exists.
    """
    if path.exists():
        raise CannotWrite(
            f"{path} is there already.", "Give a name with -o, this one to replace it."
        )


def write_image(
    path: Path | BinaryIO,
    image: Image.Image | Sequence[Image.Image],
    *,
    extension: str = "",
    quality: int = 95,
    metadata: ImageMetadata | None = None,
    description: str = "",
) -> None:
    """Write an image in the format of the name, whole or not at all.

    JPEG and AVIF are written with 4:4:4 chroma; transparency, which JPEG and BMP can't hold, is laid on
    white. (Lossy WebP always halves its chroma: the format has nothing else.)

    Args:
        path: File to write, whose missing folders are made; or an open file, with an `extension`.
        image: RGB or RGBA, sRGB; several are the frames of an animation, or the pages of a TIFF.
        extension: Extension that names the format of an open file: `.png`.
        quality: Quality of JPEG, WebP, AVIF and HEIC, 1..100.
        metadata: Metadata of the photo, to be written too.
        description: Plain ASCII for the ImageDescription of the file's EXIF.

    Raises:
        CannotWrite: The format can't be written, or the folder or the disk does not take it.
        FastnstError: The quality is out of range.
    """
    if isinstance(path, Path):
        check_writable(path)
        extension = path.suffix
        if extension.lower() in HEIF_EXTENSIONS:
            register_heif(path)
    frames = [image] if isinstance(image, Image.Image) else list(image)
    check_quality(quality)
    name = FORMATS[extension.lower()]
    options = _encoder_options(name, quality, metadata or ImageMetadata(), description)
    frames = [_in_mode_of(frame, name) for frame in frames]
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:]}
        if name != PAGED_FORMAT:
            options |= _animation_options(name, metadata or ImageMetadata())
    try:
        if not isinstance(path, Path):
            buffer = io.BytesIO()  # Encoders seek, pipes do not.
            frames[0].save(buffer, **options)
            path.write(buffer.getbuffer())
            return
        with atomic_write(path) as temporary:
            frames[0].save(temporary, **options)
    except (ValueError, OverflowError, SystemError) as error:
        width, height = frames[0].size
        raise CannotWrite(
            f"{path if isinstance(path, Path) else 'The picture'} can't be written: {error}.",
            f"It is {width}x{height} px; WebP holds 16383, JPEG 65500 px a side.",
        ) from error


def _encoder_options(
    name: str, quality: int, metadata: ImageMetadata, description: str
) -> dict[str, Any]:
    options: dict[str, Any] = {"format": name}
    if name not in ("BMP", "GIF"):
        options["icc_profile"] = _srgb_profile()
        options["exif"] = output_exif(metadata.exif, description)
    if metadata.dpi and name in ("JPEG", "PNG", "TIFF", "BMP"):
        options["dpi"] = metadata.dpi
    if name == "JPEG":
        options |= {"quality": quality, "subsampling": 0}
    elif name == "WEBP":
        options |= {"quality": quality, "method": 4}
    elif name == "AVIF":
        options |= {"quality": quality, "subsampling": "4:4:4"}
    elif name == "HEIF":
        options |= {"quality": quality, "chroma": 444}
    elif name == "TIFF" and not options["exif"].keys() & UNCOMPRESSED_IFDS:
        options["compression"] = "tiff_lzw"
    return options


def _in_mode_of(image: Image.Image, name: str) -> Image.Image:
    """Return the image in a mode that a format holds."""
    if name in OPAQUE_FORMATS and image.mode == "RGBA":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        return flat
    if name == "GIF":
        colors = image.convert("RGB").quantize(255)
        if image.mode == "RGBA":
            table = [255] * GIF_ALPHA_THRESHOLD + [0] * (256 - GIF_ALPHA_THRESHOLD)
            colors.paste(255, mask=image.getchannel("A").point(table))
            colors.info["transparency"] = 255
        return colors
    return image


def _animation_options(name: str, metadata: ImageMetadata) -> dict[str, Any]:
    options: dict[str, Any] = {"duration": list(metadata.durations) or 100}
    if name == "WEBP":  # It has no word for once.
        options["loop"] = 1 if metadata.loop is None else metadata.loop
    elif metadata.loop is not None:
        options["loop"] = metadata.loop
    if name == "GIF":
        options |= {"disposal": list(metadata.disposals) or 2, "optimize": False}
    if name == "PNG":
        # Frames are whole: none is laid over another.
        options |= {"disposal": 0, "blend": 0, "default_image": False}
    return options


@cache
def _srgb_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The time of its making (ICC.1, 7.2.8) would make the same picture a different file each second.
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)
