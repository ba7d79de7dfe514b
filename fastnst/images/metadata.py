"""What a painting keeps of a photo's file besides pixels."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from PIL import ExifTags, Image

STRUCTURE = frozenset(
    {254, 255, *range(256, 260), 262, 266, 273, *range(277, 285), 290, 291, 296, 297, 301, 317, 318, 319,
     *range(320, 326), 330, 332, 336, 337, 338, 339, 340, 341, 342, 347, 512, 513, 514, 529, 530, 531, 532,
     700, 33723, 34377, 34675}
)  # fmt: skip
"""EXIF (TIFF) tags of how pixels are stored, which are not those of the painting, and of other metadata."""
PARTS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""Directories of EXIF beside the main one."""
LONGEST_EXIF = 65_000
"""Bytes that JPEG has room for."""


@dataclass(frozen=True)
class Kept:
    """What a painting keeps of a photo's file besides pixels."""

    exif: bytes = b""
    """With the orientation reset, its sizes and thumbnail left out."""
    dpi: tuple[float, float] | None = None
    """Dots per inch, across and down."""
    durations: tuple[int, ...] = ()
    """Milliseconds of each frame; empty for a still."""
    disposals: tuple[int, ...] = ()
    """What becomes of each frame when the next one comes, as its format counts."""
    loop: int | None = None
    """How often an animation is shown; 0 is for ever, None once."""


def kept_exif(image: Image.Image) -> bytes:
    """The EXIF to keep; none if there is none or it is broken."""
    with suppress(Exception):
        exif, kept = image.getexif(), Image.Exif()
        inner = {part: dict(exif.get_ifd(part)) for part in PARTS}
        kept.update({tag: exif[tag] for tag in set(exif) - STRUCTURE - set(PARTS)})
        if ExifTags.Base.Orientation in kept:
            kept[ExifTags.Base.Orientation] = 1
        for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight):
            inner[ExifTags.IFD.Exif].pop(tag, None)
        for part, values in inner.items():
            if values:
                kept.get_ifd(part).update(values)
                kept[part] = 0
        return kept.tobytes() if kept else b""
    return b""


def written_exif(kept: bytes, description: str) -> Image.Exif:
    """The EXIF of a file that is written: what is kept of the photo's, and who wrote it."""
    exif = Image.Exif()
    if kept and len(kept) < LONGEST_EXIF:
        exif.load(kept)
    exif[ExifTags.Base.Software] = "fastnst"
    if description:
        exif[ExifTags.Base.ImageDescription] = description
    return exif
