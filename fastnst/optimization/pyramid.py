"""Painting at one size after the other, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.optimization.descend import Optimizer, descend
from fastnst.optimization.inputs import SMALLEST, Scene, View
from fastnst.perceptual import LossTerms, PerceptualLoss

COARSEST = 128
"""Pixels on the longer side of the first size, at least."""


class Stage(NamedTuple):
    """Where the whole of it stands."""

    done: int
    """Iterations, of all sizes."""
    scale: int
    """Longer side of the picture."""
    work: int
    """Iterations, times the square of the size that each was at."""
    pixels: Tensor
    losses: dict[str, float]


def coarse_to_fine(
    loss: PerceptualLoss,
    scene: Scene,
    sizes: Sequence[int],
    init: str,
    seed: int,
    device: torch.device,
    *,
    iterations: int,
    optimizer: Optimizer,
    learning_rate: float | None,
    average: float | None,
) -> Iterator[Stage]:
    """Descend at one size after the other, each from where the last one ended."""
    done = work = 0
    pixels: Tensor | None = None
    for scale in sizes:
        view = scene.at(scale, sizes[-1])
        start = (
            scene.start(init, view, seed).to(device)
            if pixels is None
            else (F.interpolate(pixels, view.content.shape[-2:], mode="bicubic"))
        )
        number = 0
        for number, pixels, losses in descend(
            _objective(loss, scene, view, device), start,
            iterations=iterations, optimizer=optimizer, learning_rate=learning_rate, average=average,
        ):  # fmt: skip
            if number or not done:  # The start of a later size is no iteration of its own.
                yield Stage(done + number, scale, work + number * scale**2, pixels, losses)
        done, work = done + number, work + iterations * scale**2


def _objective(
    loss: PerceptualLoss, scene: Scene, view: View, device: torch.device
) -> Callable[[Tensor], LossTerms]:
    """The loss at one size, its targets computed and its units measured on the photo."""

    def rgb(pixels: Tensor) -> Tensor:
        return pixels.expand(-1, 3, -1, -1)

    photo = rgb(view.content.to(device))
    regions = None if view.regions is None else view.regions.to(device)
    loss.set_styles([painting.to(device) for painting in view.paintings], scene.blends)
    loss.calibrate(photo, regions)
    targets = loss.content_targets(photo)
    return lambda pixels: loss(rgb(pixels), targets, regions=regions)


def sizes_up_to(photo: tuple[int, int], full: int, scales: int | None) -> list[int]:
    """Longer sides from coarse to full, each half of the next."""
    ratio = min(photo) / max(photo)
    if full * ratio < SMALLEST:
        raise FastnstError(
            f"At a size of {full} the picture would be {round(full * ratio)} px on its shorter side.",
            f"It must have {SMALLEST} or more.",
        )
    sizes = [full]
    while scales is None or len(sizes) < scales:
        half = round(sizes[0] / 2)
        if scales is None and (half < COARSEST or half * ratio < 2 * SMALLEST):
            break
        if half * ratio < SMALLEST:
            raise FastnstError(
                f"{scales} sizes are too many: the first would be {half} px.",
                f"Give --scales {len(sizes)} or less.",
            )
        sizes.insert(0, half)
    return sizes
