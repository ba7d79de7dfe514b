"""Descent on pixels: from a start to lower values of an objective, within black and white."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.perceptual import LossTerms

Optimizer: TypeAlias = Literal["lbfgs", "adam", "sgd", "adadelta", "adagrad", "rmsprop"]
Objective: TypeAlias = Callable[[Tensor], LossTerms]

RATES: dict[Optimizer, float] = {
    "lbfgs": 1.0, "adam": 10.0, "sgd": 8.0, "adadelta": 300.0, "adagrad": 25.0, "rmsprop": 2.0,
}  # fmt: skip
"""Learning rates that work; of L-BFGS, the share of its step that each line search tries first."""
FIRST_STEP = 2.0
"""Root mean square, in levels, of the first step of L-BFGS, which knows no curvature yet."""
HISTORY = 10
"""Pairs of steps that L-BFGS knows the curvature from. Measured: 10, 30 and 100 differ by less than 1 %."""
MOST_TRIALS = 12
"""Steps that a line search tries; the last is 0.4^11, a twenty-thousandth, of the first."""


class Diverged(FastnstError):
    """A term of the objective is no number any more."""


class Iterate(NamedTuple):
    """Where the descent stands after an iteration."""

    number: int
    """Iterations so far; 0 is the start."""
    pixels: Tensor
    """The picture: (1, C, H, W), float, 0..255."""
    losses: dict[str, float]
    """`content`, `style`, `tv` and `total` of the last point of the descent (not of an average)."""


class _Point(NamedTuple):
    pixels: Tensor
    gradient: Tensor
    losses: dict[str, float]

    @property
    def value(self) -> float:
        return self.losses["total"]


def descend(
    objective: Objective,
    start: Tensor,
    *,
    iterations: int,
    optimizer: Optimizer = "lbfgs",
    learning_rate: float | None = None,
    average: float | None = None,
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

    Yields:
        Where it stands: at the start, and after each iteration.

    Raises:
        Diverged: A term is infinite or not a number. The iterates given so far are good.
    """
    rate = RATES[optimizer] if learning_rate is None else learning_rate
    if average is None:
        average = 0.0 if optimizer == "lbfgs" else 0.9
    point = _evaluate(objective, start.detach().clamp(0, 255).contiguous(), 0)
    yield Iterate(0, point.pixels, point.losses)
    points = (
        _lbfgs(objective, point, rate)
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


def _evaluate(objective: Objective, pixels: Tensor, iteration: int) -> _Point:
    pixels = pixels.detach().requires_grad_()
    terms = objective(pixels)
    losses = {
        name: value.item() for name, value in {**terms._asdict(), "total": terms.total}.items()
    }
    for name, value in losses.items():
        if not math.isfinite(value):
            raise Diverged(
                f"The {name} term became {value} at iteration {iteration}.",
                "Give a smaller learning rate or smaller weights.",
            )
    (gradient,) = torch.autograd.grad(terms.total, pixels)
    if not math.isfinite(gradient.sum().item()):
        raise Diverged(
            f"The gradient became infinite at iteration {iteration}, where the terms are {losses}.",
            "Give smaller weights.",
        )
    return _Point(pixels.detach(), gradient.contiguous(), losses)


def _first_order(
    objective: Objective, point: _Point, optimizer: Optimizer, rate: float
) -> Iterator[_Point]:
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
        point = _evaluate(objective, pixels.clone(), number)
        yield point


def _lbfgs(objective: Objective, point: _Point, rate: float) -> Iterator[_Point]:
    """L-BFGS within bounds: Nocedal 1980's two loops on the pixels that are free, as in projected Newton methods.

    Bertsekas 1982: pixels that are black or white and would go past it are left out of the step; what
    the step takes past it is clipped. The line search goes back until the objective has fallen by a
    ten-thousandth of what the slope promises (Armijo), so that it falls at every iteration.
    """
    pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=HISTORY)
    number = 0
    while True:
        x, g = point.pixels, point.gradient
        held = ((x <= 0) & (g > 0)) | ((x >= 255) & (g < 0))
        free = g.masked_fill(held, 0)
        direction = _quasi_newton(free, pairs).masked_fill_(held, 0)
        if _dot(direction, g) >= 0:
            pairs.clear()
            direction = _quasi_newton(free, pairs)
        following = _search(objective, point, direction, rate, number + 1)
        if following is None and pairs:  # What was learnt of the curvature no longer holds.
            pairs.clear()
            following = _search(objective, point, _quasi_newton(free, pairs), rate, number + 1)
        if following is None:
            return
        step, change = following.pixels - x, following.gradient - g
        curvature = _dot(step, change)
        if curvature > 1e-10 * _dot(change, change) ** 0.5 * _dot(step, step) ** 0.5:
            pairs.append((step, change, curvature))
        point, number = following, number + 1
        yield point


def _quasi_newton(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    """The step that the curvature asks for: - H gradient, by the two loops."""
    if not pairs:
        length = gradient.square().mean().sqrt().clamp_min(1e-30)
        return gradient * (-FIRST_STEP / length)
    q = -gradient
    shares = []
    for step, change, curvature in reversed(pairs):
        share = _dot(step, q) / curvature
        shares.append(share)
        q.add_(change, alpha=-share)
    _, change, curvature = pairs[-1]
    q.mul_(curvature / _dot(change, change))
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        q.add_(step, alpha=share - _dot(change, q) / curvature)
    return q


def _search(
    objective: Objective, point: _Point, direction: Tensor, rate: float, number: int
) -> _Point | None:
    length = rate
    for _ in range(MOST_TRIALS):
        pixels = (point.pixels + length * direction).clamp_(0, 255)
        slope = _dot(point.gradient, pixels - point.pixels)
        tried = _evaluate(objective, pixels, number)
        if tried.value <= point.value + 1e-4 * slope and tried.value < point.value:
            return tried
        length *= 0.4
    return None


def _dot(a: Tensor, b: Tensor) -> float:
    return torch.dot(a.flatten(), b.flatten()).item()
