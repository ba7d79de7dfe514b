"""Figures for pictures that need no painting to compare with: checkerboard, repetition, border, flicker."""

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
"""Periods, in pixels, of the patterns that nets leave: the strides that they work at."""
SQUARE = 96
"""Pixels on a side of the squares that are searched for repetition."""
FLAT = 14.0
"""Levels: in a flat square the photo's luminance has a standard deviation below this."""
LAGS = (6, 40)
"""Pixels from the centre of the autocorrelation between which its highest peak is sought."""
HIGH_PASS = 40
"""Period in pixels of which the high-pass leaves half the amplitude: of 20 px it leaves 94 %, of 80 px 16 %."""
UNSEEN = 0.5
"""Levels: detail of a smaller standard deviation is rounding, which is 0.29 by itself."""
RING = 16
"""Pixels at the edge of a picture that are compared to the next as many."""
PAN = 8
"""Steps of a pan, each of `PAN_STEP`."""
PAN_STEP = (1, 3)
"""Rows and columns that the window moves; no multiples of the strides, so that their patterns show."""


def checkerboard(painted: Pixels, photo: Pixels) -> float:
    """How much of a checkerboard there is: 1 is none, nets that are in use have 2 to 23.

    Of the luminance's power spectrum at the frequencies (H/n, 0), (0, W/n) and (H/n, W/n), n = 2 and 4:
    the mean of the 3x3 bins there over the median of the 13x13 around; the geometric mean of the six;
    divided by the same of the photo.

    Args:
        painted: (H, W, 3), 32 or more each way.
        photo: What it was painted from, of the same size.
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
            # The floor is that of a picture of one colour, which has no power at all.
            logs.append(np.log(bins[5:8, 5:8].mean() + 1e-9) - np.log(np.median(bins) + 1e-9))
    return float(np.exp(np.mean(logs)))


def repetitions(painted: Pixels, photo: Pixels) -> list[float]:
    """The `repetition` of each flat square of a picture: of those side by side, in its middle, where the photo is flat.

    Args:
        painted: (H, W, 3); no square fits where a side is below 96.
        photo: What it was painted from, of the same size.
    """
    y, grey = luminance(painted), luminance(photo)
    return [repetition(y[square]) for square in _squares(y.shape) if grey[square].std() < FLAT]


def _squares(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    rows, columns = (range(side % SQUARE // 2, side - SQUARE + 1, SQUARE) for side in shape)
    for top in rows:
        for left in columns:
            yield slice(top, top + SQUARE), slice(left, left + SQUARE)


def repetition(y: npt.NDArray[np.float32]) -> float:
    """How much a square is one mark set again and again: 1 is a lattice, 0.2 a free texture.

    The highest peak of the autocorrelation of what a high-pass leaves of the luminance, 6 to 40 px from
    its centre. A peak is no lower than the eight lags around it; without one, or without any detail, the
    repetition is 0. The high-pass takes away a Gaussian mean of standard deviation 7.5 px, over what of
    it is within the square. The autocorrelation at a lag d is, over all pixels x with both x and x + d
    in the square, and without a window,

        sum h(x) h(x + d) / sqrt(sum h(x)^2 sum h(x + d)^2),

    so that it is 1 at lag 0, and 1 too at each period of an exact lattice, however few of its pixels
    overlap. Chance alone makes peaks of 0.1 in fine grain and of 0.25 in marks of 10 px.

    Args:
        y: Luminance (S, S), 0..255, S above 41: 96 px for figures that can be compared.
    """
    side = len(y)
    at = np.arange(side)
    # exp(-2 (pi sigma / period)^2), the Gaussian's share of a period, is a half.
    sigma = HIGH_PASS * math.sqrt(math.log(2) / 2) / math.pi
    near = np.exp(-(((at[:, None] - at) / sigma) ** 2) / 2)
    near /= near.sum(axis=1, keepdims=True)
    detail: npt.NDArray[np.float64] = y.astype(np.float64) - near @ y @ near.T
    if detail.std() < UNSEEN:
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
    """How much the edge of a picture differs from what is next to it, in units of the photo's own difference.

    The difference of mean and of standard deviation, added, between the outer 16 pixels and the next 16.

    Args:
        painted: (H, W, 3), more than 64 each way.
        photo: What it was painted from, of the same size.
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
    """Frames of a window that moves over a still photo.

    Args:
        photo: (H, W, 3); the window is `PAN` steps smaller.
    """
    rows, columns = PAN_STEP
    height, width = photo.shape[0] - PAN * rows, photo.shape[1] - PAN * columns
    return [
        photo[rows * t : rows * t + height, columns * t : columns * t + width]
        for t in range(PAN + 1)
    ]


def pan_flicker(frames: Sequence[Pixels]) -> float:
    """The mean difference between successive frames of a `pan`, brought into line by its motion, in levels."""
    rows, columns = PAN_STEP
    differences = [
        np.abs(later[:-rows, :-columns].astype(np.int16) - earlier[rows:, columns:]).mean()
        for earlier, later in pairwise(frames)
    ]
    return float(np.mean(differences))
