"""Progress of long work on standard error: a bar on a terminal, otherwise a line a minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

Progress: TypeAlias = Callable[[float, str], None]
"""Callback with the share of the work that is done, 0..1, and a note: "512 px  style 0.224"."""
LINE_SECONDS = 60.0
"""Seconds between lines where standard error is no terminal."""
FIRST_LINE_SECONDS = 8.0
"""Seconds until the first of them, that the rate is known soon."""


class StepProgress:
    """Display of steps of one kind, with their rate and the time left, on standard error.

    Args:
        unit: Name of the steps, in the plural: "steps".
        total: Number of steps at the end.
        done: Number of steps that were done before.
    """

    def __init__(self, unit: str, total: int, done: int = 0) -> None:
        self.console = Console(stderr=True)
        self._unit, self._total, self._first = unit, total, done
        self._started = time.monotonic()
        self._next = self._started + min(FIRST_LINE_SECONDS, LINE_SECONDS)
        self._recent = deque([(self._started, done)], maxlen=20)
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
        """Return whether `update` would show anything."""
        late = time.monotonic() >= self._next
        return self._bar is not None or late or done >= self._total

    def update(self, done: int, text: str, share: float | None = None) -> None:
        """Show the step, a text, the recent rate, and the time left.

        Args:
            done: Number of steps so far.
            text: Text on the step, such as its losses.
            share: Share of the work that is done, 0..1, where steps differ in length. None means `done` of the total.
        """
        now = time.monotonic()
        self._recent.append((now, done))
        if not self.due(done):
            return
        self._next = now + LINE_SECONDS
        then, before = self._recent[0]
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
