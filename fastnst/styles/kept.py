"""Kept styles: those predicted from paintings that a user gave a name, as small files in the user's own folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.system.atomic import atomic_write

ENDING = ".style.json"
FORMAT = 1
"""Version of the files, raised when earlier versions of fastnst can't read them."""


def kept_folder() -> Path:
    """Return the folder of the kept styles: fastnst/styles in $XDG_DATA_HOME, ~/.local/share by default."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "fastnst" / "styles"


def kept_styles() -> dict[str, Path]:
    """Return the files of the kept styles, by name."""
    folder = kept_folder()
    if not folder.is_dir():
        return {}
    return {path.name.removesuffix(ENDING): path for path in sorted(folder.glob(f"*{ENDING}"))}


def keep_style(name: str, painting: Path, statistics: npt.NDArray[np.float32]) -> Path:
    """Keep a style under a name, in the place of one that was kept under it before.

    Args:
        name: Name to ask for it by.
        painting: File of the painting; its name is kept.
        statistics: The painting's statistics (1920,).

    Returns:
        The file.

    Raises:
        FastnstError: The name can't be used.
        CannotWrite: The folder or the disk does not take it.
    """
    check_name(name)
    path = kept_folder() / f"{name}{ENDING}"
    values = [float(f"{value:.7g}") for value in statistics]
    text = json.dumps({"format": FORMAT, "painting": painting.name, "statistics": values})
    with atomic_write(path) as temporary:
        temporary.write_text(text)
    return path


def check_name(name: str) -> None:
    """Check that a style can be asked for by a name.

    Raises:
        FastnstError: It can't.
    """
    if not name or set(name) & set(",:/\\ ") or name.startswith((".", "-")):
        raise FastnstError(
            f"The name {name!r} can't be asked for.",
            "Give one without commas, colons, slashes and blanks, and no dot or hyphen in front.",
        )


def kept_painting(path: Path) -> str:
    """Return the file name of the painting that a kept style was predicted from; empty if the file is damaged."""
    try:
        return str(json.loads(path.read_text())["painting"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def read_kept_style(path: Path) -> npt.NDArray[np.float32]:
    """Read the statistics (1920,) of a kept style.

    Raises:
        BadStyleFile: The file is damaged, or of a later version.
    """
    try:
        values = json.loads(path.read_text())
        if values["format"] > FORMAT:
            raise ValueError("it is of a later version of fastnst")
        statistics = np.array(values["statistics"], np.float32)
        if statistics.shape != (1920,) or not np.isfinite(statistics).all() or statistics.min() < 0:
            raise ValueError("its statistics are none")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadStyleFile(
            f"The kept style {path} can't be read: {error}.",
            "Delete it, and keep it again: fastnst styles --add PAINTING --name NAME",
        ) from error
    return statistics
