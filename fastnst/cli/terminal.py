"""Standard error of the commands: progress and messages."""

from __future__ import annotations

import sys
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


def progress_bar() -> Progress:
    """Return a bar with rate and time left on standard error.

    Where standard error is no terminal, it is a line after 8 seconds without any other, then after twice as long each
    time, up to a minute.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
    )
    from rich.progress import TimeRemainingColumn as TimeLeft
    from rich.text import Text

    from fastnst.system.progress import FIRST_LINE_SECONDS, LINE_SECONDS

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.2f}/s" if speed else "")

    class Watched(Console):
        """Console that knows when it was written to."""

        written = time.monotonic()

        def print(self, *objects: Any, **how: Any) -> None:
            super().print(*objects, **how)
            self.written = time.monotonic()

    class Bar(Progress):
        """Bar on a terminal; elsewhere lines."""

        _ended = Event()

        def start(self) -> None:
            super().start()
            if self.disable:
                console.written = time.monotonic()
                Thread(target=self._lines, daemon=True).start()

        def stop(self) -> None:
            self._ended.set()
            super().stop()

        def _lines(self) -> None:
            pause, said = FIRST_LINE_SECONDS, console.written
            while not self._ended.wait(max(said + pause - time.monotonic(), 0.0)):
                if console.written > said:
                    pause, said = FIRST_LINE_SECONDS, console.written
                    continue
                for task in self.tasks:
                    if task.visible:
                        print_line(task)
                pause, said = min(2 * pause, LINE_SECONDS), console.written

    def print_line(task: Task) -> None:
        left = TimeLeft().render(task).plain.strip("-:")
        line = f"{task.description}  {task.percentage:.0f} %" + f"  {left} left" * bool(left)
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    console = Watched(stderr=True)
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeLeft(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def say(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr)
