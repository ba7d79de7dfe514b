"""Pictures written to files, whole or not at all, with what is kept of the photo's own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from PIL import ExifTags, Image, ImageCms

from fastnst.errors import CannotWrite, FastnstError
from fastnst.images.metadata import Kept, written_exif
from fastnst.images.read import HEIF, PAGED, know_heif
from fastnst.system.atomic import written_whole

FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP", ".avif": "AVIF",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".gif": "GIF", ".heic": "HEIF", ".heif": "HEIF",
}  # fmt: skip
"""Pillow's name of each format that can be written, by the file's ending."""
WRITABLE = frozenset(FORMATS)
MOVING = frozenset({"GIF", "PNG", "WEBP"})
"""Formats that take an animation."""
OPAQUE = frozenset({"JPEG", "BMP"})
"""Formats without transparency."""
INNER = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop}
"""Parts of EXIF that libtiff, which compresses, does not write; Pillow by itself does."""
SOLID = 128
"""Of 255: GIF, where a pixel is there or not, shows what is as opaque as this."""


def write_image(
    path: Path | BinaryIO,
    image: Image.Image | Sequence[Image.Image],
    *,
    ending: str = "",
    quality: int = 95,
    kept: Kept | None = None,
    description: str = "",
) -> None:
    """Write a picture in the format of the name, whole or not at all.

    JPEG and AVIF are written with 4:4:4 chroma; transparency, which JPEG and BMP can't hold, is laid on
    white. (Lossy WebP always halves its chroma: the format has nothing else.)

    Args:
        path: Missing folders are made. Or an open file, with its `ending`.
        image: RGB or RGBA, sRGB; several are the frames of an animation, or the pages of a TIFF.
        ending: Of the name, where `path` has none: `.png`.
        quality: Of JPEG, WebP, AVIF and HEIC, 1..100.
        kept: What the file is to have of the photo's.
        description: Plain ASCII, kept in the file's EXIF as its ImageDescription.

    Raises:
        CannotWrite: The format is not one of these, or the folder or the disk does not take it.
        FastnstError: The quality is out of range.
    """
    if isinstance(path, Path):
        check_writable(path)
        ending = path.suffix
        if ending.lower() in HEIF:
            know_heif(path)
    frames = [image] if isinstance(image, Image.Image) else list(image)
    if not 1 <= quality <= 100:
        raise FastnstError(f"The quality is {quality}.", "Give 1 (small) to 100 (good).")
    name = FORMATS[ending.lower()]
    options = _options(name, quality, kept or Kept(), description)
    frames = [_fitting(frame, name) for frame in frames]
    if len(frames) > 1:
        options |= {"save_all": True, "append_images": frames[1:]}
        if name != PAGED:
            options |= _moving(name, kept or Kept())
    try:
        if not isinstance(path, Path):
            whole = io.BytesIO()  # Encoders seek, pipes do not.
            frames[0].save(whole, **options)
            path.write(whole.getbuffer())
            return
        with written_whole(path) as temporary:
            frames[0].save(temporary, **options)
    except (ValueError, OverflowError, SystemError) as error:
        width, height = frames[0].size
        raise CannotWrite(
            f"{path if isinstance(path, Path) else 'The picture'} can't be written: {error}.",
            f"It is {width}x{height} px; WebP holds 16383, JPEG 65500 px a side.",
        ) from error


def check_writable(path: Path) -> None:
    """Raise `CannotWrite` if the name does not end in a format that can be written."""
    if path.suffix.lower() not in WRITABLE:
        raise CannotWrite(
            f"{path} can't be written: the format {path.suffix or '(none)'} is not one of "
            f"{', '.join(sorted(WRITABLE))}.",
            "Give the output a name that ends in one of these.",
        )


def can_move(path: Path) -> bool:
    """Whether the format of a name takes an animation."""
    return FORMATS.get(path.suffix.lower()) in MOVING


def has_pages(path: Path) -> bool:
    """Whether the format of a name takes pages."""
    return FORMATS.get(path.suffix.lower()) == PAGED


def _options(name: str, quality: int, kept: Kept, description: str) -> dict[str, Any]:
    """What the encoder is told."""
    options: dict[str, Any] = {"format": name}
    if name not in ("BMP", "GIF"):
        options["icc_profile"] = _srgb_profile()
        options["exif"] = written_exif(kept.exif, description)
    if kept.dpi and name in ("JPEG", "PNG", "TIFF", "BMP"):
        options["dpi"] = kept.dpi
    if name == "JPEG":
        options |= {"quality": quality, "subsampling": 0}
    elif name == "WEBP":
        options |= {"quality": quality, "method": 4}
    elif name == "AVIF":
        options |= {"quality": quality, "subsampling": "4:4:4"}
    elif name == "HEIF":
        options |= {"quality": quality, "chroma": 444}
    elif name == "TIFF" and not options["exif"].keys() & INNER:
        options["compression"] = "tiff_lzw"
    return options


def _fitting(image: Image.Image, name: str) -> Image.Image:
    """The picture in a mode that its format holds."""
    if name in OPAQUE and image.mode == "RGBA":
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A"))
        return flat
    if name == "GIF":
        colors = image.convert("RGB").quantize(255)
        if image.mode == "RGBA":
            hidden = image.getchannel("A").point([255] * SOLID + [0] * (256 - SOLID))
            colors.paste(255, mask=hidden)
            colors.info["transparency"] = 255
        return colors
    return image


def _moving(name: str, kept: Kept) -> dict[str, Any]:
    """How an animation moves."""
    options: dict[str, Any] = {"duration": list(kept.durations) or 100}
    if name == "WEBP":  # It has no word for once.
        options["loop"] = 1 if kept.loop is None else kept.loop
    elif kept.loop is not None:
        options["loop"] = kept.loop
    if name == "GIF":
        options |= {"disposal": list(kept.disposals) or 2, "optimize": False}
    if name == "PNG":
        # Frames are whole: none is laid over another.
        options |= {"disposal": 0, "blend": 0, "default_image": False}
    return options


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
