"""Progress of long work: how it is told, and a bar on a terminal or a line a minute elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

Progress: TypeAlias = Callable[[float, str], None]
"""What a job calls as it goes on: with the share of its work that is done, 0..1, and a note: "512 px  style 0.224"."""
LINES = 60.0
"""Seconds between lines where there is no terminal to draw a bar on."""


class StepProgress:
    """Steps of one kind, with their rate and the time left, on standard error.

    Args:
        unit: What is counted, in the plural: "steps".
        total: How many there will be.
        done: How many there were before.
    """

    def __init__(self, unit: str, total: int, done: int = 0) -> None:
        self.console = Console(stderr=True)
        self._unit, self._total, self._first = unit, total, done
        self._started = self._printed = time.monotonic()
        self._late = deque([(self._started, done)], maxlen=20)
        self._bar: Bar | None = None
        self._task = TaskID(0)
        if self.console.is_terminal:
            self._bar = Bar(
                BarColumn(),
                TextColumn("{task.description}"),
                console=self.console,
                redirect_stdout=False,
            )
            self._task = self._bar.add_task("starting", total=total)
            self._bar.start()

    def due(self, done: int) -> bool:
        """Whether `update` would show anything."""
        late = time.monotonic() - self._printed >= LINES
        return self._bar is not None or late or done >= self._total

    def update(self, done: int, text: str, share: float | None = None) -> None:
        """Show the step, what is to be said of it, the rate of late, and the time left.

        Args:
            done: Steps so far.
            text: Losses, say.
            share: Of the work, 0..1, where steps are not alike. None means `done` of the total.
        """
        now = time.monotonic()
        self._late.append((now, done))
        if not self.due(done):
            return
        self._printed = now
        then, before = self._late[0]
        rate = (done - before) / max(now - then, 1e-9)
        if share is None:
            share = (done - self._first) / max(self._total - self._first, 1)
        left = (now - self._started) * (1 - share) / max(share, 1e-9)
        minutes, seconds = divmod(round(left), 60)
        line = f"{self._unit.removesuffix('s')} {done}/{self._total}  {text}  {rate:.2f} {self._unit}/s"
        line += f"  {minutes}:{seconds:02d} left"
        if self._bar is not None:
            self._bar.update(self._task, completed=share * self._total, description=line)
        else:
            self.console.print(line, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
