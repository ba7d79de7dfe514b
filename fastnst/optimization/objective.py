"""An objective at a point: its terms and its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnst.errors import Diverged
from fastnst.perceptual import LossTerms

Objective: TypeAlias = Callable[[Tensor], LossTerms]


class Point(NamedTuple):
    """Pixels, and what an objective is there."""

    pixels: Tensor
    gradient: Tensor
    losses: dict[str, float]

    @property
    def value(self) -> float:
        """The sum of the terms."""
        return self.losses["total"]


def evaluate(objective: Objective, pixels: Tensor, iteration: int) -> Point:
    """An objective and its gradient at some pixels.

    Raises:
        Diverged: A term or the gradient is infinite or not a number; the message names the iteration.
    """
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
    return Point(pixels.detach(), gradient.contiguous(), losses)
