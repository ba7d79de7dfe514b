"""Image files in folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fastnst.images.formats import IMAGE_EXTENSIONS


def find_images(
    folder: Path,
    *,
    also: frozenset[str] = frozenset(),
    exclude: Path | None = None,
    on_error: Callable[[OSError], None] | None = None,
) -> list[Path]:
    """Find the image files below a folder, at any depth, by their extensions; hidden ones are left out.

    Only names are read: a file may turn out to be damaged, or a pipe.

    Args:
        folder: Folder to search; links to folders are not followed.
        also: Further extensions, in lower case: ".mp4".
        exclude: Folder that is left out, unless it is `folder` itself.
        on_error: Called with the error of each folder that can't be listed; None passes over them.

    Returns:
        Paths that begin with `folder`, sorted.
    """
    excluded = None if exclude is None else os.path.realpath(exclude)
    if excluded == os.path.realpath(folder):
        excluded = None
    extensions = IMAGE_EXTENSIONS | also
    images = []
    for place, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(place, name)) != excluded
        ]
        images += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in extensions
        ]
    return sorted(images)
