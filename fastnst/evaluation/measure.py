"""The measurement at one size: all figures of a style, over the same photos."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from fastnst.evaluation.lbfgs_baseline import iterations, judged
from fastnst.evaluation.metrics import border, checkerboard, pan, pan_flicker, repetitions
from fastnst.evaluation.report import Measured, Quartiles
from fastnst.evaluation.views import Views
from fastnst.images.pixels import Pixels
from fastnst.perceptual import PerceptualLoss
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.system.progress import Progress, StepProgress

TIMED = 5
"""Pictures whose median is the time of one."""


class Photo(NamedTuple):
    """A photo at the size that is measured, and as it is seen."""

    pixels: Pixels
    """RGB uint8 (H, W, 3)."""
    seen: Image.Image
    """RGB, as `fastnst.evaluation.views.nearest` gives it."""


class Shown:
    """How far the photos of all sizes are.

    Args:
        total: How many there are at all sizes.
        progress: Whether it is shown.
    """

    def __init__(self, total: int, progress: bool) -> None:
        self._bar = StepProgress("photos", total) if progress else None
        self._total, self._done = total, 0

    def during(self, text: str) -> Progress:
        """Progress of the work on one photo."""
        return lambda share, now: self._show(f"{text}  {now}", self._done + share)

    def done(self, text: str) -> None:
        """One more photo is measured."""
        self._done += 1
        self._show(text, self._done)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.close()

    def _show(self, text: str, photos: float) -> None:
        if self._bar is not None:
            self._bar.update(self._done, text, photos / self._total)


def measure(
    stylizer: Stylizer,
    views: Views,
    loss: PerceptualLoss | None,
    size: int,
    photos: Sequence[Photo],
    most: int,
    shown: Shown,
) -> Measured:
    """All figures at one size.

    Args:
        stylizer: Paints.
        views: The painting in all views.
        loss: What the style was trained for; None leaves out what takes long: the objective, flicker and time.
        size: Longer side of the photos.
        photos: At least one.
        most: Iterations of L-BFGS.
        shown: The progress.

    Raises:
        FastnstError: The photos themselves are as near to the painting.
        Interrupted: Ctrl-C; what is kept on disk stays.
    """
    pictures = [photo.pixels for photo in photos]
    painted = [stylizer(photo) for photo in pictures]
    terms = judged(loss, painted, pictures, stylizer.name) if loss else []
    seen, counts = [], []
    for number, (photo, picture) in enumerate(zip(photos, painted, strict=True)):
        text = f"{size} px"
        if loss:
            counts.append(iterations(loss, photo.pixels, terms[number].total, number, most))
            text += f"  {counts[-1].from_noise} iterations from noise"
        seen.append(
            views.beside_optimization(picture, photo.seen, shown.during("optimizing a photo"))
        )
        shown.done(text)
    squares = [
        found for pair in zip(painted, pictures, strict=True) for found in repetitions(*pair)
    ]
    result = Measured(
        size=size,
        photos=len(photos),
        views_style=statistics.median(s.style for s in seen),
        views_content=statistics.median(s.content for s in seen),
        repetition=statistics.median(squares) if squares else None,
        flat_squares=len(squares),
        checkerboard=statistics.median(map(checkerboard, painted, pictures)),
        border=statistics.median(map(border, painted, pictures)),
    )
    if not loss:
        return result
    return replace(
        result,
        flicker=_flicker(stylizer, pictures, painted),
        milliseconds=_milliseconds(stylizer, pictures[0]),
        content=statistics.median(t.content for t in terms),
        style=statistics.median(t.style for t in terms),
        total=statistics.median(t.total for t in terms),
        photo_total=statistics.median(t.photo_total for t in terms),
        optimized_total=statistics.median(c.end for c in counts),
        from_noise=_quartiles([c.from_noise for c in counts]),
        from_photo=_quartiles([c.from_photo for c in counts]),
    )


def _quartiles(counts: Sequence[float]) -> Quartiles:
    """By rank, without a mean of two: a number of iterations, or infinity, that was found."""
    ranked = sorted(counts)
    first, median, third = (ranked[round(q * (len(ranked) - 1))] for q in (0.25, 0.5, 0.75))
    return first, median, third


def _flicker(stylizer: Stylizer, photos: Sequence[Pixels], painted: Sequence[Pixels]) -> float:
    """The pan_flicker over a pan, over the difference of two painted photos."""
    # A photo alone is compared with its mirror image.
    others = [*painted[1:], painted[0]] if len(painted) > 1 else [painted[0][:, ::-1]]
    apart = [_difference(a, b) for a, b in zip(painted, others, strict=True)]
    moving = [pan_flicker([stylizer(frame) for frame in pan(photo)]) for photo in photos]
    return statistics.median(moving) / max(statistics.median(apart), 1e-6)


def _difference(a: Pixels, b: Pixels) -> float:
    """The mean difference of two pictures, where both are."""
    height, width = (min(sides) for sides in zip(a.shape[:2], b.shape[:2], strict=True))
    return float(np.abs(a[:height, :width].astype(np.int16) - b[:height, :width]).mean())


def _milliseconds(stylizer: Stylizer, photo: Pixels) -> float:
    times = []
    for _ in range(TIMED):
        started = time.perf_counter()
        stylizer(photo)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3
