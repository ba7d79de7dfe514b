"""Figures for pictures that need no painting to compare with: checkerboard, border, flicker."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fastnst.images.colors import luminance
from fastnst.images.read import Pixels

STRIDES = (2, 4)
"""Periods, in pixels, of the patterns that nets leave: the strides that they work at."""
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


def unsteadiness(frames: Sequence[Pixels]) -> float:
    """The mean difference between successive frames of a `pan`, brought into line by its motion, in levels."""
    rows, columns = PAN_STEP
    differences = [
        np.abs(later[:-rows, :-columns].astype(np.int16) - earlier[rows:, columns:]).mean()
        for earlier, later in pairwise(frames)
    ]
    return float(np.mean(differences))
