"""The one registry: a style is a file, its name is the file's stem, its facts are in its card."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fastnst.errors import FastnstError, UnknownStyle, did_you_mean
from fastnst.styles.card import StyleCard
from fastnst.styles.onnx_metadata import read_card
from fastnst.system.package_data import bundled

FAST = "swift"
"""The net that is made to be fast."""


def style_folders() -> list[Path]:
    """Where styles are looked for: `$FASTNST_STYLES`, `./checkpoints`, then those that ship with fastnst.

    Raises:
        FastnstError: `$FASTNST_STYLES` has something that is no folder.
    """
    named = os.environ.get("FASTNST_STYLES", "")
    candidates = [Path(part) for part in named.split(os.pathsep) if part]
    for folder in candidates:
        if not os.path.isdir(folder):
            raise FastnstError(
                f"$FASTNST_STYLES names {folder}, which is no folder.",
                f"Give folders of .onnx files, with {os.pathsep!r} between them.",
            )
    candidates += [Path("checkpoints"), bundled("checkpoints")]
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
            for name in style_names(path, card):
                if name not in found or (suits and not found[name][0]):
                    found[name] = suits, path
    return {name: path for name, (_, path) in sorted(found.items())}


def style_names(path: Path, card: StyleCard | None) -> list[str]:
    """What the styles in a file are called, in the order of its card."""
    names = [credit.name for credit in card.styles] if card else []
    return names if len(names) > 1 and all(names) else [path.stem]


def spelled(name: str, known: Iterable[str]) -> str:
    """A style's name as it is known, where what was given differs in capitals alone; else what was given."""
    known = list(known)
    alike = [other for other in known if other.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 and name not in known else name


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
    styles = list_styles(fast=fast)
    wanted = [spelled(word.partition(":")[0].strip(), styles) for word in name.split(",")]
    for each in wanted:
        if each not in styles:
            hint = did_you_mean(each, styles) or "No styles were found: train one first."
            raise UnknownStyle(f"There is no style {each!r}.", hint)
    # The preferred file of the first that has them all; else that of another of them.
    files = dict.fromkeys(styles[each] for each in wanted)
    for file in files:
        if set(wanted) <= set(style_names(file, read_card(file))):
            return file
    raise UnknownStyle(
        f"No file has all of {', '.join(wanted)}.",
        "Blend styles of one file: see `fastnst styles`.",
    )
