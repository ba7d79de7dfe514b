"""Metadata that a stylized image keeps of the photo's file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from PIL import ExifTags, Image

STRUCTURAL_EXIF_TAGS = frozenset(
    {254, 255, *range(256, 260), 262, 266, 273, *range(277, 285), 290, 291, 296, 297, 301, 317, 318, 319,
     *range(320, 326), 330, 332, 336, 337, 338, 339, 340, 341, 342, 347, 512, 513, 514, 529, 530, 531, 532,
     700, 33723, 34377, 34675}
)  # fmt: skip
"""EXIF (TIFF) tags of pixel storage, which the output has its own of, and of metadata in other formats."""
EXIF_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""Directories of EXIF beside the main one."""
MAX_EXIF_BYTES = 65_000
"""Bytes of EXIF that a JPEG has room for."""


@dataclass(frozen=True)
class ImageMetadata:
    """Metadata that a stylized image keeps of the photo's file."""

    exif: bytes = b""
    """EXIF with the orientation reset, without sizes and thumbnail."""
    dpi: tuple[float, float] | None = None
    """Dots per inch, across and down."""
    durations: tuple[int, ...] = ()
    """Milliseconds of each frame; empty for a still."""
    disposals: tuple[int, ...] = ()
    """Number of each frame's disposal method, as its format counts them."""
    loop: int | None = None
    """Number of times that an animation is shown; 0 is for ever, None once."""


def read_exif(image: Image.Image) -> bytes:
    """Return the EXIF to keep of an image; empty if there is none or it is broken."""
    with suppress(Exception):
        exif, kept = image.getexif(), Image.Exif()
        inner = {ifd: dict(exif.get_ifd(ifd)) for ifd in EXIF_IFDS}
        kept.update({tag: exif[tag] for tag in set(exif) - STRUCTURAL_EXIF_TAGS - set(EXIF_IFDS)})
        if ExifTags.Base.Orientation in kept:
            kept[ExifTags.Base.Orientation] = 1
        for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight):
            inner[ExifTags.IFD.Exif].pop(tag, None)
        for ifd, values in inner.items():
            if values:
                kept.get_ifd(ifd).update(values)
                kept[ifd] = 0
        return kept.tobytes() if kept else b""
    return b""


def output_exif(kept: bytes, description: str) -> Image.Exif:
    """Return the EXIF of an output: what is kept of the photo's, and the software."""
    exif = Image.Exif()
    if kept and len(kept) < MAX_EXIF_BYTES:
        exif.load(kept)
    exif[ExifTags.Base.Software] = "fastnst"
    if description:
        exif[ExifTags.Base.ImageDescription] = description
    return exif
