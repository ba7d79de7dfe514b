"""Mixes: style, strength and stroke as one value, and the rows of a net that they stand for."""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import FastnstError, UnknownStyle, did_you_mean
from fastnst.styles.blend import split_blend
from fastnst.styles.card import StyleCard
from fastnst.styles.kept import kept_styles
from fastnst.styles.painting import is_picture
from fastnst.styles.registry import canonical_name, style_names

Blend: TypeAlias = str | Mapping[str, float]
"""Name of a style, a blend `a:0.6,b:0.4`, or a mapping of names to shares. The path of a painting is a name too."""
Stroke: TypeAlias = Literal["fine", "medium", "bold"] | float
"""Size of the strokes: fine (0), medium (0.5), bold (1), or a number between."""
STROKES: dict[str, float] = {"fine": 0.0, "medium": 0.5, "bold": 1.0}
"""Numbers of the strokes that have a name."""
STROKE_RANGE = 1.6
"""Ratio of bold strokes to medium ones, and of medium ones to fine ones, in a net of several levels."""
RowWeights: TypeAlias = npt.NDArray[np.float32]
"""Share of each row of scales and shifts, on the last axis; after them, for a net with a predictor, the statistics
of the painting whose style is predicted."""
Floats: TypeAlias = npt.NDArray[np.float32]
STATISTICS = 1920
"""Numbers that a painting is described by, see `painting_statistics`."""


@dataclass(frozen=True, eq=False)
class NetStyle:
    """Style as a net takes it."""

    rows: RowWeights
    """Shares of the net's rows (levels, rows), float32; those of a level sum to 1."""
    statistics: Floats
    """Statistics of the painting whose style is predicted (1920,); none (0,) for a net without a predictor."""
    base: float | None
    """Side, in pixels, of a square as large as the image at the coarsest level; None where the net paints at one
    size. The fewer pixels the first level has, the larger are its strokes in the image."""

    def at(self, level: int) -> RowWeights:
        """Return the shares of the rows at a level, and the statistics (rows + 1920,).

        Levels past the net's last one have the shares of the last.
        """
        return np.concatenate([self.rows[min(level, len(self.rows) - 1)], self.statistics])


@dataclass(frozen=True)
class StyleMix:
    """Style or blend of styles, with its strength and its strokes; it can be compared, hashed and pickled.

    Example:
        >>> StyleMix("the-kiss:0.6,great-wave:0.4", strength=0.8, stroke="bold")

    Raises:
        FastnstError: A share is no number, negative, or all are 0; the strength or the stroke is out of range.
    """

    style: Blend | None = None
    """Name of a style, or a blend of several; None for the first style of a file. A mapping is kept as text. The path
    of any painting is the name of its style, for files with a predictor."""
    strength: float = 1.0
    """Strength of the style, from 0, the photo, to 1."""
    _: KW_ONLY
    stroke: Stroke | None = None
    """Size of the strokes: `fine`, `medium`, `bold`, or a number from 0 to 1; None for the card's
    `default_stroke`."""

    def __post_init__(self) -> None:
        if self.style is not None:
            parse_blend(self.style)
        if isinstance(self.style, Mapping):
            text = ",".join(f"{name}:{float(share)!r}" for name, share in self.style.items())
            if len(self.style) == 1:  # The path of a painting may have commas.
                (text,) = self.style
            object.__setattr__(self, "style", text)
        if not 0 <= self.strength <= 1:
            raise FastnstError(f"The strength is {self.strength:g}.", "It is 0, the photo, to 1.")
        self.stroke_size(0.0)

    def changed(
        self,
        style: Blend | StyleMix | None = None,
        strength: float | None = None,
        *,
        stroke: Stroke | None = None,
    ) -> StyleMix:
        """Return the mix with the given values replaced; a `StyleMix` as `style` replaces all three."""
        mix = style if isinstance(style, StyleMix) else self
        if not isinstance(style, StyleMix) and style is not None:
            mix = replace(mix, style=style)
        if strength is not None:
            mix = replace(mix, strength=strength)
        return mix if stroke is None else replace(mix, stroke=stroke)

    def shares(self, names: Iterable[str]) -> dict[str, float]:
        """Return the styles of the mix and their shares, which sum to 1.

        Args:
            names: Names of the file's styles, in its order.
        """
        names = list(names)
        return {names[0]: 1.0} if self.style is None else parse_blend(self.style, names)

    def stroke_size(self, default: float) -> float:
        """Return the stroke as a number from 0 to 1: `default` where none was chosen.

        Raises:
            FastnstError: The stroke is out of range.
        """
        stroke = default if self.stroke is None else self.stroke
        size = STROKES.get(stroke, math.nan) if isinstance(stroke, str) else float(stroke)
        if not 0 <= size <= 1:
            raise FastnstError(
                f"The stroke is {stroke}.", "It is fine, medium, bold, or a number from 0 to 1."
            )
        return size

    def absolute(self) -> StyleMix:
        """Return the mix for a process that may run in another folder."""
        if self.style is None:
            return self
        shares = parse_blend(self.style)
        if not any(map(is_picture, shares)):
            return self
        return replace(
            self,
            style={
                os.path.abspath(name) if is_picture(name) else name: share
                for name, share in shares.items()
            },
        )

    def for_net(
        self, path: Path, card: StyleCard | None, describe: Callable[[str], Floats]
    ) -> NetStyle:
        """Return the mix as a net takes it.

        Args:
            path: File of the net, for its name.
            card: Card of the file; None for a net of one style, strength and stroke.
            describe: Computes the statistics (1920,) of a painting, by its path or the name that it was kept under.

        Raises:
            UnknownStyle: The file has no such style.
            UnreadableImage: A painting can't be read.
            FastnstError: The net has one strength, one stroke or no predictor, and another was chosen.
        """
        names = style_names(path, card)
        shares = self.shares(names)
        paintings = {}
        for name, share in shares.items():
            if name in names:
                continue
            if not is_picture(name) and name not in kept_styles():
                raise UnknownStyle(f"{path.name} has no style {name!r}.", did_you_mean(name, names))
            if card is None or not card.predicted:
                raise FastnstError(
                    f"{path.name} can't paint in the style of any painting.",
                    "Leave --model out, or train a style: fastnst train PAINTING --data FOLDER",
                )
            if share:
                paintings[name] = share
        levels, strokes = (card.levels, len(card.strokes)) if card else (1, 1)
        identity = card is not None and card.identity
        if self.strength < 1 and not identity:
            raise FastnstError(f"{path.name} has one strength.", "Leave out --strength.")
        stroke = self.stroke_size(card.default_stroke if card else 0.0)
        if levels == strokes == 1 and stroke:
            raise FastnstError(f"{path.name} has one size of stroke.", "Leave out --stroke.")
        weights = np.zeros((levels, card.rows if card else 1), np.float32)
        if paintings:
            first = card.rows - card.identity - card.predicted  # type: ignore[union-attr]
            for level in range(levels):
                weights[level, first + level] = self.strength * sum(paintings.values())
        statistics = np.zeros(STATISTICS if card and card.predicted else 0, np.float32)
        if paintings:
            statistics = collage([describe(name) for name in paintings], list(paintings.values()))
        for name, share in shares.items():
            if name not in names:
                continue
            number = names.index(name)
            if levels > 1:
                first = number * levels
                weights[range(levels), range(first, first + levels)] = self.strength * share
                continue
            # A stroke between two rows is a blend of both.
            lower, between = divmod(stroke * (strokes - 1), 1)
            row = number * strokes + int(lower)
            weights[0, row] += self.strength * share * (1 - between)
            if between:
                weights[0, row + 1] += self.strength * share * between
        if identity:
            weights[:, -1] = 1 - self.strength
        if card is None or levels == 1:
            return NetStyle(weights, statistics, None)
        return NetStyle(weights, statistics, card.base * STROKE_RANGE ** (1 - 2 * stroke))


def collage(statistics: Sequence[Floats], shares: Sequence[float]) -> Floats:
    """Return the statistics of a collage that shows paintings in shares of its area.

    Means and mean squares are linear in the area; deviations follow from both.

    Args:
        statistics: Means, then deviations, of each painting's features (1920,).
        shares: Share of each painting, of any sum.
    """
    if len(statistics) == 1:
        return statistics[0]
    means, deviations = np.split(np.stack(statistics).astype(np.float64), 2, axis=1)
    weights = (np.array(shares) / sum(shares))[:, None]
    mean = (weights * means).sum(0)
    square = (weights * (deviations**2 + means**2)).sum(0)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return np.concatenate([mean, deviation]).astype(np.float32)


def parse_blend(blend: Blend, known: Iterable[str] = ()) -> dict[str, float]:
    """Return the styles of a blend and their shares, which sum to 1.

    Args:
        blend: Blend as text or as a mapping, with shares of any sum.
        known: Names of styles, matched without regard to capitals.

    Raises:
        FastnstError: It is neither text nor a mapping, a share is no number or negative, or all are 0.
    """
    if isinstance(blend, str):
        written: list[tuple[str, object]] = [
            (name, number or 1) for name, number in split_blend(blend)
        ]
    elif isinstance(blend, Mapping):
        written = list(blend.items())
    else:
        raise FastnstError(
            f"{reprlib.repr(blend)} is no style.",
            "Give the name of one, or a blend as a:0.6,b:0.4.",
        )
    given: list[tuple[str, float]] = []
    for name, number in written:
        try:
            given.append((name, float(number)))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise FastnstError(
                f"The share of {name} is {number!r}.", "Write a blend as a:0.6,b:0.4."
            ) from None
    names = list(known)
    shares: dict[str, float] = {}
    for name, share in given:
        if not 0 <= share < math.inf:
            raise FastnstError(f"The share of {name} is {share:g}.", "It must be 0 or more.")
        name = canonical_name(name, names)
        shares[name] = shares.get(name, 0.0) + share
    total = sum(shares.values())
    if not total:
        raise FastnstError(
            f"The shares of {' and '.join(shares) or 'no style'} sum to 0.",
            "Give one that is above 0.",
        )
    return {name: share / total for name, share in shares.items()}
