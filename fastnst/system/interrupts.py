"""Ctrl-C as a wish, at which long work ends at its next good moment; SIGTERM as an end that cleans up."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Takes over Ctrl-C while it is entered; a second one is a `KeyboardInterrupt` as ever.

    Outside the main thread it does nothing, as Python allows no more.

    Args:
        moment: When the work will end, for the line that answers: "this step".
    """

    def __init__(self, moment: str) -> None:
        self.requested = False
        """Whether the user wants the work to end."""
        self._moment = moment
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print(f"Stopping after {self._moment} (again to stop at once) ...", file=sys.stderr)


def exit_cleanly_on_sigterm() -> None:
    """SIGTERM, and the end of the terminal, raise `SystemExit` with the status that shells have for them.

    By default they end the process on the spot, and temporary files stay. A second one still does. Outside the main
    thread this does nothing, and what is ignored (`nohup`) or has a handler is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
