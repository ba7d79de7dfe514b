"""Styles of the Hugging Face hub, copied to where they are found by their names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fastnst.images.write import check_absent
from fastnst.styles.hub import fetch_style
from fastnst.system.atomic import atomic_write


def add_style(text: str) -> Path:
    """Copy a style of the hub into the first folder of `$FASTNST_STYLES`, or `./checkpoints`, and return the copy.

    Args:
        text: Name on the hub: `hf:user/name`, `hf:user/name@revision`.

    Raises:
        FastnstError: The style can't be had, or a file of its name is there already.
    """
    path = fetch_style(text)
    named = [part for part in os.environ.get("FASTNST_STYLES", "").split(os.pathsep) if part]
    target = Path((*named, "checkpoints")[0], path.name)
    check_absent(target)
    with atomic_write(target) as temporary:
        shutil.copyfile(path, temporary)
    return target
