"""Images larger than memory, painted from disk to disk by libvips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fastnst.errors import CannotWrite, UnreadableImage
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.level_painter import OnShare
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.system.atomic import atomic_write, temporary_file
from fastnst.system.installation import missing_extra

STREAMED_EXTENSIONS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg"})
"""Extensions of the formats that are written row by row."""


def stream(
    source: Path,
    target: Path,
    stylizer: Stylizer,
    *,
    quality: int = 95,
    on_share: OnShare | None = None,
) -> tuple[int, int]:
    """Paint an image without ever holding all of it in memory; transparency, EXIF and resolution are kept.

    Until the end, the unpacked photo and the stylized pixels lie in temporary files beside the target, 6 bytes a pixel
    together.

    Args:
        source: Image that libvips reads.
        target: TIFF, PNG or JPEG to write.
        stylizer: Stylizer that paints it, in tiles.
        quality: Quality of JPEG, 1..100.
        on_share: Called with the share of the work that is done, 0..1, after each tile.

    Returns:
        Width and height in pixels.

    Raises:
        MissingExtra: pyvips or tifffile is not installed.
        UnreadableImage: The source is damaged.
        CannotWrite: The target has another format, or the disk is full.
    """
    try:
        import pyvips
        import tifffile
    except (ImportError, OSError) as error:
        raise missing_extra(
            f"{source} is larger than memory holds, and streaming it needs pyvips and tifffile.",
            "huge",
            "Or make it smaller with --size.",
        ) from error
    if target.suffix.lower() not in STREAMED_EXTENSIONS:
        raise CannotWrite(
            f"{target} can't be written while it is painted.", "Give a TIFF, PNG or JPEG."
        )
    try:
        photo = _open_srgb(pyvips, source)
        width, height, bands = photo.width, photo.height, 4 if photo.hasalpha() else 3
        with (
            atomic_write(target) as temporary,
            temporary_file(target.parent) as unpacked_path,
            temporary_file(target.parent) as raw_path,
            unpacked_path.open("rb", buffering=0) as unpacked,
            raw_path.open("r+b") as raw,
        ):
            # Its regions are read again and again, and libvips' own copy would be mapped into memory whole.
            photo.extract_band(0, n=bands).rawsave(str(unpacked_path))

            def region(top: int, left: int, bottom: int, right: int) -> Pixels:
                part = np.empty((bottom - top, right - left, bands), np.uint8)
                for number, row in enumerate(part, top):
                    unpacked.seek((number * width + left) * bands)
                    unpacked.readinto(row.data)
                return part[..., :3]

            def rows() -> Iterator[Pixels]:
                for first, band in stylizer.bands(region, height, width, on_share=on_share):
                    if bands == 4:
                        unpacked.seek(first * width * 4)
                        alpha = np.frombuffer(unpacked.read(len(band) * width * 4), np.uint8)[3::4]
                        band = np.dstack([band, alpha.reshape(band.shape[:2])])
                    yield from band

            # Unlike a file of bare pixels, libvips reads a TIFF without mapping it into memory.
            with tifffile.TiffWriter(raw, bigtiff=True) as tiff:
                tiff.write(
                    rows(), shape=(height, width, bands), dtype=np.uint8, photometric="rgb",
                    extrasamples=["unassalpha"][: bands - 3], rowsperstrip=1, metadata=None,
                )  # fmt: skip
            raw.flush()
            painted = pyvips.Image.new_from_file(str(raw_path), access="sequential")
            painted = painted.copy(interpretation="srgb", xres=photo.xres, yres=photo.yres)
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


def _open_srgb(pyvips: Any, source: Path) -> Any:
    """Open a photo upright, in 8 bits of sRGB."""

    def file(access: str) -> Any:
        # libvips remembers files by name, and fills up what is cut off; here both would go unseen.
        return pyvips.Image.new_from_file(
            str(source.absolute()), access=access, revalidate=True, fail_on="truncated"
        )

    photo = file("sequential")
    if photo.get_typeof("orientation") and photo.get("orientation") > 1:
        photo = file("random").autorot()
    if photo.get_typeof("icc-profile-data"):
        photo = photo.icc_transform("srgb", embedded=True)
    photo = photo.colourspace("srgb")
    if photo.format != "uchar":
        photo = photo.cast("uchar", shift=photo.format == "ushort")
    return photo


def _options(target: Path, quality: int) -> dict[str, Any]:
    if target.suffix.lower() in (".jpg", ".jpeg"):
        return {"Q": quality, "subsample_mode": "off", "background": [255, 255, 255]}
    if target.suffix.lower() == ".png":
        return {"compression": 6}
    return {"compression": "lzw", "bigtiff": True, "tile": False}
