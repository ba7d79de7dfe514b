"""Descent on pixels to lower values of an objective, within black and white."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnst.optimization.lbfgs import ScalarPreconditioner, SpectralPreconditioner, lbfgs
from fastnst.optimization.objective import Objective, Point, evaluate

Optimizer: TypeAlias = Literal["lbfgs", "adam", "sgd", "adadelta", "adagrad", "rmsprop"]
"""Name of an optimizer."""

RATES: dict[Optimizer, float] = {
    "lbfgs": 1.0, "adam": 10.0, "sgd": 8.0, "adadelta": 300.0, "adagrad": 25.0, "rmsprop": 2.0,
}  # fmt: skip
"""Default learning rates; that of L-BFGS is the share of its step that each line search tries first."""


class Step(NamedTuple):
    """State of the descent after an iteration."""

    number: int
    """Number of iterations so far; 0 is the start."""
    pixels: Tensor
    """Pixels of the picture, (1, C, H, W), float, 0..255."""
    losses: dict[str, float]
    """Terms `content`, `style`, `tv` and `total` at the last point of the descent, not at the average."""


def descend(
    objective: Objective,
    start: Tensor,
    *,
    iterations: int,
    optimizer: Optimizer = "lbfgs",
    learning_rate: float | None = None,
    ema_decay: float | None = None,
    precondition: bool = True,
) -> Iterator[Step]:
    """Descend on the pixels of a picture, which stay within 0..255.

    Each step is projected onto the bounds: clipping the picture only at the end would change what was optimized.

    Args:
        objective: Differentiable function from pixels to terms.
        start: Pixels to start from, (1, C, H, W), float.
        iterations: Most iterations; L-BFGS ends earlier where no step leads further down.
        optimizer: `lbfgs` is that of `fastnst.optimization.lbfgs`, the others are torch's. These get gradients in units
            of the first one's root mean square, so that rates mean the same for all sizes and weights.
        learning_rate: Learning rate; None for the optimizer's own in `RATES`.
        ema_decay: Decay of the running mean of the pixels that is given in place of the last ones: 0 for none, 0.99 for
            a mean over about a hundred. None means 0 for L-BFGS, else 0.9.
        precondition: Whether L-BFGS has a scale for each spatial frequency; false is the usual method, by which
            Johnson et al. 2016 compared their nets.

    Yields:
        The start, then the state after each iteration.

    Raises:
        Diverged: A term is infinite or not a number. The steps given so far are good.
    """
    rate = RATES[optimizer] if learning_rate is None else learning_rate
    if ema_decay is None:
        ema_decay = 0.0 if optimizer == "lbfgs" else 0.9
    point = evaluate(objective, start.detach().clamp(0, 255).contiguous(), 0)
    yield Step(0, point.pixels, point.losses)
    if optimizer == "lbfgs":
        scale = SpectralPreconditioner(point.pixels) if precondition else ScalarPreconditioner()
        points = lbfgs(objective, point, rate, scale)
    else:
        points = _first_order(objective, point, optimizer, rate)
    mean = torch.zeros_like(point.pixels) if ema_decay else None
    for number, point in zip(range(1, iterations + 1), points, strict=False):
        pixels = point.pixels
        if mean is not None:
            # Divided by the weights so far, as in Adam, so that the mean does not lean to its start at 0.
            mean.lerp_(pixels, 1 - ema_decay)
            pixels = mean / (1 - ema_decay**number)
        yield Step(number, pixels, point.losses)


def _first_order(
    objective: Objective, point: Point, optimizer: Optimizer, rate: float
) -> Iterator[Point]:
    pixels = point.pixels.clone()
    unit = point.gradient.square().mean().sqrt().clamp_min(1e-30)
    makers: dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]] = {
        "adam": lambda p: torch.optim.Adam(p, rate, betas=(0.9, 0.99)),
        "sgd": lambda p: torch.optim.SGD(p, rate, momentum=0.9, nesterov=True),
        "adadelta": lambda p: torch.optim.Adadelta(p, rate),
        "adagrad": lambda p: torch.optim.Adagrad(p, rate),
        "rmsprop": lambda p: torch.optim.RMSprop(p, rate),
    }
    stepper = makers[optimizer]([pixels])
    number = 0
    while True:
        pixels.grad = point.gradient / unit
        stepper.step()
        pixels.clamp_(0, 255)
        number += 1
        point = evaluate(objective, pixels.clone(), number)
        yield point
