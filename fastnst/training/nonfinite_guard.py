"""The guard against batches that would spoil a net, and trainings that diverge in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer

from fastnst.errors import Diverged

MAX_BAD_BATCHES = 3
"""Bad batches in a row that end the training."""
RECOVERY_BATCHES = 100
"""Good batches after which a halved learning rate is doubled again."""
COLLAPSED_BELOW = 1.0
"""Standard deviation, of 255, below which a stylized picture shows nothing."""
SHOWS_ABOVE = 8.0
"""Standard deviation, of 255, above which a photo shows something."""


class Guarded(Protocol):
    """The facts that a guarded module shares with its guard."""

    lr_scale: float
    """Factor of the module's learning rate, set by the guard."""
    last_terms: Mapping[str, Tensor]
    """Terms of the last batch, scalars by name."""
    last_collapsed: Tensor
    """True if a picture of the last batch collapsed to one colour, a scalar."""


def collapsed(stylized: Tensor, photos: Tensor) -> Tensor:
    """Return whether some stylized picture shows nothing of a photo that shows something, a scalar.

    Args:
        stylized: RGB (N, 3, H, W), float, 0..255.
        photos: RGB of the same shape, from which they were painted.
    """
    ours, theirs = (images.detach().flatten(1).std(dim=1) for images in (stylized, photos))
    return ((ours < COLLAPSED_BELOW) & (theirs > SHOWS_ABOVE)).any()


class NonFiniteGuard(Callback):
    """Skips steps whose loss or gradient is not finite or whose picture collapsed, and halves the learning rate."""

    def __init__(self) -> None:
        self._bad = self._good = 0
        self._lr_scale = 1.0

    def state_dict(self) -> dict[str, Any]:
        """The state for the checkpoint, so that a resumed training goes on at the same rate."""
        return {"bad": self._bad, "good": self._good, "lr_scale": self._lr_scale}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._bad, self._good = state_dict["bad"], state_dict["good"]
        self._lr_scale = state_dict["lr_scale"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the checkpoint's factor to the module."""
        cast(Guarded, pl_module).lr_scale = self._lr_scale

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Remove gradients that are not finite, so that the step changes nothing.

        Raises:
            Diverged: This was the last of several bad batches in a row.
        """
        module = cast(Guarded, pl_module)
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
            self._bad = 0
            self._good += 1
            if self._lr_scale < 1 and self._good >= RECOVERY_BATCHES:
                self._good, self._lr_scale = 0, 2 * self._lr_scale
                module.lr_scale = self._lr_scale
            return
        pl_module.zero_grad(set_to_none=True)
        self._bad, self._good, self._lr_scale = self._bad + 1, 0, self._lr_scale / 2
        module.lr_scale = self._lr_scale
        batch = trainer.global_step + 1
        cause = _cause(module)
        if self._bad < MAX_BAD_BATCHES:
            trainer.progress_bar_callback.print(  # type: ignore[union-attr]
                f"Batch {batch} is left out: {cause}. The learning rate is halved for the next {RECOVERY_BATCHES}."
            )
            return
        raise Diverged(
            f"Nothing could be learnt from batches {batch - MAX_BAD_BATCHES + 1} to {batch}: in the last one {cause}.",
            f"The last good weights are kept in {trainer.default_root_dir}."
            " Train again with a lower --model.optimizer.learning_rate, or look at the painting.",
        )


def _cause(module: Guarded) -> str:
    for name, value in module.last_terms.items():
        if not torch.isfinite(value):
            return f"the {name} term is {value.item()}"
    if module.last_collapsed:
        return "the painting is of one colour"
    return "the gradient is no number"
