"""Styles of the Hugging Face hub, copied to where they are found by their names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fastnst.images.write import check_absent
from fastnst.styles.hub import fetch_style
from fastnst.styles.kept import check_name
from fastnst.system.atomic import atomic_write


def add_style(text: str, *, name: str = "") -> Path:
    """Copy a style of the hub into the first folder of `$FASTNST_STYLES`, or `./checkpoints`, and return the copy.

    Args:
        text: Name on the hub: `hf:user/name`, `hf:user/name@revision`.
        name: Name of the copy, without `.onnx`, which is also that of its style if it has one alone; empty for the
            file's own.

    Raises:
        FastnstError: The style can't be had, the name can't be used, or a file of its name is there already.
    """
    if name:
        check_name(name)
    path = fetch_style(text)
    named = [part for part in os.environ.get("FASTNST_STYLES", "").split(os.pathsep) if part]
    target = Path((*named, "checkpoints")[0], f"{name or path.stem}.onnx")
    check_absent(target)
    with atomic_write(target) as temporary:
        shutil.copyfile(path, temporary)
    return target
