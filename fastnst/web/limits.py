"""Limits of what visitors of the page may give it."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.images.formats import IMAGE_EXTENSIONS
from fastnst.images.read import open_image
from fastnst.runtime.video.options import VIDEO_EXTENSIONS

MEGABYTE = 1_000_000
MOST_NAME_CHARACTERS = 80
"""Characters of a file's name that are kept, without its ending."""


@dataclass(frozen=True)
class Limits:
    """Limits of what visitors of the page may give it.

    Raises:
        FastnstError: A limit is not above 0.
    """

    megabytes: float = 200
    """Megabytes of an upload, and of all that a zip holds."""
    megapixels: float = 50
    """Megapixels of a photo with all its frames or pages, and of a frame of a video."""
    seconds: float = 600
    """Seconds of a video."""
    files: int = 500
    """Files of a folder."""
    waiting: int = 20
    """Visitors who wait for a picture at a time."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise FastnstError(f"The limit of {name} is {value:g}.", "Give more than 0.")

    @property
    def bytes(self) -> int:
        """Bytes of an upload."""
        return round(self.megabytes * MEGABYTE)

    @property
    def pixels(self) -> int:
        """Pixels of a photo."""
        return round(self.megapixels * 1e6)

    def check_photo(self, path: Path) -> None:
        """Check that a file is a photo within the limits, by its header.

        Raises:
            FastnstError: It is not; the message says why.
        """
        if path.suffix.lower() in VIDEO_EXTENSIONS:
            raise UnreadableImage(f"{path.name} is a video.", "Videos have a tab of their own.")
        with open_image(path, max_pixels=self.pixels) as image:
            width, height = image.size
            if image.count * width * height > self.pixels:
                raise UnreadableImage(
                    f"{path.name} has {image.count} pictures of {width}x{height} px in it, together more than"
                    f" {self.megapixels:g} megapixels.",
                    "Give one of fewer or smaller pictures.",
                )

    def check_video(self, path: Path) -> None:
        """Check that a file is a video within the limits, by its header.

        Raises:
            FastnstError: It is not; the message says why.
        """
        from fastnst.runtime.video.decode import open_video  # Photos don't need FFmpeg.

        if path.suffix.lower() not in VIDEO_EXTENSIONS:
            raise UnreadableImage(
                f"{path.name} is no video by its name.",
                f"Give a file that ends in {', '.join(sorted(VIDEO_EXTENSIONS))}.",
            )
        with open_video(path) as video:
            seconds, context = video.seconds_between(0, None), video.stream.codec_context
            if seconds > self.seconds:
                raise FastnstError(
                    f"{path.name} is {seconds:.0f} seconds long, more than {self.seconds:g}.",
                    "Give a shorter one, or paint it by the command line: fastnst stylize",
                )
            if context.width * context.height > self.pixels:
                raise FastnstError(
                    f"{path.name} has frames of {context.width}x{context.height} px, more than"
                    f" {self.megapixels:g} megapixels.",
                    "Give a smaller one.",
                )

    def check_count(self, count: int) -> None:
        """Check the number of files of a folder.

        Raises:
            FastnstError: There are too many.
        """
        if count > self.files:
            raise FastnstError(f"There are {count} files, more than {self.files}.", "Give fewer.")

    def unpack(self, archive: Path, folder: Path) -> None:
        """Unpack the photos and videos of a zip file into a folder, in the shape that the zip has.

        Other files, hidden ones and links are left out, and names are made plain, so that none leaves the folder.

        Raises:
            FastnstError: It is no zip file, is damaged, or holds too much.
        """
        try:
            with zipfile.ZipFile(archive) as opened:
                members = [info for info in opened.infolist() if _is_picture(info)]
                self.check_count(len(members))
                left = self.bytes
                for info in members:
                    target = folder.joinpath(*map(plain_name, PurePosixPath(info.filename).parts))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    # The size that the header says need not be so.
                    with opened.open(info) as source, target.open("wb") as output:
                        while block := source.read(MEGABYTE):
                            left -= len(block)
                            if left < 0:
                                raise FastnstError(
                                    f"{archive.name} holds more than {self.megabytes:g} MB.",
                                    "Give the pictures in parts.",
                                )
                            output.write(block)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            EOFError,
            ValueError,
        ) as error:
            raise FastnstError(
                f"{archive.name} can't be unpacked: {error}.", "Give a zip file without a password."
            ) from error
        except zipfile.zlib.error as error:  # type: ignore[attr-defined]
            raise FastnstError(f"{archive.name} is damaged: {error}.") from error


def _is_picture(info: zipfile.ZipInfo) -> bool:
    """Return whether a member of a zip file is a photo or a video, by its name."""
    parts = PurePosixPath(info.filename).parts
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
    is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
    suffix = PurePosixPath(info.filename).suffix.lower()
    return (
        not (info.is_dir() or hidden or is_link) and suffix in IMAGE_EXTENSIONS | VIDEO_EXTENSIONS
    )


def plain_name(name: str) -> str:
    """Return a file's name of letters, digits, spaces and `.`, `-`, `_` alone, without a dot or space in front."""
    path = Path(re.sub(r"[^\w .-]", "_", Path(name).name))
    return f"{path.stem.lstrip('. -')[:MOST_NAME_CHARACTERS] or 'file'}{path.suffix}"
