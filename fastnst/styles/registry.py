"""The one registry: a style is a file, its name is the file's stem, its facts are in its card."""

from __future__ import annotations

import os
from pathlib import Path

from fastnst.errors import UnknownStyle, did_you_mean
from fastnst.styles.card import StyleCard
from fastnst.styles.onnx_metadata import read_card
from fastnst.system.package_data import shipped

FAST = "swift"
"""The net that is made to be fast."""


def style_folders() -> list[Path]:
    """Where styles are looked for: `$FASTNST_STYLES`, `./checkpoints`, then those that ship with fastnst."""
    named = os.environ.get("FASTNST_STYLES", "")
    candidates = [Path(part) for part in named.split(os.pathsep) if part]
    candidates += [Path("checkpoints"), shipped("checkpoints")]
    return list(
        {folder.resolve(): folder for folder in candidates if os.path.isdir(folder)}.values()
    )


def list_styles(*, fast: bool = False) -> dict[str, Path]:
    """Name to file of every style that can be used, sorted by name; earlier folders win.

    A file of many styles gives each of its own names, any other file that of the file. A name that
    nets of both kinds have is the slower and better one's.

    Args:
        fast: The faster one's instead.
    """
    found: dict[str, tuple[bool, Path]] = {}
    for folder in style_folders():
        for path in sorted(filter(os.path.isfile, folder.glob("*.onnx"))):
            card = read_card(path)
            suits = (card is not None and card.net["name"] == FAST) == fast
            for name in names_in(path, card):
                if name not in found or (suits and not found[name][0]):
                    found[name] = suits, path
    return {name: path for name, (_, path) in sorted(found.items())}


def names_in(path: Path, card: StyleCard | None) -> list[str]:
    """What the styles in a file are called, in the order of its card."""
    names = [credit.name for credit in card.styles] if card else []
    return names if len(names) > 1 and all(names) else [path.stem]


def find_style(name: str | Path, *, fast: bool = False) -> Path:
    """The file of a style, by name or by path: whatever is a `Path` or ends in .onnx.

    Args:
        name: The style's name or file; or a blend, `a:0.6,b:0.4`, of styles that one file has.
        fast: Prefer the faster net, where both have it.

    Raises:
        UnknownStyle: There is no such style; the message has the nearest names.
    """
    path = Path(name)
    if isinstance(name, Path) or path.suffix.lower() == ".onnx":
        if not os.path.isfile(path):
            raise UnknownStyle(f"There is no file {path}.", "Give the path of an .onnx file.")
        return path
    wanted = [word.partition(":")[0].strip() for word in name.split(",")]
    styles = list_styles(fast=fast)
    for each in wanted:
        if each not in styles:
            hint = did_you_mean(each, styles) or "No styles were found: train one first."
            raise UnknownStyle(f"There is no style {each!r}.", hint)
    # The preferred file of the first that has them all; else that of another of them.
    files = dict.fromkeys(styles[each] for each in wanted)
    for file in files:
        if set(wanted) <= set(names_in(file, read_card(file))):
            return file
    raise UnknownStyle(
        f"No file has all of {', '.join(wanted)}.",
        "Blend styles of one file: see `fastnst styles`.",
    )
