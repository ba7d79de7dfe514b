"""Descent on pixels: from a start to lower values of an objective, within black and white."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnst.optimization.lbfgs import ScalarPreconditioner, Spectrum, lbfgs
from fastnst.optimization.objective import Objective, Point, evaluate

Optimizer: TypeAlias = Literal["lbfgs", "adam", "sgd", "adadelta", "adagrad", "rmsprop"]

RATES: dict[Optimizer, float] = {
    "lbfgs": 1.0, "adam": 10.0, "sgd": 8.0, "adadelta": 300.0, "adagrad": 25.0, "rmsprop": 2.0,
}  # fmt: skip
"""Learning rates that work; of L-BFGS, the share of its step that each line search tries first."""


class Iterate(NamedTuple):
    """Where the descent stands after an iteration."""

    number: int
    """Iterations so far; 0 is the start."""
    pixels: Tensor
    """The picture: (1, C, H, W), float, 0..255."""
    losses: dict[str, float]
    """`content`, `style`, `tv` and `total` of the last point of the descent (not of an average)."""


def descend(
    objective: Objective,
    start: Tensor,
    *,
    iterations: int,
    optimizer: Optimizer = "lbfgs",
    learning_rate: float | None = None,
    average: float | None = None,
    precondition: bool = True,
) -> Iterator[Iterate]:
    """Descend on the pixels of a picture, which stay within 0..255.

    The bounds are kept by projection, after each step: a picture that is clipped only at the end is
    another one than the one that was optimized, and a worse one.

    Args:
        objective: Pixels to terms, differentiable.
        start: (1, C, H, W), float.
        iterations: How many, at most; L-BFGS ends earlier where no step leads further down.
        optimizer: `lbfgs` is the one here, the others are torch's, given gradients in units of the first one's
            root mean square, so that rates mean the same for all sizes and weights.
        learning_rate: None means the optimizer's own in `RATES`.
        average: Decay of the mean of the iterates that is given in place of the last one: 0 for none,
            0.99 for a mean over about a hundred. None means 0 for L-BFGS, else 0.9.
        precondition: Whether L-BFGS has a scale for each spatial frequency; false gives the usual method,
            with which Johnson et al. 2016 compared their nets.

    Yields:
        Where it stands: at the start, and after each iteration.

    Raises:
        Diverged: A term is infinite or not a number. The iterates given so far are good.
    """
    rate = RATES[optimizer] if learning_rate is None else learning_rate
    if average is None:
        average = 0.0 if optimizer == "lbfgs" else 0.9
    point = evaluate(objective, start.detach().clamp(0, 255).contiguous(), 0)
    yield Iterate(0, point.pixels, point.losses)
    points = (
        lbfgs(
            objective,
            point,
            rate,
            Spectrum(point.pixels) if precondition else ScalarPreconditioner(),
        )
        if optimizer == "lbfgs"
        else _first_order(objective, point, optimizer, rate)
    )
    mean = torch.zeros_like(point.pixels) if average else None
    for number, point in zip(range(1, iterations + 1), points, strict=False):
        pixels = point.pixels
        if mean is not None:
            # Divided by the weights so far, as Adam does, so that it does not lean to its start at 0.
            mean.lerp_(pixels, 1 - average)
            pixels = mean / (1 - average**number)
        yield Iterate(number, pixels, point.losses)


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
