"""What a training shows and keeps: a progress line, sample sheets, the weights, a soft Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import Callback, ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from fastnst.files import written_whole
from fastnst.images import write_image
from fastnst.models import save_net

LINES = 60.0
"""Seconds between progress lines where there is no terminal to draw a bar on."""


class TrainingProgress(ProgressBar):
    """Step, losses, rate and time left: a bar on a terminal, a line a minute elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._started = self._printed = 0.0
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting at the present step, which is not 0 after a resume."""
        self._started = self._printed = time.monotonic()
        self._first = trainer.global_step
        if self._console.is_terminal:
            columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console)
            self._task = self._bar.add_task("starting", total=trainer.max_steps)
            self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Show how it stands."""
        step, now = trainer.global_step, time.monotonic()
        if self._bar is None and now - self._printed < LINES and step < trainer.max_steps:
            return
        self._printed = now
        rate = (step - self._first) / max(now - self._started, 1e-9)
        left = (trainer.max_steps - step) / max(rate, 1e-9)
        text = f"step {step}/{trainer.max_steps}{self._losses(trainer)}  {rate:.2f} steps/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=text)
        else:
            minutes, seconds = divmod(round(left), 60)
            self._console.print(f"{text}  {minutes}:{seconds:02d} left", highlight=False)

    @staticmethod
    def _losses(trainer: pl.Trainer) -> str:
        names = ("content", "style", "total")
        metrics = trainer.callback_metrics
        return "".join(f"  {name} {metrics[f'train/{name}']:.3f}" for name in names)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal as it was."""
        self.on_train_end(trainer, pl_module)

    def print(self, *args: Any, **kwargs: Any) -> None:
        """What Lightning prints goes above the bar."""
        self._console.print(*args)


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
        painted = pl_module(batch.to(torch.float32, memory_format=torch.channels_last))
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
            with written_whole(self._checkpoint) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            trainer.save_checkpoint(
                self._checkpoint
            )  # Takes part, and leaves the writing to the first.

    on_train_end = on_validation_end


class Finish(Callback):
    """Ends the training, with a last validation: at its last step, or after the one in hand at Ctrl-C."""

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over Ctrl-C; a second one ends the training at once."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
            print("Stopping after this step (again to stop at once) ...", file=sys.stderr)

        self._before = signal.signal(signal.SIGINT, stop)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any
    ) -> None:
        """Stop all processes at the same step."""
        last = trainer.global_step >= trainer.max_steps
        if trainer.strategy.reduce_boolean_decision(self.interrupted or last, all=False):
            trainer.should_stop = True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give Ctrl-C back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Give Ctrl-C back."""
        self.on_train_end(trainer, pl_module)
