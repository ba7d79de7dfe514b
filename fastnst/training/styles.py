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
from fastnst.training.paintings import DEFAULT_SIZE, Painting, named_paintings

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
    paintings: Tensor | None = None
    """Number of the painting that the style of a picture is predicted from, -1 for the net's own styles, int64 (N,);
    None for a net without a predictor."""
    statistics: Tensor | None = None
    """Those paintings' statistics, (N, STATISTICS)."""
    targets: Tensor | None = None
    """Number of each picture's style in the objective, int64 (N,); None for `styles`."""

    @property
    def in_objective(self) -> Tensor:
        """Number of each picture's style in the objective, (N,)."""
        return self.styles if self.targets is None else self.targets


@dataclass(frozen=True)
class TrainingStyles:
    """Paintings and stroke sizes. Style `p * len(strokes) + s` is painting `p` with stroke size `s`."""

    paintings: Sequence[Painting]
    strokes: tuple[float, ...]
    """Sizes from fine to bold, as multiples of the paintings' sizes."""
    identity: bool
    """True if one more row learns to give the photo back."""
    levels: int
    """Levels of the net, from coarse to fine."""
    any_share: float = 0.0
    """Share of the pictures whose style is predicted from any painting: the style after the last. 0 for a net
    without a predictor."""

    @classmethod
    def of(
        cls,
        painting: Painting,
        paintings: Sequence[Painting],
        strokes: Sequence[float] | None,
        identity: bool | None,
        levels: int,
        any_share: float = 0.0,
    ) -> TrainingStyles:
        """Complete what is not given, as `StyleTransfer` describes it.

        Raises:
            FastnstError: No painting is given, two have one name, or the strokes don't suit the net.
        """
        named = named_paintings(paintings, painting.size) if paintings else [painting]
        if any_share and not paintings and painting.file == Path():
            named = []
        elif named[0].file == Path():
            raise FastnstError(
                "No painting was given.", "Say: fastnst train PAINTING --data FOLDER --name NAME"
            )
        many = len(named) + bool(any_share) > 1
        if levels > 1 and strokes is not None:
            raise FastnstError(
                f"strokes are {list(strokes)}, and the net has {levels} levels.",
                "Leave them out: nets of several levels paint any size.",
            )
        sizes = tuple(strokes or (STROKES if many and levels == 1 else (1.0,)))
        if sizes[0] <= 0 or list(sizes) != sorted(set(sizes)):
            raise FastnstError(f"strokes are {list(sizes)}.", "They must rise from above 0.")
        return cls(
            named,
            sizes,
            (many or bool(any_share)) if identity is None else identity,
            levels,
            any_share,
        )

    @property
    def count(self) -> int:
        """Number of the net's own styles."""
        return len(self.paintings) * len(self.strokes)

    @property
    def rows(self) -> int:
        """Rows of scales and shifts: one for each style at each level, and one for the photo."""
        return self.count * self.levels + self.predicted + self.identity

    @property
    def predicted(self) -> int:
        """Rows whose values are predicted from a painting."""
        return self.levels if self.any_share else 0

    def load(self, side: int, scale: float = 1.0) -> list[Tensor]:
        """Read the painting of each style, RGB (1, 3, H, W), float, 0..255.

        Args:
            side: Side of a picture at the coarsest level, in pixels.
            scale: Side of the pictures that the paintings are shown beside, as a multiple of that one. Without
                effect for a net of one level.

        Raises:
            FastnstError: A painting can't be read, or has no style to learn.
        """
        if self.levels == 1:
            return [each.load(stroke) for each in self.paintings for stroke in self.strokes]
        return [each.load_like(round(side * scale), side) for each in self.paintings]

    def load_any(self, painting: Painting, side: int, scale: float) -> Tensor:
        """Read a painting that styles are predicted from, in the size of `load`, but never enlarged."""
        if self.levels == 1:
            return painting.load_like(
                painting.size or DEFAULT_SIZE, max(painting.size or 0, DEFAULT_SIZE)
            )
        return painting.load_like(round(side * scale), side)

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        device: torch.device,
        paintings: Sequence[int] = (),
    ) -> Draw:
        """Draw the styles of a batch, and their strengths if there is an identity row.

        Args:
            rng: Draws.
            count: Pictures of the batch.
            device: Where the result is.
            paintings: Numbers of the paintings that styles are predicted from.
        """
        if self.any_share:
            predicted = rng.random(count) < (self.any_share if self.paintings else 1.0)
            own = rng.integers(max(1, self.count), size=count)
            styles = np.where(predicted, self.count, own)
            chosen = np.where(predicted, rng.choice(np.asarray(paintings), size=count), -1)
        else:
            styles, chosen = rng.integers(self.count, size=count), None
        strengths = None
        if self.identity:
            weaker = rng.random(count) >= FULL_STRENGTH_SHARE
            values = np.where(weaker, rng.random(count), 1.0).astype(np.float32)
            strengths = torch.from_numpy(values).to(device)
        return Draw(
            torch.from_numpy(styles).to(device),
            strengths,
            None if chosen is None else torch.from_numpy(chosen).to(device),
        )

    def in_turn(
        self, first: int, count: int, device: torch.device, paintings: Sequence[int] = ()
    ) -> Draw:
        """The styles of pictures from number `first` on, one after the other, at full strength.

        Of a net with a predictor, every other picture is painted in the style of a painting.
        """
        numbers = torch.arange(first, first + count, device=device)
        if not self.any_share:
            return Draw(numbers % self.count)
        predicted = (
            (numbers % 2 == 1) if self.paintings else torch.ones_like(numbers, dtype=torch.bool)
        )
        own = numbers // 2 % max(1, self.count)
        chosen = torch.tensor(list(paintings), device=device)[numbers // 2 % len(paintings)]
        return Draw(
            torch.where(predicted, self.count, own), None, torch.where(predicted, chosen, -1)
        )

    def factors(self, draw: Draw) -> Tensor:
        """Factor of each picture's style term, (N,): its painting's weight times its strength."""
        weights = torch.tensor([*(painting.weight for painting in self.paintings), 1.0])
        factors = weights.to(draw.styles.device)[draw.styles // len(self.strokes)]
        return factors if draw.strengths is None else factors * draw.strengths
