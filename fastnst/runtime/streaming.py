"""Pictures that are larger than memory, from disk to disk, by libvips."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fastnst.errors import CannotWrite, MissingExtra, UnreadableImage
from fastnst.files import written_whole
from fastnst.images import Pixels
from fastnst.runtime.stylizer import Stylizer

ENDINGS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg"})
"""Formats that are written row by row."""


def stream(
    source: Path,
    target: Path,
    stylizer: Stylizer,
    *,
    quality: int = 95,
) -> tuple[int, int]:
    """Paint a picture without ever holding all of it; transparency, EXIF and resolution are kept.

    What is painted waits in a file of its own beside the target, 3 bytes a pixel, until all of it is there.

    Args:
        source: Whatever libvips reads.
        target: TIFF, PNG or JPEG.
        stylizer: Paints, in tiles.
        quality: Of JPEG, 1..100.

    Returns:
        Width and height in pixels.

    Raises:
        MissingExtra: pyvips is not installed.
        UnreadableImage: The source is damaged.
        CannotWrite: The target's format is another, or the disk is full.
    """
    try:
        import pyvips
    except (ImportError, OSError) as error:
        raise MissingExtra(
            f"{source} is larger than memory holds, and to stream it needs pyvips.",
            "Install it with: pip install 'fastnst[huge]', or make it smaller with --size.",
        ) from error
    if target.suffix.lower() not in ENDINGS:
        raise CannotWrite(
            f"{target} can't be written while it is painted.", "Give a TIFF, PNG or JPEG."
        )
    try:
        # Anew, and not what it remembers of the name; and all of it, or it is an error.
        photo = pyvips.Image.new_from_file(
            str(source.absolute()), access="random", revalidate=True, fail_on="truncated"
        ).autorot()
        if photo.get_typeof("icc-profile-data"):
            photo = photo.icc_transform("srgb", embedded=True)
        photo = photo.colourspace("srgb")
        if photo.format != "uchar":
            photo = photo.cast("uchar", shift=photo.format == "ushort")
        alpha = photo.extract_band(3) if photo.hasalpha() else None
        color = photo.extract_band(0, n=3)
        width, height = photo.width, photo.height

        def region(top: int, left: int, bottom: int, right: int) -> Pixels:
            part: Pixels = np.asarray(color.crop(left, top, right - left, bottom - top).numpy())
            return part

        with (
            written_whole(target) as temporary,
            tempfile.NamedTemporaryFile(dir=target.parent) as raw,
        ):
            for _, band in stylizer.bands(region, height, width):
                raw.write(band.tobytes())
            raw.flush()
            painted = pyvips.Image.rawload(raw.name, width, height, 3, access="sequential")
            painted = painted.copy(interpretation="srgb", xres=photo.xres, yres=photo.yres)
            if alpha is not None:
                painted = painted.bandjoin(alpha)
            painted = painted.copy()
            for name in photo.get_fields():
                if name.startswith("exif-"):
                    painted.set_type(photo.get_typeof(name), name, photo.get(name))
            painted.set_type(pyvips.GValue.gint_type, "orientation", 1)
            painted.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Orientation", "1")
            painted.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Software", "fastnst")
            painted.write_to_file(str(temporary), **_options(target, quality))
    except pyvips.Error as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise UnreadableImage(f"{source} can't be painted: {lines[-1].strip()}.") from error
    return width, height


def _options(target: Path, quality: int) -> dict[str, Any]:
    if target.suffix.lower() in (".jpg", ".jpeg"):
        return {"Q": quality, "subsample_mode": "off", "background": [255, 255, 255]}
    if target.suffix.lower() == ".png":
        return {"compression": 6}
    return {"compression": "lzw", "bigtiff": True, "tile": False}
