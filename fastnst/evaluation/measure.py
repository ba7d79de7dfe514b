"""Measurement at one size: all figures of a style, over the same photos."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from fastnst.evaluation.lbfgs_baseline import count_iterations, objectives
from fastnst.evaluation.metrics import border, checkerboard, pan, pan_flicker, repetitions
from fastnst.evaluation.report import Quartiles, SizeReport
from fastnst.evaluation.views import Views
from fastnst.images.pixels import Pixels
from fastnst.perceptual import PerceptualLoss
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.system.progress import Progress, StepProgress

TIMED_RUNS = 5
"""Number of times that a photo is painted for the median time."""


class Photo(NamedTuple):
    """Photo at the size of the measurement, and in the nearest view."""

    pixels: Pixels
    """RGB uint8 (H, W, 3)."""
    view: Image.Image
    """RGB, see `fastnst.evaluation.views.nearest_view`."""


class PhotoProgress:
    """Progress over the photos of all sizes.

    Args:
        total: Number of photos at all sizes.
        progress: Whether it is shown.
    """

    def __init__(self, total: int, progress: bool) -> None:
        self._bar = StepProgress("photos", total) if progress else None
        self._total, self._done = total, 0

    def during(self, text: str) -> Progress:
        """Return the callback for the progress of the work on one photo."""
        return lambda share, now: self._show(f"{text}  {now}", self._done + share)

    def done(self, text: str) -> None:
        """Count one more photo."""
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
    max_iterations: int,
    shown: PhotoProgress,
) -> SizeReport:
    """Measure all figures at one size.

    Args:
        stylizer: Stylizer with the style.
        views: Views of the painting.
        loss: Objective of the style's training; None leaves out what takes long: the objective, flicker and time.
        size: Longer side of the photos in pixels.
        photos: Photos of that size, at least one.
        max_iterations: Most iterations of each optimization by L-BFGS.
        shown: Progress to advance.

    Raises:
        FastnstError: The photos themselves are as near to the painting as the stylized ones.
        Interrupted: Ctrl-C; what is cached stays.
    """
    originals = [photo.pixels for photo in photos]
    stylized = [stylizer(photo) for photo in originals]
    values = objectives(loss, stylized, originals, stylizer.name) if loss else []
    terms, counts = [], []
    for number, (photo, picture) in enumerate(zip(photos, stylized, strict=True)):
        text = f"{size} px"
        if loss:
            total = values[number].total
            counts.append(count_iterations(loss, photo.pixels, total, number, max_iterations))
            text += f"  {counts[-1].from_noise} iterations from noise"
        terms.append(views.relative_terms(picture, photo.view, shown.during("optimizing a photo")))
        shown.done(text)
    squares = [
        value for pair in zip(stylized, originals, strict=True) for value in repetitions(*pair)
    ]
    result = SizeReport(
        size=size,
        photos=len(photos),
        views_style=statistics.median(t.style for t in terms),
        views_content=statistics.median(t.content for t in terms),
        repetition=statistics.median(squares) if squares else None,
        flat_squares=len(squares),
        checkerboard=statistics.median(map(checkerboard, stylized, originals)),
        border=statistics.median(map(border, stylized, originals)),
    )
    if not loss:
        return result
    return replace(
        result,
        flicker=_flicker(stylizer, originals, stylized),
        milliseconds=_milliseconds(stylizer, originals[0]),
        content=statistics.median(v.content for v in values),
        style=statistics.median(v.style for v in values),
        total=statistics.median(v.total for v in values),
        photo_total=statistics.median(v.photo_total for v in values),
        optimized_total=statistics.median(c.end for c in counts),
        from_noise=_quartiles([c.from_noise for c in counts]),
        from_photo=_quartiles([c.from_photo for c in counts]),
    )


def _quartiles(counts: Sequence[float]) -> Quartiles:
    """Return the quartiles by rank, without means of two, which infinity would spoil."""
    ranked = sorted(counts)
    first, median, third = (ranked[round(q * (len(ranked) - 1))] for q in (0.25, 0.5, 0.75))
    return first, median, third


def _flicker(stylizer: Stylizer, photos: Sequence[Pixels], stylized: Sequence[Pixels]) -> float:
    """Return the flicker of pans, relative to the difference of two stylized photos."""
    # A photo alone is compared with its mirror image.
    others = [*stylized[1:], stylized[0]] if len(stylized) > 1 else [stylized[0][:, ::-1]]
    differences = [_difference(a, b) for a, b in zip(stylized, others, strict=True)]
    flickers = [pan_flicker([stylizer(frame) for frame in pan(photo)]) for photo in photos]
    return statistics.median(flickers) / max(statistics.median(differences), 1e-6)


def _difference(a: Pixels, b: Pixels) -> float:
    """Return the mean absolute difference of two images over their common area."""
    height, width = (min(sides) for sides in zip(a.shape[:2], b.shape[:2], strict=True))
    return float(np.abs(a[:height, :width].astype(np.int16) - b[:height, :width]).mean())


def _milliseconds(stylizer: Stylizer, photo: Pixels) -> float:
    times = []
    for _ in range(TIMED_RUNS):
        started = time.perf_counter()
        stylizer(photo)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3
