"""What keeps one bad batch from spoiling a net, and a bad training from going on in silence."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer

from fastnst.errors import Diverged

MOST_IN_A_ROW = 3
"""Batches that nothing can be learnt from before the training ends."""
RECOVERY = 100
"""Good batches after which a halved learning rate is doubled again."""
FLAT = 1.0
"""Standard deviation, in levels, below which a painting shows nothing."""
NOT_FLAT = 8.0
"""The same of a photo that shows something."""


def flat(painted: Tensor, photos: Tensor) -> Tensor:
    """Whether a painting shows nothing of a photo that shows something, a scalar.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255.
        photos: What it was painted from.
    """
    spread, own = (images.detach().flatten(1).std(dim=1) for images in (painted, photos))
    return ((spread < FLAT) & (own > NOT_FLAT)).any()


class Guard(Callback):
    """Leaves out steps whose loss or gradient is no number, or whose painting went flat, and lowers the rate.

    The module tells what it saw in `seen`: the terms by name, and `flat`. It multiplies its learning
    rate by its `caution`.
    """

    def __init__(self) -> None:
        self._bad = self._good = 0
        self._caution = 1.0

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint, so that a training that goes on is as careful."""
        return {"bad": self._bad, "good": self._good, "caution": self._caution}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self._bad, self._good = state_dict["bad"], state_dict["good"]
        self._caution = state_dict["caution"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hand the caution of the checkpoint on."""
        pl_module.caution = self._caution  # type: ignore[assignment]

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Take the gradients away if they are no numbers: then nothing moves.

        Raises:
            Diverged: It was so for the last few batches.
        """
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        if torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
            self._bad = 0
            self._good += 1
            if self._caution < 1 and self._good >= RECOVERY:
                self._good, self._caution = 0, 2 * self._caution
                pl_module.caution = self._caution  # type: ignore[assignment]
            return
        pl_module.zero_grad(set_to_none=True)
        self._bad, self._good, self._caution = self._bad + 1, 0, self._caution / 2
        pl_module.caution = self._caution  # type: ignore[assignment]
        batch = trainer.global_step + 1
        cause = _cause(pl_module.seen)  # type: ignore[arg-type]
        if self._bad < MOST_IN_A_ROW:
            trainer.progress_bar_callback.print(  # type: ignore[union-attr]
                f"Batch {batch} is left out: {cause}. The learning rate is halved for the next {RECOVERY}."
            )
            return
        raise Diverged(
            f"Nothing could be learnt from batches {batch - MOST_IN_A_ROW + 1} to {batch}: in the last one {cause}.",
            f"The last good weights are kept in {trainer.default_root_dir}."
            " Train again with a lower --model.learning_rate, or look at the painting.",
        )


def _cause(seen: dict[str, Tensor]) -> str:
    for name, value in seen.items():
        if name != "flat" and not torch.isfinite(value):
            return f"the {name} term is {value.item()}"
    if seen["flat"]:
        return "the painting is of one colour"
    return "the gradient is no number"
