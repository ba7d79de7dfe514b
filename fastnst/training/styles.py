"""The styles that a net learns: its paintings, each with some sizes of strokes, and the photo itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.training.paintings import Painting, named_paintings

STROKES = (1.0, 1.75)
"""Stroke sizes of a net of one level that learns several paintings."""
FULL_STRENGTH_SHARE = 0.75
"""Share of the crops that are painted at full strength by a net with an identity row; the others' strengths are
uniform from 0 to 1."""


class Draw(NamedTuple):
    """The style of each picture of a batch, and its strength."""

    styles: Tensor
    """Number of the style, int64 (N,)."""
    strengths: Tensor | None = None
    """(N,), 0..1, the rest being the photo's; None for 1."""


@dataclass(frozen=True)
class TrainingStyles:
    """Paintings and stroke sizes. Style `p * len(strokes) + s` is painting `p` with stroke size `s`."""

    paintings: Sequence[Painting]
    strokes: tuple[float, ...]
    """Sizes from fine to bold, as multiples of the paintings' sizes."""
    identity: bool
    """Whether one more row learns to give the photo back."""
    levels: int
    """Levels of the net, from coarse to fine."""

    @classmethod
    def of(
        cls,
        painting: Painting,
        paintings: Sequence[Painting],
        strokes: Sequence[float] | None,
        identity: bool | None,
        levels: int,
    ) -> TrainingStyles:
        """Complete what is not given, as `StyleTransfer` describes it.

        Raises:
            FastnstError: No painting is given, two have one name, or the strokes don't suit the net.
        """
        named = named_paintings(paintings, painting.size) if paintings else [painting]
        if named[0].file == Path():
            raise FastnstError(
                "No painting was given.", "Say: fastnst train PAINTING --data FOLDER --name NAME"
            )
        many = len(named) > 1
        if levels > 1 and strokes is not None:
            raise FastnstError(
                f"strokes are {list(strokes)}, and the net has {levels} levels.",
                "Leave them out: nets of several levels paint any size.",
            )
        sizes = tuple(strokes or (STROKES if many and levels == 1 else (1.0,)))
        if sizes[0] <= 0 or list(sizes) != sorted(set(sizes)):
            raise FastnstError(f"strokes are {list(sizes)}.", "They must rise from above 0.")
        return cls(named, sizes, many if identity is None else identity, levels)

    @property
    def count(self) -> int:
        """Number of styles that a picture can be painted in."""
        return len(self.paintings) * len(self.strokes)

    @property
    def rows(self) -> int:
        """Rows of scales and shifts: one for each style at each level, and one for the photo."""
        return self.count * self.levels + self.identity

    def load(self, crop: int, scale: float = 1.0) -> list[Tensor]:
        """Read the painting of each style, RGB (1, 3, H, W), float, 0..255.

        Args:
            crop: Side of a crop in pixels.
            scale: Side of the pictures that the paintings are shown beside, as a multiple of a crop's. Without
                effect for a net of one level.

        Raises:
            FastnstError: A painting can't be read, or has no style to learn.
        """
        if self.levels == 1:
            return [each.load(stroke) for each in self.paintings for stroke in self.strokes]
        return [each.load_like(round(crop * scale), crop) for each in self.paintings]

    def draw(self, rng: np.random.Generator, count: int, device: torch.device) -> Draw:
        """Draw the styles of a batch, and their strengths if there is an identity row."""
        styles = torch.from_numpy(rng.integers(self.count, size=count)).to(device)
        if not self.identity:
            return Draw(styles)
        weaker = rng.random(count) >= FULL_STRENGTH_SHARE
        strengths = np.where(weaker, rng.random(count), 1.0).astype(np.float32)
        return Draw(styles, torch.from_numpy(strengths).to(device))

    def in_turn(self, first: int, count: int, device: torch.device) -> Draw:
        """The styles of pictures from number `first` on, one after the other, at full strength."""
        return Draw(torch.arange(first, first + count, device=device) % self.count)

    def factors(self, draw: Draw) -> Tensor:
        """Factor of each picture's style term, (N,): its painting's weight times its strength."""
        weights = torch.tensor([painting.weight for painting in self.paintings])
        factors = weights.to(draw.styles.device)[draw.styles // len(self.strokes)]
        return factors if draw.strengths is None else factors * draw.strengths
