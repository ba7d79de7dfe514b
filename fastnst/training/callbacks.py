"""What a training shows and keeps: a progress line, sample sheets, the weights, a soft Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import Callback, ProgressBar
from torch import Tensor

from fastnst.errors import Diverged
from fastnst.images.write import write_image
from fastnst.models import save_net
from fastnst.system.atomic import atomic_write
from fastnst.system.interrupts import Interrupts
from fastnst.system.progress import StepProgress


class TrainingProgress(ProgressBar):
    """Step, losses, rate and time left."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: StepProgress | None = None
        self._enabled = True

    def disable(self) -> None:
        """Be silent: what Lightning asks of all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Speak again."""
        self._enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting at the present step, which is not 0 after a resume."""
        if self._enabled:
            self._shown = StepProgress("steps", trainer.max_steps, trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Show how it stands."""
        if self._shown is not None and self._shown.due(trainer.global_step):
            names, metrics = ("content", "style", "total"), trainer.callback_metrics
            text = "  ".join(f"{name} {metrics[f'train/{name}']:.3f}" for name in names)
            self._shown.update(trainer.global_step, text)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the terminal as it was."""
        if self._shown is not None:
            self._shown.close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal as it was."""
        self.on_train_end(trainer, pl_module)

    def print(self, *args: Any, **kwargs: Any) -> None:
        """What Lightning prints goes above the bar."""
        if self._shown is not None:
            self._shown.console.print(*args)


class SampleSheet(Callback):
    """After each validation a sheet of the held-out photos, photos above, painted below."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[tuple[Tensor, Tensor]] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Paint the batch."""
        photos = batch.to(torch.float32, memory_format=torch.channels_last)
        styles = pl_module.held_out_styles(len(batch) * batch_idx, len(batch))  # type: ignore[operator]
        painted, _ = pl_module(photos, styles)
        self._rows.append((batch.cpu(), painted.clamp(0, 255).round().byte().cpu()))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the sheet to the run folder and to TensorBoard."""
        photos, painted = (torch.cat(row) for row in zip(*self._rows, strict=True))
        self._rows.clear()
        if not trainer.is_global_zero:
            return
        sheet = np.concatenate(
            [
                np.concatenate(list(row.permute(0, 2, 3, 1).numpy()), axis=1)
                for row in (photos, painted)
            ]
        )
        step = trainer.global_step
        write_image(self._folder / f"step-{step:06d}.png", Image.fromarray(sheet))
        for logger in trainer.loggers:
            if isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.experiment.add_image("samples", sheet, step, dataformats="HWC")


class KeepWeights(Callback):
    """Writes the net with its card, and a checkpoint to go on from, after each validation and at the end."""

    def __init__(self, weights: Path, checkpoint: Path) -> None:
        self._weights, self._checkpoint = weights, checkpoint

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the weights as they are, then the checkpoint, which so never is ahead of them."""
        if trainer.is_global_zero:
            save_net(self._weights, pl_module.net, pl_module.card())  # type: ignore[arg-type, operator]
            with atomic_write(self._checkpoint) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            trainer.save_checkpoint(
                self._checkpoint
            )  # Takes part, and leaves the writing to the first.

    on_train_end = on_validation_end

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Of a training that diverged, keep the weights before it did: no bad step was taken."""
        if isinstance(exception, Diverged):
            self.on_validation_end(trainer, pl_module)


class Finish(Callback):
    """Ends the training, with a last validation: at its last step, or after the one in hand at Ctrl-C."""

    def __init__(self) -> None:
        self._interrupts = Interrupts("this step")

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self._interrupts.requested

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over Ctrl-C; a second one ends the training at once."""
        self._interrupts.__enter__()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Stop all processes at the same step."""
        last = trainer.global_step >= trainer.max_steps
        if trainer.strategy.reduce_boolean_decision(self.interrupted or last, all=False):
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give Ctrl-C back."""
        self._interrupts.__exit__()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give Ctrl-C back."""
        self.on_train_end(trainer, pl_module)
