"""A window, by OpenCV."""

from __future__ import annotations

import os
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnst.images.pixels import Pixels
from fastnst.runtime.live.controls import HELP, Controls, named

WINDOW = "fastnst"
LAST = 30
"""Number of frames in the rolling rate and delay."""
LINE, COLUMN = 20, 90
"""Distances in pixels: from a line of text to the next, and from a key to its meaning."""


class Spans(deque[float]):
    """Latest durations, in seconds."""

    def __init__(self) -> None:
        super().__init__(maxlen=10_000)


def median(spans: Sequence[float]) -> float:
    """Return the median; 0 if there are none."""
    return statistics.median(spans) if spans else 0.0


class Screen:
    """Window of OpenCV that shows frames."""

    def __init__(self, cv: Any, controls: Controls, size: tuple[int, int]) -> None:
        self._cv, self._controls, self._full, self._beside = cv, controls, False, False
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # That it has no fonts.
        cv.namedWindow(WINDOW, cv.WINDOW_NORMAL | cv.WINDOW_KEEPRATIO | cv.WINDOW_GUI_NORMAL)
        cv.resizeWindow(WINDOW, *size)
        self._size = size

    def show(
        self, picture: Pixels, rate: float, delays: Sequence[float], notes: Sequence[str]
    ) -> str:
        """Draw a frame, and return the name of the key that was pressed, or nothing."""
        cv, now = self._cv, self._controls
        if now.full != self._full:
            self._full = now.full
            cv.setWindowProperty(WINDOW, cv.WND_PROP_FULLSCREEN, float(now.full))
        if now.beside != self._beside:
            self._beside = now.beside
            cv.resizeWindow(WINDOW, self._size[0] * (2 if now.beside else 1), self._size[1])
        drawn = cv.cvtColor(picture, cv.COLOR_RGB2BGR)
        lines: list[tuple[str, ...]] = []
        if now.figures:
            delay = 1e3 * median(list(delays)[-LAST:])
            lines.append((f"{now.mix.style}  {rate:.0f} fps  {delay:.0f} ms",))
        lines += [(text,) for text in (now.message, *notes) if text]
        self._write(drawn, [*lines, *(HELP if now.help else [])])
        cv.imshow(WINDOW, drawn)
        key = named(cv.waitKeyEx(1))
        if cv.getWindowProperty(WINDOW, cv.WND_PROP_VISIBLE) < 1:
            now.quit = True
        return key

    def _write(self, drawn: Any, lines: Sequence[tuple[str, ...]]) -> None:
        """Lines of text, with what is behind them darkened; those of two columns have the second at one place."""
        cv, font = self._cv, (self._cv.FONT_HERSHEY_SIMPLEX, 0.5)
        if not lines:
            return
        width = max(
            COLUMN * column + cv.getTextSize(text, *font, 1)[0][0]
            for line in lines
            for column, text in enumerate(line)
        )
        behind = drawn[: LINE * len(lines) + 10, : width + 16]
        np.multiply(behind, 0.4, out=behind, casting="unsafe")
        for row, line in enumerate(lines):
            for column, text in enumerate(line):
                place = (8 + COLUMN * column, LINE * (row + 1))
                cv.putText(drawn, text, place, *font, (255, 255, 255), 1, cv.LINE_AA)

    def close(self) -> None:
        """Close the window."""
        self._cv.destroyAllWindows()
        self._cv.waitKeyEx(1)
