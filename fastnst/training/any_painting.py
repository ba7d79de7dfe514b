"""The paintings of a net that is to paint in the style of any: their targets, computed once and kept on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.models.predictor import STATISTICS
from fastnst.perceptual import PerceptualLoss
from fastnst.perceptual.statistics import statistics
from fastnst.runtime.engine.painting_statistics import STATISTICS_SIDE
from fastnst.styles.painting import SMALLEST_PAINTING
from fastnst.system.progress import StepProgress
from fastnst.training.paintings import Painting

CPU = torch.device("cpu")
HELD_OUT = 16
"""Paintings that are kept for validation."""
LEAST_UNIT = 0.25
"""Least unit of a style term, as a share of the median of all paintings: the normalised term of what is nearly a
photograph is beyond all measure, and teaches little."""


class GramStore:
    """The Gram matrices of all paintings for pictures of one size: lower triangles on the disk, in half precision."""

    def __init__(self, file: Path, count: int, sides: Mapping[str, int], *, new: bool) -> None:
        """Open the file, or make it.

        Args:
            file: A file of 2 bytes a value.
            count: Number of paintings.
            sides: Channels of the style layers, by name.
            new: Whether it is made anew.
        """
        self.sides = sides
        values = sum(side * (side + 1) // 2 for side in sides.values())
        mode: Literal["w+", "r+"] = "w+" if new else "r+"
        self._triangles = np.memmap(file, np.float16, mode, shape=(count, values))
        largest = file.with_suffix(".scale")
        self._largest = np.memmap(largest, np.float32, mode, shape=(count, len(sides)))
        lower = {name: torch.tril_indices(side, side) for name, side in sides.items()}
        self._lower = {CPU: lower}

    def write(self, number: int, grams: Mapping[str, Tensor]) -> None:
        """Keep the matrices (C, C) of a painting."""
        parts = []
        for place, (name, (rows, columns)) in enumerate(self._lower[CPU].items()):
            values = grams[name].cpu()[rows, columns]
            largest = values.abs().max().clamp(min=1e-12)
            self._largest[number, place] = largest
            parts.append((values / largest).numpy())
        self._triangles[number] = np.concatenate(parts)

    def read(self, number: int, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """The matrices (C, C) of a painting, float32, by layer; they are made whole on the device."""
        device = torch.device(device)
        if device not in self._lower:
            self._lower[device] = {k: v.to(device) for k, v in self._lower[CPU].items()}
        values = torch.from_numpy(self._triangles[number]).to(device).float()
        grams, first = {}, 0
        for place, (name, (rows, columns)) in enumerate(self._lower[device].items()):
            own = values[first : first + len(rows)] * float(self._largest[number, place])
            first += len(rows)
            matrix = own.new_empty(self.sides[name], self.sides[name])
            matrix[rows, columns] = own
            matrix[columns, rows] = own
            grams[name] = matrix
        return grams


class PaintingStore:
    """Statistics of paintings, and their Gram matrices for pictures of each octave.

    A step draws other paintings each time. To run the loss network on them would cost as much as to train.
    """

    def __init__(self, folder: Path, cache: Path, seed: int = 0) -> None:
        """Choose the paintings; `prepare` computes what is not in the cache.

        Args:
            folder: The paintings, searched to any depth.
            cache: Folder for what is computed, 2 MB a painting.
            seed: Seed of the order; the first `HELD_OUT` are kept for validation.

        Raises:
            FastnstError: There are too few paintings.
        """
        files = find_images(folder)
        if len(files) < 2 * HELD_OUT:
            raise FastnstError(
                f"{folder} holds {len(files)} pictures.",
                f"A net learns any painting from hundreds of them; {2 * HELD_OUT} is the least.",
            )
        self.files = [files[k] for k in np.random.default_rng(seed).permutation(len(files))]
        self.cache = cache
        self.statistics = torch.zeros(0)
        """(P, 1920)."""
        self.grams: dict[int, GramStore] = {}
        """By octave."""
        self.usable: list[int] = []
        """Numbers of the paintings that are trained on."""
        self.held_out: list[int] = []
        """Numbers of those kept for validation."""

    @torch.no_grad()
    def prepare(
        self, losses: Mapping[int, PerceptualLoss], load: Callable[[Painting, float], Tensor]
    ) -> None:
        """Compute statistics and Gram matrices, or read those that were computed before.

        Args:
            losses: The calibrated objective for pictures of each octave.
            load: Reads a painting for pictures whose side is so many times that of octave 0.

        Raises:
            FastnstError: Too few of the paintings can be used.
        """
        some = losses[0].grams(torch.zeros(1, 3, 32, 32, device=losses[0].network.mean.device))
        sides = {name: len(matrix) for name, matrix in some.items()}
        names = "\n".join(f"{file} {file.stat().st_size}" for file in self.files)
        digest = hashlib.sha256(f"{names}\n{sorted(losses)} {sides}".encode()).hexdigest()
        done = self.cache / "done"
        new = not done.is_file() or done.read_text() != digest
        self.cache.mkdir(parents=True, exist_ok=True)
        for octave in losses:
            file = self.cache / f"grams{octave:+d}.bin"
            self.grams[octave] = GramStore(file, len(self.files), sides, new=new)
        file = self.cache / "statistics.npy"
        if new:
            self.statistics = self._compute(losses, load)
            np.save(file, self.statistics.numpy())
            done.write_text(digest)
        self.statistics = torch.from_numpy(np.load(file))
        self._choose(losses[0], self.grams[0])

    def collage(self, numbers: Sequence[int], shares: Sequence[float]) -> Tensor:
        """The statistics (1920,) of a collage that shows paintings in shares of its area, which sum to 1.

        Means and mean squares are linear in the area, and deviations follow from both.
        """
        means, deviations = self.statistics[list(numbers)].chunk(2, -1)
        weights = torch.tensor(shares)[:, None]
        mean = (weights * means).sum(0)
        square = (weights * (deviations.square() + means.square())).sum(0)
        return torch.cat([mean, (square - mean.square()).clamp(min=0).sqrt()])

    def collage_grams(
        self,
        octave: int,
        numbers: Sequence[int],
        shares: Sequence[float],
        device: torch.device = CPU,
    ) -> dict[str, Tensor]:
        """The Gram matrices (C, C) of that collage, which are linear in the area, by layer."""
        each = [self.grams[octave].read(number, device) for number in numbers]
        return {
            name: torch.stack([s * gram[name] for s, gram in zip(shares, each, strict=True)]).sum(0)
            for name in each[0]
        }

    def _compute(
        self, losses: Mapping[int, PerceptualLoss], load: Callable[[Painting, float], Tensor]
    ) -> Tensor:
        device = losses[0].network.mean.device
        described = torch.zeros(len(self.files), STATISTICS)
        progress = StepProgress("paintings", len(self.files))
        for number, file in enumerate(self.files):
            painting, seen, grams = Painting(path=file), torch.Size(), {}
            try:
                for octave, loss in losses.items():
                    picture = load(painting, 2.0**octave)
                    if picture.shape != seen:  # A small one is not enlarged.
                        seen, grams = picture.shape, loss.grams(picture.to(device))
                    self.grams[octave].write(number, grams)
                picture = painting.load_like(STATISTICS_SIDE, STATISTICS_SIDE)
            except FastnstError:
                continue  # Its statistics stay 0.
            described[number] = statistics(losses[0].network, picture.to(device)).cpu()
            if progress.due(number + 1):
                progress.update(number + 1, "measured")
        progress.close()
        return described

    def _choose(self, loss: PerceptualLoss, grams: GramStore) -> None:
        """Leave out what can't be read, and what is nearly a photograph."""
        read = torch.nonzero(self.statistics.sum(1)).flatten().tolist()
        device = loss.network.mean.device
        units = torch.tensor(
            [
                [
                    float(loss.unit(name, gram.to(device)))
                    for name, gram in grams.read(number).items()
                ]
                for number in read
            ]
        ).reshape(len(read), -1)
        numbers = []
        if read:
            fits = (units >= LEAST_UNIT * units.median(0).values).all(1).tolist()
            numbers = [number for number, fit in zip(read, fits, strict=True) if fit]
        if len(numbers) < 2 * HELD_OUT:
            raise FastnstError(
                f"Only {len(numbers)} of {len(self.files)} paintings can be used.",
                f"Give at least {2 * HELD_OUT} of {SMALLEST_PAINTING} px or more on the shorter side.",
            )
        self.held_out, self.usable = numbers[:HELD_OUT], numbers[HELD_OUT:]
