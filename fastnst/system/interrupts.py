"""Ctrl-C as a wish: long work ends at its next good moment, and keeps what is done."""

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
        self.asked = False
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
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print(f"Stopping after {self._moment} (again to stop at once) ...", file=sys.stderr)
