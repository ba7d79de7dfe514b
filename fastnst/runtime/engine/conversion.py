"""Paths, Pillow images and arrays in, the same kind out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels, resize_long_edge, to_rgb_array, upright_srgb
from fastnst.images.read import read_image

AnyPhoto: TypeAlias = str | os.PathLike[str] | Image.Image | Pixels
"""Path of a picture, Pillow image, or uint8 RGB array (H, W, 3)."""


def paint_any(
    photo: AnyPhoto,
    paint: Callable[[Pixels], Pixels],
    *,
    size: int | None = None,
    within: tuple[int, int] | None = None,
) -> Image.Image | Pixels:
    """Paint a photo of any kind.

    Args:
        photo: Path, Pillow image, or array.
        paint: From uint8 RGB (H, W, 3) to the same.
        size: Longer side in pixels that the photo is scaled to; None keeps its size.
        within: Height and width that the photo is scaled to fit into, whatever `size` is.

    Returns:
        An array for an array; else a Pillow image, RGB or, with the photo's transparency, RGBA.

    Raises:
        UnreadableImage: The path is no picture.
        FastnstError: The array is not uint8 (H, W, 3), or the size is below 1.
    """
    if isinstance(photo, np.ndarray):
        check_array(photo, 3)
        if size is None and within is None:
            return paint(photo)
        image = Image.fromarray(photo)
    elif isinstance(photo, Image.Image):
        image = upright_srgb(photo)
    else:
        image = read_image(photo)
    if within is not None:
        fit = min(within[1] / image.width, within[0] / image.height)
        size = round(max(image.size) * fit)
    if size is not None:
        image = resize_long_edge(image, size)
    painted = paint(to_rgb_array(image))
    if isinstance(photo, np.ndarray):
        return painted
    result = Image.fromarray(painted)
    if image.mode == "RGBA":
        result.putalpha(image.getchannel("A"))
    return result


def check_array(photos: Any, dimensions: int) -> None:
    """Refuse an array that is not uint8 RGB.

    Args:
        photos: The array.
        dimensions: 3 for (height, width, 3), 4 for (count, height, width, 3).

    Raises:
        FastnstError: It has another type or shape.
    """
    right = isinstance(photos, np.ndarray) and photos.dtype == np.uint8
    if not right or photos.ndim != dimensions or photos.shape[-1] != 3 or 0 in photos.shape:
        shape = "height, width, 3" if dimensions == 3 else "count, height, width, 3"
        given = type(photos).__name__
        if isinstance(photos, np.ndarray):
            given = f"{photos.dtype} of shape {photos.shape}"
        raise FastnstError(f"The array is {given}.", f"Give uint8 RGB of shape ({shape}).")


@contextmanager
def enough_memory(size: int | None = None) -> Iterator[None]:
    """Say in one sentence that memory ran out for a picture with a longer side of `size` px.

    Raises:
        FastnstError: In place of `MemoryError` and `OverflowError`.
    """
    try:
        yield
    except (MemoryError, OverflowError) as error:
        wish = f"with a longer side of {size} px" if size else "of this size"
        raise FastnstError(
            f"There is not enough memory to paint a picture {wish}.",
            "Give a smaller size: --size N",
        ) from error
