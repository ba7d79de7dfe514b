"""Predicted styles in a training: paintings of a step, their statistics for the net and their targets in the objective."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fastnst.models import StyleNet
from fastnst.models.predictor import STATISTICS
from fastnst.training.any_painting import PaintingStore
from fastnst.training.objective import MultiViewObjective
from fastnst.training.paintings import Painting
from fastnst.training.styles import Draw, TrainingStyles

COLLAGE_SHARE = 1 / 3
"""Share of the predicted styles that are those of a collage of two paintings."""
COLLAGE_BETA = 0.3
"""Both parameters of the beta distribution that a collage's shares are drawn from: mostly one painting."""
STATISTICS_NOISE = 0.1
"""Deviation of the noise on the logarithms of a painting's statistics, so that no painting is learnt by heart."""


class PredictedStyles:
    """The paintings that a net with a predictor learns from, beside the styles of its own.

    Args:
        folder: The paintings.
        cache: Folder for what is computed of them.
        styles: Styles of the training.
        objective: The objective, in which the paintings of a step have places.
    """

    def __init__(
        self, folder: Path, cache: Path, styles: TrainingStyles, objective: MultiViewObjective
    ) -> None:
        self.store = PaintingStore(folder, cache)
        """The paintings."""
        self._styles, self._objective = styles, objective
        self._first_place = 0

    def sample(self, side: int, scale: float) -> list[Tensor]:
        """One of the paintings, RGB (1, 3, H, W), float, 0..255, for an objective without styles of its own."""
        return [self._styles.load_any(Painting(path=self.store.files[0]), side, scale)]

    def prepare(self, side: int, batch_size: int) -> None:
        """Measure the paintings, for pictures of a size at the coarsest level, and make places for those of a step."""
        for loss in self._objective.by_octave.values():
            self._first_place = loss.reserve(batch_size)
        self.store.prepare(
            self._objective.by_octave,
            lambda painting, scale: self._styles.load_any(painting, side, scale),
        )

    def start(self, net: StyleNet, known: Sequence[Tensor]) -> None:
        """Teach a new predictor the scale of statistics, and the rows of styles that the net has already.

        Args:
            net: The net.
            known: Statistics of the paintings of the net's own styles, where it is a trained one.
        """
        predictor, config = net.predictor, net.config
        assert predictor is not None
        if bool(predictor.center.any()):
            return
        device = predictor.center.device
        predictor.standardize(self.store.statistics[self.store.usable].to(device))
        if len(known) < 2:
            return
        table, last = net.table(), config.styles - config.identity
        rows = table[: last - config.predicted].reshape(len(known), -1, table.shape[1])
        mean = table[last - config.predicted : last]
        predictor.fit(torch.stack(list(known)), rows[:, : config.predicted] - mean)

    @torch.no_grad()
    def describe(self, draw: Draw, level: int, rng: np.random.Generator | None = None) -> Draw:
        """Complete a draw with the statistics of its paintings, whose targets are placed in the objective.

        Args:
            draw: Styles and paintings of a batch.
            level: Level that paints them.
            rng: Draws collages and noise; None for the paintings as they are.
        """
        assert draw.paintings is not None
        numbers, device = draw.paintings.tolist(), draw.styles.device
        described = torch.zeros(len(numbers), STATISTICS)
        for place, number in enumerate(numbers):
            if number < 0:
                continue
            parts, shares = [number], [1.0]
            if rng is not None and rng.random() < COLLAGE_SHARE:
                share = float(rng.beta(COLLAGE_BETA, COLLAGE_BETA))
                parts, shares = [number, int(rng.choice(self.store.usable))], [share, 1 - share]
            described[place] = self.store.collage(parts, shares)
            for octave in self._objective.octaves(level):
                grams = self.store.collage_grams(octave, parts, shares, device)
                self._objective.at(octave).place(self._first_place + place, grams)
        if rng is not None:
            noise = rng.normal(0, STATISTICS_NOISE, described.shape).astype(np.float32)
            described *= torch.from_numpy(np.exp(noise))
        places = torch.arange(len(numbers), device=device) + self._first_place
        return draw._replace(
            statistics=described.to(device),
            targets=torch.where(draw.paintings >= 0, places, draw.styles),
        )
