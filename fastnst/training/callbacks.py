"""Callbacks of a training: progress line, sample sheets, weights, and the end by Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import Callback, ProgressBar
from rich.console import Console
from torch import Tensor

from fastnst.errors import Diverged
from fastnst.images.write import write_image
from fastnst.models import save_net
from fastnst.system.atomic import atomic_write
from fastnst.system.interrupts import Interrupts
from fastnst.system.progress import StepProgress
from fastnst.training.module import StyleTransfer


class TrainingProgress(ProgressBar):
    """A line with step, losses, rate and time left."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: StepProgress | None = None
        self._enabled = True

    def disable(self) -> None:
        """Be silent; Lightning asks it of all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Show progress again."""
        self._enabled = True

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Say what comes before the first step, which may take a while."""
        super().setup(trainer, pl_module, stage)
        if self._enabled:
            Console(stderr=True).print("Measuring paintings and photos.", highlight=False)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count from the present step, which is not 0 after a resume."""
        if self._enabled:
            self._shown = StepProgress("steps", trainer.max_steps, trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Show the step and its losses."""
        if self._shown is not None and self._shown.due(trainer.global_step):
            names, metrics = ("content", "style", "total"), trainer.callback_metrics
            text = "  ".join(f"{name} {metrics[f'train/{name}']:.3f}" for name in names)
            self._shown.update(trainer.global_step, text)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the terminal."""
        if self._shown is not None:
            self._shown.close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the terminal."""
        self.on_train_end(trainer, pl_module)

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bar."""
        if self._shown is not None:
            self._shown.console.print(*args)


class SampleSheet(Callback):
    """Writes a sheet after each validation: held-out photos above, stylized below."""

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
        """Stylize the batch."""
        photos = batch.to(torch.float32, memory_format=torch.channels_last)
        module = cast(StyleTransfer, pl_module)
        stylized = module(photos, module.held_out_styles(len(batch) * batch_idx, len(batch)))
        self._rows.append((batch.cpu(), stylized.clamp(0, 255).round().byte().cpu()))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the sheet to the run folder and to TensorBoard."""
        photos, stylized = (torch.cat(row) for row in zip(*self._rows, strict=True))
        self._rows.clear()
        if not trainer.is_global_zero:
            return
        sheet = np.concatenate(
            [
                np.concatenate(list(row.permute(0, 2, 3, 1).numpy()), axis=1)
                for row in (photos, stylized)
            ]
        )
        step = trainer.global_step
        write_image(self._folder / f"step-{step:06d}.png", Image.fromarray(sheet))
        for logger in trainer.loggers:
            if isinstance(logger, pl.loggers.TensorBoardLogger):
                logger.experiment.add_image("samples", sheet, step, dataformats="HWC")


class SaveWeights(Callback):
    """Writes the net with its card, and a checkpoint to resume from, after each validation and at the end."""

    def __init__(self, weights: Path, checkpoint: Path) -> None:
        self._weights, self._checkpoint = weights, checkpoint

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the weights, then the checkpoint, so that the checkpoint is never newer."""
        if trainer.is_global_zero:
            module = cast(StyleTransfer, pl_module)
            save_net(self._weights, module.net, module.card())
            with atomic_write(self._checkpoint) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            # Every process takes part; the first one alone writes.
            trainer.save_checkpoint(self._checkpoint)

    on_train_end = on_validation_end

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Write the weights of a training that diverged; it took no bad step."""
        if isinstance(exception, Diverged):
            self.on_validation_end(trainer, pl_module)


class GracefulStop(Callback):
    """Ends the training with a last validation, at its last step or after the present one at Ctrl-C."""

    def __init__(self) -> None:
        self._interrupts = Interrupts("this step")

    @property
    def interrupted(self) -> bool:
        """Return whether Ctrl-C ended the training."""
        return self._interrupts.requested

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Handle Ctrl-C from now on; a second one ends the training at once."""
        self._interrupts.__enter__()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Stop all processes at the same step."""
        last = trainer.global_step >= trainer.max_steps
        if trainer.strategy.reduce_boolean_decision(self.interrupted or last, all=False):
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Restore the handling of Ctrl-C."""
        self._interrupts.__exit__()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Restore the handling of Ctrl-C."""
        self.on_train_end(trainer, pl_module)
