"""Figures of faults, which need no painting: checkerboard, repetition, border, flicker."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from fastnst.images.colors import luminance
from fastnst.images.pixels import Pixels

STRIDES = (2, 4)
"""Periods in pixels of the patterns that nets leave: their strides."""
SQUARE = 96
"""Side in pixels of the squares that are searched for repetition."""
FLAT_LEVELS = 14.0
"""Standard deviation of the photo's luminance, in levels of 255, below which a square is flat."""
LAGS = (6, 40)
"""Distances in pixels from the centre of the autocorrelation between which its highest peak is taken."""
HIGH_PASS_PERIOD = 40
"""Period in pixels at which the high-pass halves the amplitude: 94 % stay at 20 px, 16 % at 80 px."""
ROUNDING_LEVELS = 0.5
"""Standard deviation, in levels of 255, below which detail is rounding, which has 0.29 by itself."""
RING = 16
"""Width in pixels of the ring at the edge, and of the next one, to which it is compared."""
PAN_STEPS = 8
"""Number of steps of a pan."""
PAN_STEP = (1, 3)
"""Rows and columns that the window moves at each step: no multiples of the strides, so that their patterns show."""


def checkerboard(painted: Pixels, photo: Pixels) -> float:
    """Measure the checkerboard: 1 is none, nets that are in use have 2 to 23.

    The power spectrum of the luminance is taken at the frequencies (H/n, 0), (0, W/n) and (H/n, W/n), n = 2 and 4. Each
    of the six gives the mean of the 3x3 bins there over the median of the 13x13 bins around. The figure is their
    geometric mean, divided by the photo's.

    Args:
        painted: Stylized photo, (H, W, 3), 32 px or more each way.
        photo: Photo, of the same size.
    """
    return _peaks(painted) / _peaks(photo)


def _peaks(pixels: Pixels) -> float:
    y = luminance(pixels)
    height, width = (side // 4 * 4 for side in y.shape)
    y = y[:height, :width]
    power = np.abs(np.fft.fft2(y - y.mean())) ** 2
    around = np.arange(-6, 7)
    logs = []
    for n in STRIDES:
        for row, column in ((height // n, 0), (0, width // n), (height // n, width // n)):
            bins = power[np.ix_((row + around) % height, (column + around) % width)]
            # A picture of one colour has no power at all.
            logs.append(np.log(bins[5:8, 5:8].mean() + 1e-9) - np.log(np.median(bins) + 1e-9))
    return float(np.exp(np.mean(logs)))


def repetitions(painted: Pixels, photo: Pixels) -> list[float]:
    """Measure the `repetition` of each square of a centred grid in which the photo is flat.

    Args:
        painted: Stylized photo, (H, W, 3); no square fits where a side is below 96 px.
        photo: Photo, of the same size.
    """
    y, photo_y = luminance(painted), luminance(photo)
    return [
        repetition(y[square]) for square in _squares(y.shape) if photo_y[square].std() < FLAT_LEVELS
    ]


def _squares(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    rows, columns = (range(side % SQUARE // 2, side - SQUARE + 1, SQUARE) for side in shape)
    for top in rows:
        for left in columns:
            yield slice(top, top + SQUARE), slice(left, left + SQUARE)


def repetition(y: npt.NDArray[np.float32]) -> float:
    """Measure how much a square is one mark set again and again: 1 is a lattice, 0.2 a free texture.

    The repetition is the highest peak, 6 to 40 px from the centre, of the autocorrelation of the high-passed luminance.
    A peak is no lower than the eight lags around it; without one, or without any detail, the repetition is 0. The
    high-pass subtracts a Gaussian mean of standard deviation 7.5 px, normalized over the part of it within the square.
    The autocorrelation at a lag d is, over all pixels x with both x and x + d in the square, and without a window,

        sum h(x) h(x + d) / sqrt(sum h(x)^2 sum h(x + d)^2),

    so that it is 1 at lag 0, and 1 too at each period of an exact lattice, however few of its pixels
    overlap. Chance alone makes peaks of 0.1 in fine grain and of 0.25 in marks of 10 px.

    Args:
        y: Luminance (S, S), 0..255, S above 41; figures of 96 px can be compared.
    """
    side = len(y)
    at = np.arange(side)
    # exp(-2 (pi sigma / period)^2), the Gaussian's share of a period, is a half.
    sigma = HIGH_PASS_PERIOD * math.sqrt(math.log(2) / 2) / math.pi
    near = np.exp(-(((at[:, None] - at) / sigma) ** 2) / 2)
    near /= near.sum(axis=1, keepdims=True)
    detail: npt.NDArray[np.float64] = y.astype(np.float64) - near @ y @ near.T
    if detail.std() < ROUNDING_LEVELS:
        return 0.0
    nearest, farthest = LAGS
    lags = np.arange(-farthest - 1, farthest + 2)
    padded = (2 * side, 2 * side)  # With zeros, so that no lag wraps around.

    def correlated(
        a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        product = np.conj(np.fft.rfft2(a, padded)) * np.fft.rfft2(b, padded)
        whole: npt.NDArray[np.float64] = np.fft.irfft2(product, padded)
        return whole[np.ix_(lags, lags)]  # Negative lags are at the end, as negative indices are.

    energy = correlated(np.ones((side, side)), np.square(detail)).clip(1e-9)
    found = correlated(detail, detail) / np.sqrt(energy * energy[::-1, ::-1])
    inner = found[1:-1, 1:-1]
    distance = np.hypot(lags[1:-1, None], lags[1:-1])
    peaks = inner >= sliding_window_view(found, (3, 3)).max(axis=(2, 3))
    peaks &= (distance >= nearest) & (distance <= farthest)
    return float(inner[peaks].max(initial=0.0))


def border(painted: Pixels, photo: Pixels) -> float:
    """Measure how much the edge of a picture differs from the ring next to it: 1 is as much as in the photo.

    The difference between the outer 16 pixels and the next 16 is that of their means plus that of their standard
    deviations.

    Args:
        painted: Stylized photo, (H, W, 3), more than 64 px each way.
        photo: Photo, of the same size.
    """
    # Half a level is what rounding alone can make.
    return max(_edge(painted), 0.5) / max(_edge(photo), 0.5)


def _edge(pixels: Pixels) -> float:
    height, width = pixels.shape[0], pixels.shape[1]

    def ring(start: int) -> npt.NDArray[np.uint8]:
        inside = np.zeros((height, width), bool)
        inside[start : height - start, start : width - start] = True
        end = start + RING
        inside[end : height - end, end : width - end] = False
        return pixels[inside]

    outer, following = ring(0), ring(RING)
    return float(abs(outer.mean() - following.mean()) + abs(outer.std() - following.std()))


def pan(photo: Pixels) -> list[Pixels]:
    """Return the frames of a window that moves over a still photo.

    Args:
        photo: (H, W, 3); the window is `PAN_STEPS` steps smaller.
    """
    rows, columns = PAN_STEP
    height, width = photo.shape[0] - PAN_STEPS * rows, photo.shape[1] - PAN_STEPS * columns
    return [
        photo[rows * t : rows * t + height, columns * t : columns * t + width]
        for t in range(PAN_STEPS + 1)
    ]


def pan_flicker(frames: Sequence[Pixels]) -> float:
    """Return the mean difference between successive frames of a `pan`, aligned by its motion, in levels of 255."""
    rows, columns = PAN_STEP
    differences = [
        np.abs(later[:-rows, :-columns].astype(np.int16) - earlier[rows:, columns:]).mean()
        for earlier, later in pairwise(frames)
    ]
    return float(np.mean(differences))
