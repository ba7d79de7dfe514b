"""Sizes of the levels that a picture is painted at from coarse to fine, and the ground under the first."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.tiling import RegionReader
from fastnst.system.machine import cpu_count

ROWS_AT_ONCE = 256
"""Rows of a picture that is not in memory which are read at once."""
GRAINS = (8, 24)
"""Pixels from one independent value of the ground to the next, in its fine and in its coarse grain."""
GROUND_CONTRAST = 0.65
"""Factor of either grain, which is uniform in 0..255 before it is smoothed."""

MOST_BANDS = 4
"""Bands that are resampled at a time, where there are as many cores."""
LEAST_IN_BANDS = 50_000
"""Pixels from which on a picture is resampled in bands."""
REDUCING_GAP = 1.0
"""Least factor that bicubic resampling is left to shrink by: before, as many pixels as go are averaged, which nets are
trained with, in a fifth of the time; see `PIL.Image.Image.resize`."""


def level_sizes(height: int, width: int, base: float) -> list[tuple[int, int]]:
    """Return the heights and widths that a picture is painted at, from coarse to fine.

    The first has as many pixels as a square of side `base`, whatever the size of the picture; each of the
    next is larger by one and the same factor, about 2; the last is the picture's own.

    Args:
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        base: Side of the square in pixels, above 0.
    """
    factor = base / math.sqrt(height * width)
    steps = max(0, round(-math.log2(factor)))
    sizes = [
        (max(1, round(height * scale)), max(1, round(width * scale)))
        for scale in (factor ** (1 - step / steps) for step in range(steps))
    ]
    return [*sizes, (height, width)]


def ground(height: int, width: int, seed: int = 0) -> Pixels:
    """Return the ground that the coarsest level is painted over: a grain without any order, like a primed canvas.

    A net whose strides come to 8 px can only repeat itself every 8 px where a photo is flat. The grain differs
    from place to place, so that its marks can too. It has no seam from the right edge to the left one.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        seed: Another seed gives another grain.

    Returns:
        Uint8 RGB (height, width, 3), read-only, the same on every machine.
    """
    return _ground(height, width, seed)


@lru_cache(maxsize=32)
def _ground(height: int, width: int, seed: int) -> Pixels:
    total = np.full((height, width, 3), 127.5, np.float32)
    for number, grain in enumerate(GRAINS):
        rows, columns = (max(1, round(side / grain)) for side in (height, width))
        values = _hashed(rows, columns, 2 * seed + number)
        around = np.pad(values, ((2, 2), (2, 2), (0, 0)), "wrap")
        box = (2, 2, 2 + columns, 2 + rows)
        smooth = Image.fromarray(around).resize((width, height), Image.Resampling.BICUBIC, box)
        total += GROUND_CONTRAST * (np.asarray(smooth, np.float32) - 127.5)
    pixels = np.rint(np.clip(total, 0, 255)).astype(np.uint8)
    pixels.setflags(write=False)
    return pixels


def _hashed(rows: int, columns: int, seed: int) -> Pixels:
    """Return bytes (rows, columns, 3) that depend on their place alone, by the integer hash `lowbias32`."""
    places = np.arange(rows * columns * 3, dtype=np.uint64) + np.uint64(seed * 0x9E3779B9)
    x = (places & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x ^= x >> np.uint32(16)
    result: npt.NDArray[np.uint8] = (x >> np.uint32(24)).astype(np.uint8)
    return result.reshape(rows, columns, 3)


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a picture (H, W, 3) at another height and width, by bicubic resampling; unchanged where it has them."""
    height, width = size
    if pixels.shape[:2] == size:
        return pixels
    image = Image.fromarray(pixels)
    how = Image.Resampling.BICUBIC
    if height * width < LEAST_IN_BANDS or 2 * REDUCING_GAP * height <= image.height:
        return np.asarray(image.resize((width, height), how, reducing_gap=REDUCING_GAP))
    result = np.empty((height, width, 3), np.uint8)
    bands = _bands()
    edges = [height * number // bands for number in range(bands + 1)]

    def resize(first: int, last: int) -> None:
        box = (0, first * image.height / height, image.width, last * image.height / height)
        result[first:last] = np.asarray(image.resize((width, last - first), how, box))

    list(_pool().map(resize, edges[:-1], edges[1:]))
    return result


def _bands() -> int:
    return min(MOST_BANDS, cpu_count())


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_bands())


if hasattr(os, "register_at_fork"):  # A child has none of its parent's threads.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def all_resized(photos: Pixels, size: tuple[int, int]) -> Pixels:
    """Return pictures (N, H, W, 3) at another height and width, without a copy where they have it."""
    if photos.shape[1:3] == size:
        return photos
    if len(photos) == 1:
        return resized(photos[0], size)[None]
    return np.stack([resized(photo, size) for photo in photos])


def shrunk(region: RegionReader, height: int, width: int, size: tuple[int, int]) -> Pixels:
    """Return a smaller copy of a picture that need not be in memory: each pixel is the mean of what it covers.

    Args:
        region: Reads parts of the picture, (h, w, 3).
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        size: Height and width of the copy, neither larger than the picture's.
    """
    rows, columns = size
    result = np.empty((rows, columns, 3), np.uint8)
    at_once = max(1, ROWS_AT_ONCE * rows // height)
    for first in range(0, rows, at_once):
        last = min(first + at_once, rows)
        top, bottom = first * height / rows, last * height / rows
        start, end = math.floor(top), min(height, math.ceil(bottom))
        part = Image.fromarray(region(start, 0, end, width))
        box = (0, top - start, width, bottom - start)
        smaller = part.resize((columns, last - first), Image.Resampling.BOX, box)
        result[first:last] = np.asarray(smaller)
    return result


def enlarged(region: RegionReader, canvas: Pixels, height: int, width: int) -> RegionReader:
    """Return a reader of a picture together with its canvas (h, w, 6), where the canvas is kept at a smaller size.

    Args:
        region: Reads parts of the picture, (h, w, 3).
        canvas: The whole canvas at any size, (rows, columns, 3).
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
    """
    image = Image.fromarray(canvas)
    across, down = image.width / width, image.height / height
    # Pillow does not look past a box, so the box includes what bicubic curves look at around a part.
    around = math.ceil(3 / min(across, down))

    def both(top: int, left: int, bottom: int, right: int) -> Pixels:
        first, start = max(0, top - around), max(0, left - around)
        last, end = min(height, bottom + around), min(width, right + around)
        box = (start * across, first * down, end * across, last * down)
        larger = image.resize((end - start, last - first), Image.Resampling.BICUBIC, box)
        under = np.asarray(larger)[top - first : bottom - first, left - start : right - start]
        return np.concatenate([region(top, left, bottom, right), under], axis=2)

    return both
