"""Styles to draw from: names, files, paintings and folders of paintings, as names and the files that have them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.runtime.engine.painting_statistics import (
    DescribedPaintings,
    describe_paintings,
    painting_statistics,
    take_described,
)
from fastnst.runtime.engine.spec import StylizerSpec, style_and_model
from fastnst.styles.card import StyleCard
from fastnst.styles.draw import RANDOM
from fastnst.styles.mix import StyleMix, parse_blend
from fastnst.styles.onnx_metadata import read_card
from fastnst.styles.painting import is_picture
from fastnst.styles.registry import find_gallery, is_painting_folder, style_names

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

AnyStyle: TypeAlias = str | os.PathLike[str]
"""Name of a style, a blend, the path of a painting or of a folder of paintings, or the path of an .onnx file."""


@dataclass(frozen=True)
class StyleChoices:
    """Styles that are drawn from.

    It can be pickled: the process that opens it takes over the statistics of its paintings, and computes none.
    """

    names: tuple[str | None, ...]
    """Names or blends; paintings by their absolute path; None for the first style of a file."""
    files: tuple[Path, ...]
    """File of each."""
    blended: bool
    """True if several are drawn for an image and mixed."""
    described: DescribedPaintings = field(default_factory=dict, repr=False)
    """Statistics of the paintings."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        take_described(self.described)

    @property
    def one_size(self) -> bool:
        """Return whether some file has one size of strokes."""
        return any(
            card is None or card.levels == len(card.strokes) == 1 for card in self._cards.values()
        )

    @cached_property
    def _cards(self) -> dict[Path, StyleCard | None]:
        return {file: read_card(file) for file in self.files}

    def check(self, strength: float) -> None:
        """Check that each file has its styles, and a strength.

        Raises:
            UnknownStyle: A file has no such style.
            FastnstError: A file has one strength, or no predictor for a painting.
        """
        for name, file in zip(self.names, self.files, strict=True):
            StyleMix(name, strength).for_net(file, self._cards[file], painting_statistics)


def find_choices(
    styles: AnyStyle | Sequence[AnyStyle],
    model: str | os.PathLike[str] | None = None,
    *,
    fast: bool = True,
    report: Progress | None = None,
) -> StyleChoices:
    """Find the files of styles, and describe the paintings among them.

    Args:
        styles: See `StyleAugment`.
        model: An .onnx file whose styles are meant; None finds each by its name.
        fast: Take the faster net where a name has two.
        report: Called after each painting that is described, see `describe_paintings`.

    Raises:
        UnknownStyle: There is no such style or file, or a folder has no painting.
        UnreadableImage: A painting can't be read.
        FastnstError: A painting can't be blended, or has no style to learn.
    """
    if styles == RANDOM:
        path = style_and_model(None, model)[1]
        file = find_gallery(fast=fast) if path is None else _find(None, path, fast)
        names = style_names(file, read_card(file))
        return StyleChoices(tuple(names), (file,) * len(names), True)
    found = list[tuple[str | None, Path]]()
    alone = isinstance(styles, str | os.PathLike)
    blended = False
    for style in [styles] if isinstance(styles, str | os.PathLike) else styles:
        if is_painting_folder(style):
            blended = alone
            paintings = _paintings(Path(style), blended=blended)
            file = _find(*style_and_model(paintings[0], model), fast)
            found += [(painting, file) for painting in paintings]
        else:
            name, path = style_and_model(style, model)
            text = None if name is None else str(StyleMix(str(name)).absolute().style)
            found.append((text, _find(name, path, fast)))
    described = describe_paintings(dict.fromkeys(_pictures(found)), report)
    names_found, files = zip(*found, strict=True) if found else ((), ())
    return StyleChoices(names_found, files, blended, described)


def _paintings(folder: Path, *, blended: bool) -> list[str]:
    """Return the absolute paths of a folder's paintings, sorted.

    Raises:
        FastnstError: There is none, or a blend can't be written with one.
    """
    paintings = [os.path.abspath(path) for path in find_images(folder)]
    if not paintings:
        raise FastnstError(
            f"There is no picture in the folder {folder}.",
            "Give a folder of paintings, names of styles, or random.",
        )
    with_comma = [path for path in paintings if "," in path]
    if blended and with_comma:
        raise FastnstError(
            f"The path {with_comma[0]} has a comma, so its style can't be blended.",
            "Rename it, or give the paintings one by one.",
        )
    return paintings


def _pictures(found: Sequence[tuple[str | None, Path]]) -> Iterator[str]:
    """Yield the paintings among styles, of blends too; a file may have a style of that name itself."""
    for name, file in found:
        if name is not None:
            own = style_names(file, read_card(file)) if is_picture(name) or "," in name else []
            yield from (each for each in parse_blend(name) if is_picture(each) and each not in own)


def _find(name: Any, model: Path | None, fast: bool) -> Path:
    return StylizerSpec(StyleMix(name), model, fast=fast).find().absolute()
