"""Optimization at one size after the other, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.optimization.descend import Optimizer, descend
from fastnst.optimization.inputs import SMALLEST, Inputs, InputsAtSize
from fastnst.perceptual import LossTerms, PerceptualLoss

COARSEST = 128
"""Least longer side of the first size in pixels."""


class LevelStep(NamedTuple):
    """State after an iteration at one of the levels."""

    done: int
    """Number of iterations at all sizes so far."""
    size: int
    """Longer side of the picture in pixels."""
    work: int
    """Sum over the iterations so far of the square of the size."""
    pixels: Tensor
    """Pixels of the picture, (1, C, H, W), 0..255."""
    losses: dict[str, float]
    """Terms `content`, `style`, `tv` and `total`."""


def coarse_to_fine(
    loss: PerceptualLoss,
    inputs: Inputs,
    sizes: Sequence[int],
    init: str,
    seed: int,
    device: torch.device,
    *,
    iterations: int,
    optimizer: Optimizer,
    learning_rate: float | None,
    ema_decay: float | None,
) -> Iterator[LevelStep]:
    """Descend at one size after the other, each time from the enlarged picture of the last size.

    Args:
        loss: Objective, whose styles and units are set at each size.
        inputs: Photo and paintings.
        sizes: Longer sides in pixels.
        init: Start of the first size, see `Inputs.start`.
        seed: Seed of the noise.
        device: Device of the loss.
        iterations: Most iterations at each size.
        optimizer: See `descend`, as for the rest.
        learning_rate: See `descend`.
        ema_decay: See `descend`.

    Yields:
        The start, then the state after each iteration.
    """
    done = work = 0
    pixels: Tensor | None = None
    for size in sizes:
        sized = inputs.at(size, sizes[-1])
        start = (
            inputs.start(init, sized, seed).to(device)
            if pixels is None
            else (F.interpolate(pixels, sized.content.shape[-2:], mode="bicubic"))
        )
        number = 0
        for number, pixels, losses in descend(
            _objective(loss, inputs, sized, device), start,
            iterations=iterations, optimizer=optimizer, learning_rate=learning_rate, ema_decay=ema_decay,
        ):  # fmt: skip
            if number or not done:  # The start of a later size is no iteration of its own.
                yield LevelStep(done + number, size, work + number * size**2, pixels, losses)
        done, work = done + number, work + iterations * size**2


def _objective(
    loss: PerceptualLoss, inputs: Inputs, sized: InputsAtSize, device: torch.device
) -> Callable[[Tensor], LossTerms]:
    """Return the loss at one size, its targets computed and its units measured on the photo."""

    def rgb(pixels: Tensor) -> Tensor:
        return pixels.expand(-1, 3, -1, -1)

    photo = rgb(sized.content.to(device))
    regions = None if sized.regions is None else sized.regions.to(device)
    loss.set_styles([painting.to(device) for painting in sized.paintings], inputs.blends)
    loss.calibrate(photo, regions)
    targets = loss.content_targets(photo)
    return lambda pixels: loss(rgb(pixels), targets, regions=regions)


def level_sizes(photo: tuple[int, int], full: int, levels: int | None) -> list[int]:
    """Return the longer sides of the levels, from coarse to full, each half of the next.

    Args:
        photo: Width and height of the photo.
        full: Longer side of the last level in pixels.
        levels: Number of levels; None for as many as start at `COARSEST` or more.

    Raises:
        FastnstError: A level would be smaller than `SMALLEST`.
    """
    ratio = min(photo) / max(photo)
    if full * ratio < SMALLEST:
        raise FastnstError(
            f"At a size of {full} the picture would be {round(full * ratio)} px on its shorter side.",
            f"It must have {SMALLEST} or more.",
        )
    sizes = [full]
    while levels is None or len(sizes) < levels:
        half = round(sizes[0] / 2)
        if levels is None and (half < COARSEST or half * ratio < 2 * SMALLEST):
            break
        if half * ratio < SMALLEST:
            raise FastnstError(
                f"{levels} levels are too many: the first would be {half} px.",
                f"Give --levels {len(sizes)} or less.",
            )
        sizes.insert(0, half)
    return sizes
