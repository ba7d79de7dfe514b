"""Formats of image files, by the extension of the name."""

from __future__ import annotations

from pathlib import Path

from fastnst.errors import CannotWrite
from fastnst.system.installation import missing_extra

HEIF_EXTENSIONS = frozenset({".heic", ".heif"})
"""Extensions of the formats that need the extra `heif`."""
IMAGE_EXTENSIONS = HEIF_EXTENSIONS | {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".png", ".apng", ".webp", ".avif", ".bmp", ".dib", ".tif",
    ".tiff", ".gif", ".tga", ".ppm", ".pgm", ".pbm", ".pnm", ".pcx", ".ico",
}  # fmt: skip
"""Extensions that a folder is searched for, in lower case."""
FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP", ".avif": "AVIF",
    ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".gif": "GIF", ".heic": "HEIF", ".heif": "HEIF",
}  # fmt: skip
"""Pillow's name of each format that can be written, by extension."""
WRITABLE_EXTENSIONS = frozenset(FORMATS)
"""Extensions of the formats that can be written, in lower case."""
ANIMATED_FORMATS = frozenset({"GIF", "PNG", "WEBP"})
"""Formats whose frames follow one another in time."""
PAGED_FORMAT = "TIFF"
"""Format whose frames are pages."""
OPAQUE_FORMATS = frozenset({"JPEG", "BMP"})
"""Formats without transparency."""


def register_heif(path: Path) -> None:
    """Make Pillow read and write HEIC; `path` is only named in the error.

    Raises:
        MissingExtra: pillow-heif is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise missing_extra(f"{path} is HEIC, which needs pillow-heif.", "heif") from error
    pillow_heif.register_heif_opener()


def check_writable(path: Path) -> None:
    """Check that the extension of a name is one of a format that can be written.

    Raises:
        CannotWrite: It is not.
    """
    if path.suffix.lower() not in WRITABLE_EXTENSIONS:
        raise CannotWrite(
            f"{path} can't be written: the format {path.suffix or '(none)'} is not one of "
            f"{', '.join(sorted(WRITABLE_EXTENSIONS))}.",
            "Give the output a name that ends in one of these.",
        )


def takes_animation(path: Path) -> bool:
    """Return whether the format of a name holds animations."""
    return FORMATS.get(path.suffix.lower()) in ANIMATED_FORMATS


def takes_pages(path: Path) -> bool:
    """Return whether the format of a name holds pages."""
    return FORMATS.get(path.suffix.lower()) == PAGED_FORMAT
