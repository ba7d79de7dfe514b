"""Pillow <-> uint8 RGB: orientation, colour profile, alpha, depth, size, and files written whole."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from fastnst.errors import CannotWrite, FastnstError, UnreadableImage
from fastnst.files import written_whole

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""uint8, RGB, (H, W, 3)."""

READABLE = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
"""What a folder is searched for."""
WRITABLE = frozenset({".jpg", ".jpeg", ".png", ".webp"})

MOST_PIXELS = 2 * 89_478_485
"""More are refused: Pillow's own limit, past which it takes a file for a decompression bomb."""


def read_image(path: str | os.PathLike[str]) -> Image.Image:
    """Read a picture as it is meant to be seen: upright, sRGB, 8 bit.

    Returns:
        Mode RGB, or RGBA if the file has transparency.

    Raises:
        UnreadableImage: There is no such file, or it is no complete picture.
    """
    path = Path(path)
    if not path.exists():
        raise UnreadableImage(f"There is no file {path}.")
    if path.is_dir():
        raise UnreadableImage(f"{path} is a folder, not a picture.")
    try:
        with Image.open(path) as image:
            image.load()
            return upright_srgb(image)
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"{path} is not a picture that can be read.",
            "Give a JPEG, PNG, WebP, TIFF, BMP or GIF.",
        ) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"{path} is too large: {error}") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file.
        raise UnreadableImage(f"{path} is damaged or can't be read: {error}.") from error


def upright_srgb(image: Image.Image) -> Image.Image:
    """The picture with its EXIF orientation applied, in sRGB, as RGB or (with transparency) RGBA."""
    with suppress(Exception):  # Broken EXIF is no EXIF.
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


def write_image(
    path: Path, image: Image.Image, *, quality: int = 95, description: str = ""
) -> None:
    """Write a picture in the format of the name, whole or not at all.

    JPEG is written with 4:4:4 chroma; transparency, which it can't hold, is laid on white. (Lossy WebP
    always halves its chroma: the format has nothing else.)

    Args:
        path: Ends in .jpg, .jpeg, .png or .webp; missing folders are made.
        image: RGB or RGBA, sRGB.
        quality: Of JPEG and WebP, 1..100.
        description: Plain ASCII, kept in the file's EXIF as its ImageDescription.

    Raises:
        CannotWrite: The format is not one of these, or the folder or the disk does not take it.
    """
    check_writable(path)
    suffix = path.suffix.lower()
    options: dict[str, object] = {"icc_profile": _srgb_profile()}
    if description:
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = description
        exif[ExifTags.Base.Software] = "fastnst"
        options["exif"] = exif
    if suffix in (".jpg", ".jpeg"):
        if image.mode == "RGBA":
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image.getchannel("A"))
            image = flat
        options |= {"format": "JPEG", "quality": quality, "subsampling": 0}
    elif suffix == ".webp":
        options |= {"format": "WEBP", "quality": quality, "method": 4}
    else:
        options |= {"format": "PNG"}
    with written_whole(path) as temporary:
        try:
            image.save(temporary, **options)  # type: ignore[arg-type]
        except ValueError as error:
            raise CannotWrite(
                f"{path} can't be written: {error}.",
                f"It is {image.width}x{image.height} px; WebP holds 16383, JPEG 65500 px a side.",
            ) from error


def check_writable(path: Path) -> None:
    """Raise `CannotWrite` if the name does not end in a format that can be written."""
    if path.suffix.lower() not in WRITABLE:
        raise CannotWrite(
            f"{path} can't be written: the format {path.suffix or '(none)'} is not one of "
            f"{', '.join(sorted(WRITABLE))}.",
            "Give the output a name that ends in one of these.",
        )


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
