"""The optimizer of a training, and its learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from fastnst.models import StyleNet
from fastnst.training.muon import Muon
from fastnst.training.options import ANY, OptimizerOptions


def parameter_groups(
    net: StyleNet, options: OptimizerOptions, predictor_rate: float = ANY.learning_rate
) -> list[dict[str, Any]]:
    """Group the trainable kernels; scales, shifts and biases; and the predictor, with their learning rates."""
    predictor = set(net.predictor.parameters()) if net.predictor is not None else set()
    parameters = [p for p in net.parameters() if p.requires_grad and p not in predictor]
    groups = [
        {"params": [p for p in parameters if (p.ndim == 4) == kernels], "lr": rate}
        for kernels, rate in ((True, options.learning_rate), (False, options.norm_learning_rate))
    ]
    groups.append({"params": [p for p in predictor if p.requires_grad], "lr": predictor_rate})
    return [group for group in groups if group["params"]]


def build_optimizer(
    net: StyleNet,
    options: OptimizerOptions,
    *,
    steps: int,
    scale: Callable[[], float],
    predictor_rate: float = ANY.learning_rate,
) -> tuple[Optimizer, LambdaLR]:
    """Build an optimizer and the schedule of its learning rates, which ends at the last step.

    Args:
        net: The net to train.
        options: The optimizer's name, rates and warm-up.
        steps: Number of all steps.
        scale: A further factor of the rates, asked for at each step.
        predictor_rate: Highest rate of the predictor.
    """
    groups = parameter_groups(net, options, predictor_rate)
    optimizer = Muon(groups) if options.name == "muon" else torch.optim.Adam(groups)
    return optimizer, LambdaLR(
        optimizer, lambda step: scale() * rate_factor(step, steps, options.warmup_steps)
    )


def rate_factor(step: int, steps: int, warmup_steps: int) -> float:
    """Share of the highest learning rate at a step: it rises evenly, then falls along a half cosine to 0.

    Args:
        step: Number of the step, from 0.
        steps: Number of all steps.
        warmup_steps: Steps over which it rises, at most a tenth of all.
    """
    warmup = min(warmup_steps, steps // 10)
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return 0.5 + 0.5 * math.cos(math.pi * done)
