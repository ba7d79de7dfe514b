"""Lower levels of live frames, which are painted anew for every second frame alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels
from fastnst.styles.mix import NetStyle

STEP = 16
"""Pixels from one that is compared to the next, across and down."""
CUT = 8.0
"""Mean difference of two frames, of 255, from which on each has its own: up to 16, a clip from a paraglider flickered a
tenth more."""


@dataclass
class _Kept:
    styles: Sequence[NetStyle]
    seen: npt.NDArray[np.int16]
    canvases: Pixels
    fresh: bool = True


class KeptLevels:
    """What the levels below the last painted of a live frame, for the next frame to be painted over too.

    The next frame comes so soon that what is coarse has hardly moved; the last level takes its outlines from the frame
    itself. Several threads may use it at once.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self._lock = threading.Lock()

    def under(
        self, photos: Pixels, styles: Sequence[NetStyle], paint: Callable[[], Pixels]
    ) -> Pixels:
        """Return the canvases (N, H, W, 3) for the last level.

        Args:
            photos: Frames, uint8 RGB (N, H, W, 3).
            styles: Styles of the frames.
            paint: Paints them. It is called for every second frame, for another style or size, and where a frame
                differs much from the one before.
        """
        seen = photos[:, ::STEP, ::STEP].astype(np.int16)
        with self._lock:
            kept = self._kept
            if (
                kept is not None
                and kept.fresh
                and kept.canvases.shape == photos.shape
                and all(map(_same, kept.styles, styles))
                and float(np.abs(kept.seen - seen).mean()) < CUT
            ):
                kept.fresh = False
                return kept.canvases
        canvases = paint()
        with self._lock:
            self._kept = _Kept(styles, seen, canvases)
        return canvases


def _same(one: NetStyle, other: NetStyle) -> bool:
    return (
        one.base == other.base
        and np.array_equal(one.rows, other.rows)
        and np.array_equal(one.statistics, other.statistics)
    )
