"""Images in folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fastnst.images.read import READABLE


def find_images(
    folder: Path,
    *,
    also: frozenset[str] = frozenset(),
    besides: Path | None = None,
    on_error: Callable[[OSError], None] | None = None,
) -> list[Path]:
    """Files below a folder, at any depth, whose name ends as that of an image; hidden ones are left out.

    Names alone are looked at: a file may turn out to be damaged, or a pipe.

    Args:
        folder: Where to search; links to folders are not followed.
        also: Further endings, in lower case: ".mp4".
        besides: A folder that is left out, unless it is `folder` itself.
        on_error: Called with the error of each folder that can't be listed; None passes over them.

    Returns:
        Paths that begin with `folder`, sorted.
    """
    left_out = None if besides is None else os.path.realpath(besides)
    if left_out == os.path.realpath(folder):
        left_out = None
    images = []
    for place, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(place, name)) != left_out
        ]
        images += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in READABLE | also
        ]
    return sorted(images)
