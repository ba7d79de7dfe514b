"""The optimizer Muon for the kernels of convolutions, with Adam for everything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from fastnst.system.torch_device import has_bfloat16

MOMENTUM = 0.95
BETAS = (0.9, 0.999)
EPSILON = 1e-8
ITERATIONS = 5
"""Newton-Schulz iterations: singular values end between 0.7 and 1.2, which is near enough to 1."""
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic polynomial that raises small singular values fastest (Jordan et al. 2024)."""


class Muon(Optimizer):
    """Momentum whose steps are made orthogonal (Jordan et al. 2024, "Muon: An optimizer for hidden layers").

    A kernel (outputs, inputs, height, width) is taken as a matrix of `outputs` rows. Its momentum
    U S V^T is replaced by U V^T, so that every direction is learnt at the same rate, not only the few
    large ones, and scaled so that its entries have a root mean square of 1. Scales, shifts and biases
    are learnt by Adam (Kingma and Ba 2015). `torch.optim.Muon` refuses parameters that are not matrices.
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        """Take the parameters.

        Args:
            groups: Dictionaries of `params` and their `lr`: the root mean square of a step for kernels, which
                have 4 dimensions, and Adam's rate for the others.
        """
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; parameters without a gradient stay as they are."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    step = self._kernel_step if parameter.ndim == 4 else self._vector_step
                    parameter.sub_(group["lr"] * step(parameter.grad, self.state[parameter]))
        return loss

    def _kernel_step(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        momentum = state.setdefault("momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's.
        matrix = orthogonal(ahead.flatten(1))
        return (matrix * math.sqrt(max(matrix.shape))).view(gradient.shape)

    def _vector_step(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        number = state["step"] = state.get("step", 0) + 1
        mean = state.setdefault("mean", torch.zeros_like(gradient)).lerp_(gradient, 1 - BETAS[0])
        square = state.setdefault("square", torch.zeros_like(gradient))
        square.lerp_(gradient.square(), 1 - BETAS[1])
        size = (square / (1 - BETAS[1] ** number)).sqrt_().add_(EPSILON)
        step: Tensor = mean / (1 - BETAS[0] ** number) / size
        return step


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearly orthogonal matrix U V^T of a matrix U S V^T: its singular values become 0.7 to 1.2.

    Args:
        matrix: (M, N), float32.
    """
    # bfloat16 where it is fast: the steps are noisier than its rounding anyway.
    low = has_bfloat16(matrix.device.type)
    x = matrix.to(torch.bfloat16) if low else matrix
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-20)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = (x if wide else x.T).to(matrix.dtype)
    return result
