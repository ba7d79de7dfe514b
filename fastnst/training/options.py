"""Options of a training, in groups: the recipe's defaults, with their meaning as help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from fastnst.errors import FastnstError
from fastnst.models import NetConfig

Trainable: TypeAlias = Literal["all", "norms", "predictor"]


def _above_0(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise FastnstError(f"{name} is {value:g}.", "It must be above 0.")


@dataclass(frozen=True)
class ObjectiveOptions:
    """Content and style terms, and the distances that a picture is looked at from."""

    content_layers: Mapping[str, float] = field(default_factory=lambda: {"relu3_3": 1.0})
    """Layers of VGG-16 that keep the photo, each with its share."""
    style_layers: Mapping[str, float] = field(
        default_factory=lambda: {"relu1_2": 1.0, "relu2_2": 1.5, "relu3_3": 1.5, "relu4_3": 1.0}
    )
    """Layers of VGG-16 that bring the painting, each with its share."""
    content_weight: float = 1.0
    """Weight of the content term, which is 1 for an unrelated photo."""
    content_focus: float = 0.85
    """Share of the content term, 0 to 1, that is given to places by how much a deep layer of VGG-16 answers to
    them: faces keep more of the photo, and skies less."""
    style_weight: float = 8.0
    """Weight of the style term, which is 1 for the photo itself."""
    style_power: float = 0.5
    """Power that the style term of each layer is raised to, see `PerceptualLoss`."""
    far_style: float = 0.45
    """Factor of the style weight for pictures half as large as those of the second level, and again for each
    further halving. Nets of one level leave it out."""
    view_weights: tuple[float, ...] = (1.0, 1.0, 0.5)
    """Weights of the objective on a picture as it is, as seen from twice as far, and so on. Nets of one level
    see pictures as they are alone."""

    def __post_init__(self) -> None:
        weights = self.view_weights
        if not weights or not any(weights) or not all(0 <= w < math.inf for w in weights):
            raise FastnstError(
                f"The view weights are {list(weights)}.",
                "Each must be 0 or more, and at least one above 0.",
            )
        if not 0 <= self.content_focus <= 1:
            raise FastnstError(f"content_focus is {self.content_focus:g}.", "It is 0 to 1.")
        _above_0("far_style", self.far_style)


@dataclass(frozen=True)
class OptimizerOptions:
    """The optimizer, and its learning rates over the training."""

    name: Literal["muon", "adam"] = "muon"
    """Muon for the kernels and Adam for everything else, or Adam for all, as in Johnson et al. 2016."""
    learning_rate: float = 4.0e-4
    """Highest rate of the convolutions' kernels."""
    norm_learning_rate: float = 5.0e-3
    """Highest rate of scales, shifts and biases."""
    warmup_steps: int = 100
    """Steps over which the rates rise, at most a tenth of all; then they fall along a half cosine to 0."""

    def __post_init__(self) -> None:
        _above_0("learning_rate", self.learning_rate)
        _above_0("norm_learning_rate", self.norm_learning_rate)
        if self.warmup_steps < 0:
            raise FastnstError(f"warmup_steps is {self.warmup_steps}.", "It must be 0 or more.")


@dataclass(frozen=True)
class AnyOptions:
    """Any painting: a predictor that learns from hundreds of paintings what rows suit one it has never seen."""

    folder: Path | None = None
    """Folder of paintings, searched to any depth; null trains no predictor."""
    share: float = 0.5
    """Share of the pictures that are painted like one of them, where the net has styles of its own too."""
    learning_rate: float = 1.0e-3
    """Highest rate of the predictor."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise FastnstError(f"any.share is {self.share:g}.", "It must be above 0, at most 1.")
        _above_0("any.learning_rate", self.learning_rate)


ANY = AnyOptions()
NET = NetConfig(name="unet", width=32, blocks=4, levels=3)
"""The net that is trained unless another is asked for."""
OBJECTIVE = ObjectiveOptions()
OPTIMIZER = OptimizerOptions()
