"""Graceful ends: Ctrl-C stops long work at its next good moment, and SIGTERM cleans up."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Context that turns the first Ctrl-C into a request; the second one is a `KeyboardInterrupt`.

    Outside the main thread it does nothing, as Python allows handlers only there.

    Args:
        moment: Moment at which the work will end, for the printed line: "this step".
    """

    def __init__(self, moment: str) -> None:
        self.requested = False
        """True if the user asked for the end of the work."""
        self._moment = moment
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print(f"Stopping after {self._moment} (again to stop at once) ...", file=sys.stderr)


def exit_cleanly_on_sigterm() -> None:
    """Make SIGTERM and SIGHUP raise `SystemExit` with the status that shells have for them.

    By default they end the process on the spot, and temporary files stay. A second signal still does. A signal that is
    ignored (`nohup`) or has a handler is left alone. Outside the main thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
