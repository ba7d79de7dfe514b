"""Registry of styles: folders of files, whose cards name their styles."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from fastnst.errors import FastnstError, UnknownStyle, did_you_mean
from fastnst.styles.blend import split_blend
from fastnst.styles.card import StyleCard
from fastnst.styles.kept import kept_styles
from fastnst.styles.onnx_metadata import read_card
from fastnst.styles.painting import is_picture
from fastnst.system.package_data import bundled

REALTIME_NET = "swift"
"""Name of the net that is made for real time."""


def style_folders() -> list[Path]:
    """Return the folders that are searched for styles: `$FASTNST_STYLES`, `./checkpoints`, then the bundled ones.

    Raises:
        FastnstError: `$FASTNST_STYLES` names something that is no folder.
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
    """Return the file of every style that can be used, by name and sorted by it; earlier folders win.

    A file of many styles has its card's names, any other file has its own name. Where two nets have a name, the
    better, slower net has it.

    Args:
        fast: Prefer the net for real time instead.
    """
    found: dict[str, tuple[bool, Path]] = {}
    for folder in style_folders():
        for path in sorted(filter(os.path.isfile, folder.glob("*.onnx"))):
            card = read_card(path)
            preferred = (card is not None and card.net["name"] == REALTIME_NET) == fast
            for name in style_names(path, card):
                if name not in found or (preferred and not found[name][0]):
                    found[name] = preferred, path
    predictor = _predictor([], fast=fast)
    if predictor is not None:
        found = dict.fromkeys(kept_styles(), (True, predictor)) | found
    return {name: path for name, (_, path) in sorted(found.items())}


def style_names(path: Path, card: StyleCard | None) -> list[str]:
    """Return the names of a file's styles, in the order of its card."""
    names = [credit.name for credit in card.styles] if card else []
    return names if len(names) > 1 and all(names) else [path.stem]


def canonical_name(name: str, known: Iterable[str]) -> str:
    """Return the one known name that differs from a given name in capitals alone; else the given name."""
    known = list(known)
    alike = [other for other in known if other.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 and name not in known else name


def find_gallery(*, fast: bool = False) -> Path:
    """Find the file of the gallery that ships: of the bundled files of the preferred net, the one of most styles.

    Args:
        fast: Prefer the net for real time.

    Raises:
        UnknownStyle: No file with several styles is bundled.
    """
    sizes: dict[Path, tuple[bool, int]] = {}
    for path in sorted(bundled("checkpoints").glob("*.onnx")):
        card = read_card(path)
        if card is not None and len(card.styles) > 1:
            sizes[path] = (card.net["name"] == REALTIME_NET) == fast, len(card.styles)
    if not sizes:
        raise UnknownStyle(
            "The gallery of styles is missing.", "Give the names of styles, or an .onnx file."
        )
    return max(sizes, key=lambda path: sizes[path])


def find_style(name: str | Path, *, fast: bool = False) -> Path:
    """Find the file of a style.

    Args:
        name: Name of the style, or path of a painting; or a blend, `a:0.6,b:0.4`, of styles of one file; or a file: a `Path`, or text that
            ends in .onnx.
        fast: Prefer the net for real time, where two nets have the style.

    Raises:
        UnknownStyle: There is no such style; the message has the nearest names.
    """
    path = Path(name)
    if isinstance(name, Path) or path.suffix.lower() == ".onnx":
        if not os.path.isfile(path):
            raise UnknownStyle(f"There is no file {path}.", "Give the path of an .onnx file.")
        return path
    styles = list_styles(fast=fast)
    names = [canonical_name(word, styles) for word, _ in split_blend(str(name))]
    kept = kept_styles()
    paintings = [
        each for each in names if each in kept or (each not in styles and is_picture(each))
    ]
    names = [each for each in names if each not in paintings]
    for each in names:
        if each not in styles:
            hint = did_you_mean(each, styles) or "No styles were found: train one first."
            raise UnknownStyle(f"There is no style {each!r}.", hint)
    if paintings:
        found = _predictor(names, fast=fast)
        if found is None:
            with_others = f"{', '.join(names)} and " if names else ""
            raise UnknownStyle(
                f"No file has {with_others}the style of any painting, such as {paintings[0]}.",
                "Learn it: fastnst train PAINTING --data FOLDER",
            )
        return found
    # Any of the preferred files may be the one that has all of them.
    files = dict.fromkeys(styles[each] for each in names)
    for file in files:
        if set(names) <= set(style_names(file, read_card(file))):
            return file
    raise UnknownStyle(
        f"No file has all of {', '.join(names)}.",
        "Blend styles of one file: see `fastnst styles`.",
    )


def is_painting_folder(style: str | os.PathLike[str]) -> bool:
    """Return whether a style is a folder, whose paintings are meant; a folder may have the name of a style."""
    return os.path.isdir(style) and os.fspath(style) not in list_styles()


def _predictor(names: Sequence[str], *, fast: bool) -> Path | None:
    """Return the file that paints in the style of any painting and has these styles too, if there is one."""
    others = None
    for folder in style_folders():
        for path in sorted(filter(os.path.isfile, folder.glob("*.onnx"))):
            card = read_card(path)
            if card is None or not card.predicted or not set(names) <= set(style_names(path, card)):
                continue
            if (card.net["name"] == REALTIME_NET) == fast:
                return path
            others = others or path
    return others
