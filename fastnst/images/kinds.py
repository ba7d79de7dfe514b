"""Kinds of images in memory: Pillow images, arrays and tensors to pixels, and pixels back to the same kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import to_rgb_array

Batch: TypeAlias = npt.NDArray[np.uint8]
"""uint8, RGB, (N, H, W, 3)."""
KEPT_MODES = frozenset({"RGB", "L", "RGBA", "LA"})
"""Modes of Pillow images that are given back; an image of any other mode is given back as RGB."""


def to_batch(image: Any) -> tuple[Batch, Callable[[Batch], Any]]:
    """Return the pixels of an image or a batch, and a function that turns such pixels into the kind that was given.

    No pixel is moved: an EXIF orientation and a colour profile stay where they are, unapplied.

    Args:
        image: Pillow image; uint8 array (H, W, 3) or (N, H, W, 3); uint8 tensor of torch (3, H, W) or (N, 3, H, W),
            on any device.

    Returns:
        Pixels (N, H, W, 3), N = 1 for one image, and the function; what it returns has the device, the memory layout
        and the mode of the image, and the metadata of a Pillow image.

    Raises:
        FastnstError: The image is of another kind, type or shape.
    """
    if isinstance(image, Image.Image):
        return to_rgb_array(image)[None], lambda pixels: _like(image, pixels[0])
    if isinstance(image, np.ndarray):
        _check(image, image.dtype == np.uint8, image.shape[-1:])
        if image.ndim == 4:
            return image, lambda pixels: pixels
        return image[None], lambda pixels: pixels[0]
    if hasattr(image, "detach") and hasattr(image, "new_tensor"):
        _check(image, str(image.dtype) == "torch.uint8", image.shape[-3:-2])
        channels_last = image.detach().cpu().movedim(-3, -1).contiguous().numpy()
        pixels = channels_last if image.ndim == 4 else channels_last[None]

        def to_tensor(painted: Batch) -> Any:
            moved = np.ascontiguousarray(painted.transpose(0, 3, 1, 2))
            # A clone is of the class of the original, such as torchvision's `tv_tensors.Image`; no other result is.
            result = image.detach().clone()
            result.copy_(image.new_tensor(moved.reshape(tuple(image.shape))))
            return result

        return pixels, to_tensor
    raise FastnstError(
        f"The image is {type(image).__name__}.",
        "Give a Pillow image, a uint8 array (height, width, 3), or a uint8 tensor (3, height, width).",
    )


def _check(image: Any, is_uint8: bool, channels: Any) -> None:
    """Refuse an array or a tensor that is not uint8 RGB.

    Raises:
        FastnstError: It has another type or shape.
    """
    if not is_uint8 or image.ndim not in (3, 4) or tuple(channels) != (3,) or 0 in image.shape:
        raise FastnstError(
            f"The image is {image.dtype} of shape {tuple(image.shape)}.",
            "Give uint8 RGB: an array (height, width, 3) or (count, height, width, 3), or a tensor (3, height, width)"
            " or (count, 3, height, width), before it is scaled to floats.",
        )


def _like(image: Image.Image, pixels: Batch) -> Image.Image:
    """Return pixels (H, W, 3) as a Pillow image with the mode, the transparency and the metadata of another."""
    result = Image.fromarray(pixels)
    if image.mode in KEPT_MODES and image.mode != "RGB":
        result = result.convert(image.mode)
        if "A" in image.mode:
            result.putalpha(image.getchannel("A"))
    result.info = dict(image.info)
    if image.mode not in KEPT_MODES:
        result.info.pop("transparency", None)  # A number of a palette.
    return result
