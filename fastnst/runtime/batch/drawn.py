"""Files painted in styles that are drawn by chance, with a manifest of what was drawn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastnst.errors import FastnstError
from fastnst.images.formats import WRITABLE_EXTENSIONS
from fastnst.images.pixels import to_rgb_array
from fastnst.runtime.batch.augment import StyleAugment
from fastnst.runtime.batch.files import OpenFile, StylizeResult, paint_image
from fastnst.runtime.batch.manifest import ManifestRow, manifest_row, open_manifest
from fastnst.runtime.batch.outputs import PIPE, is_video
from fastnst.runtime.engine.level_painter import OnShare
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.system.lock import lock_folder


class DrawnStyles:
    """Painter of files, each in a style of its own.

    Args:
        augment: What the styles are drawn by.
        folder: Folder that the images go to.
        photo_options: Size, colours and masks.
        record: Called with the row of each image before it is painted.
    """

    def __init__(
        self,
        augment: StyleAugment,
        folder: Path,
        photo_options: PhotoOptions,
        record: Callable[[ManifestRow], None],
    ) -> None:
        self._augment, self._folder, self._options = augment, folder, photo_options
        self.record = record
        """See above."""

    def paint(
        self,
        photo: OpenFile,
        stop: Callable[[], bool] = lambda: False,
        *,
        on_share: OnShare | None = None,
        dry: bool = False,
    ) -> OpenFile | StylizeResult:
        """Draw a style by the content of the first frame, record it, and, unless `dry`, paint all frames in it."""
        if is_video(photo.source):
            return _left_out(photo, "is a video, and styles are drawn for pictures alone.")
        if not photo.frames:
            return _left_out(photo, "is too large for the memory that is free.")
        drawn = self._augment.draw(to_rgb_array(photo.frames[0]), photo.copy - 1)
        name = Path(os.path.relpath(photo.target, self._folder)).as_posix()
        mix = drawn[1] if drawn else None
        try:
            self.record(manifest_row(name, photo.copy, mix, self._augment.draws.seed))
        except FastnstError as error:
            return StylizeResult(photo.source, None, error=str(error))
        if drawn is None or dry:
            return photo
        return paint_image(photo, drawn[0], self._options, on_share, style=mix)


@contextmanager
def drawn_styles(
    augment: StyleAugment, folder: Path | None, photo_options: PhotoOptions
) -> Iterator[DrawnStyles]:
    """Lock a folder and open its manifest.

    Raises:
        FastnstError: The output is no folder, or another process paints into it.
        CannotWrite: The folder can't be written.
    """
    is_file = folder is not None and folder.suffix.lower() in WRITABLE_EXTENSIONS
    if folder is None or folder == PIPE or (is_file and not folder.is_dir()):
        raise FastnstError(
            f"The output is {folder or 'not given'}, and styles that are drawn need a folder, for their manifest too.",
            "Give a folder with -o.",
        )
    with (
        lock_folder(folder, instead="give another folder with -o"),
        open_manifest(folder) as manifest,
    ):
        yield DrawnStyles(augment, folder, photo_options, manifest.add)


def _left_out(photo: OpenFile, why: str) -> StylizeResult:
    return StylizeResult(photo.source, None, error=f"{photo.source} {why}")
