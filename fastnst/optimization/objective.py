"""Objectives at a point: terms and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnst.errors import Diverged
from fastnst.perceptual import LossTerms

Objective: TypeAlias = Callable[[Tensor], LossTerms]
"""Differentiable function from pixels (1, C, H, W), 0..255, to terms."""


class Point(NamedTuple):
    """Pixels with the objective there."""

    pixels: Tensor
    """Pixels, (1, C, H, W), 0..255."""
    gradient: Tensor
    """Gradient of the objective, of the same shape."""
    losses: dict[str, float]
    """Value of each term, and of their sum under `total`."""

    @property
    def value(self) -> float:
        """Sum of the terms."""
        return self.losses["total"]


def evaluate(objective: Objective, pixels: Tensor, iteration: int) -> Point:
    """Compute an objective and its gradient.

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
