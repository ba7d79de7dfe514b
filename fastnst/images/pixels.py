"""Pixels of images in memory: upright, sRGB, 8 bit."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps

from fastnst.errors import FastnstError

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""uint8, RGB, (H, W, 3)."""
MAX_PIXELS = 180_000_000
"""Pixels of the largest image that is read or made by default: a small file can hold one that fills the memory."""
BAND_PIXELS = 4_000_000
"""Pixels that are copied at once."""


def to_rgb_array(image: Image.Image) -> Pixels:
    """Return the pixels of an image without its transparency, (H, W, 3)."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    # Some rows at a time: Pillow makes two more copies of what it gives to numpy.
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = image if rows >= height else image.crop((0, top, width, bottom))
        pixels[top:bottom] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return pixels


def upright_srgb(image: Image.Image) -> Image.Image:
    """Return an image with its EXIF orientation applied, in sRGB, as RGB or (with transparency) RGBA.

    An image that is all this already is returned itself, not a copy.
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
    # Large images are not copied for nothing.
    if image.mode != "RGB" or alpha is not None:
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


def resize_long_edge(image: Image.Image, size: int) -> Image.Image:
    """Scale an image so that its longer side is `size` pixels (Lanczos).

    Raises:
        FastnstError: The size is below 1, or the result would have more than `MAX_PIXELS`.
    """
    if size < 1:
        raise FastnstError(f"The size is {size}.", "It is the longer side in pixels: 1 or more.")
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if width * height > MAX_PIXELS:
        raise FastnstError(
            f"At a size of {size} the picture would be {width}x{height} px,"
            f" more than the {MAX_PIXELS / 1e6:.0f} megapixels that are allowed.",
            "Give a smaller size.",
        )
    return image.resize((width, height), Image.Resampling.LANCZOS)
