"""Styles by name, blends, strengths and strokes, as the weights of a net's rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import FastnstError, UnknownStyle, did_you_mean
from fastnst.styles.card import StyleCard
from fastnst.styles.registry import names_in, spelled

Blend: TypeAlias = str | Mapping[str, float]
"""A style's name, `a:0.6,b:0.4`, or names and shares."""
Stroke: TypeAlias = Literal["fine", "medium", "bold"] | float
"""Fine (0), medium (0.5), bold (1), or a number between."""
STROKES: dict[str, float] = {"fine": 0.0, "medium": 0.5, "bold": 1.0}
"""The sizes of strokes that have a name."""
STROKE_RANGE = 1.6
"""How many times as large bold strokes are as medium ones, and those as fine ones, in a net of several levels."""
RowWeights: TypeAlias = npt.NDArray[np.float32]
"""How much of each row of scales and shifts: (rows,), or (levels, rows) of a net of several levels."""


def shares(blend: Blend, known: Iterable[str] = ()) -> dict[str, float]:
    """Names and shares of a blend, which sum to 1.

    Args:
        blend: As it was given.
        known: Names, for which capitals in the blend make no difference.

    Raises:
        FastnstError: A share is no number or negative, or all are 0.
    """
    found: dict[str, float] = {}
    if isinstance(blend, str):
        for word in blend.split(","):
            name, _, number = word.strip().partition(":")
            try:
                found[name] = found.get(name, 0.0) + float(number or 1)
            except ValueError:
                raise FastnstError(
                    f"The share of {name} is {number!r}.", "Write a blend as a:0.6,b:0.4."
                ) from None
    else:
        found.update(blend)
    for name, share in found.items():
        if not 0 <= share < math.inf:
            raise FastnstError(f"The share of {name} is {share:g}.", "It must be 0 or more.")
    total = sum(found.values())
    names = list(known)
    if not total:
        raise FastnstError(
            f"The shares of {' and '.join(found) or 'no style'} sum to 0.",
            "Give one that is above 0.",
        )
    return {spelled(name, names): share / total for name, share in found.items()}


def stroke_size(stroke: Stroke | None, default: float) -> float:
    """A size of strokes as a number, 0 to 1.

    Args:
        stroke: A name or a number; None for `default`.
        default: The net's own.

    Raises:
        FastnstError: It is out of range.
    """
    if stroke is None:
        return default
    size = STROKES.get(stroke, math.nan) if isinstance(stroke, str) else float(stroke)
    if not 0 <= size <= 1:
        raise FastnstError(
            f"The stroke is {stroke}.", "It is fine, medium, bold, or a number from 0 to 1."
        )
    return size


def base_size(card: StyleCard, stroke: Stroke | None) -> float:
    """Side of a square as large as the picture at the coarsest level, in pixels, for strokes of a size.

    The fewer pixels the first level has, the larger are its strokes in the picture.
    """
    times: float = STROKE_RANGE ** (1 - 2 * stroke_size(stroke, 0.5))
    return card.base * times


def row_weights(
    path: Path,
    card: StyleCard | None,
    blend: Blend | None,
    strength: float,
    stroke: Stroke | None,
) -> RowWeights:
    """What a many-style net is given as `style_weights`.

    Args:
        path: The file, for errors.
        card: Its card.
        blend: None for its first style.
        strength: 0, the photo itself, to 1.
        stroke: For the two stroke sizes of each style, or between them; None for the first. (Nets of several
            levels have one, see `base_size`.)

    Returns:
        (rows,), which sum to 1; (levels, rows) for a net of several levels.

    Raises:
        UnknownStyle: The file has no such style.
        FastnstError: A share, the strength or the stroke is out of range, or the net has none of it.
    """
    names = names_in(path, card)
    wanted = shares(names[0] if blend is None else blend, names)
    for name in wanted:
        if name not in names:
            raise UnknownStyle(f"{path.name} has no style {name!r}.", did_you_mean(name, names))
    bold = stroke_size(stroke, 0.0)
    if not 0 <= strength <= 1:
        raise FastnstError(f"The strength is {strength:g}.", "It is 0, the photo, to 1.")
    strokes, levels = (len(card.strokes), card.levels) if card else (1, 1)
    identity = bool(card and card.identity)
    if levels == 1 and strokes == 1 and bold:
        raise FastnstError(f"{path.name} has one size of stroke.", "Leave out --stroke.")
    if strength < 1 and not identity:
        raise FastnstError(f"{path.name} has one strength.", "Leave out --strength.")
    weights = np.zeros((levels, card.rows if card else 1), np.float32)
    for name, share in wanted.items():
        number = names.index(name)
        if levels > 1:
            weights[range(levels), range(number * levels, (number + 1) * levels)] = strength * share
            continue
        # From fine to bold through every size that there is.
        lower, between = divmod(bold * (strokes - 1), 1)
        row = number * strokes + int(lower)
        weights[0, row] += strength * share * (1 - between)
        if between:
            weights[0, row + 1] += strength * share * between
    if identity:
        weights[:, -1] = 1 - strength
    return weights if levels > 1 else weights[0]
