"""Colours of a photo, kept in the stylized image (Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer")."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels

KeepColor: TypeAlias = Literal["luminance", "palette"]
"""`luminance` takes only light and dark from the stylized image; `palette` moves all of its colours to the photo's."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of R, G and B in the luminance Y of YIQ."""


def parse_keep_color(value: bool | str | None) -> KeepColor | None:
    """Return the colours to keep by a flag, which means luminance, or by their name.

    Raises:
        FastnstError: There is no such name.
    """
    if not value:
        return None
    if value is True:
        return "luminance"
    for name in get_args(KeepColor):
        if value == name:
            return cast(KeepColor, name)
    raise FastnstError(f"Colours can't be kept by {value!r}.", "Give luminance or palette.")


def luminance(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Return the luminance Y of YIQ, (H, W), 0..255."""
    return pixels.astype(np.float32) @ LUMA


def with_luminance(pixels: Pixels, y: npt.NDArray[np.float32]) -> Pixels:
    """Replace the luminance of an image and keep its chrominance (section 3 of the paper).

    I and Q of YIQ stay: in RGB, one difference is added to all three channels. Where a channel would leave 0..255,
    the chrominance is reduced and the luminance kept, as clipping channels would shift the hue.

    Args:
        pixels: The image, (H, W, 3).
        y: Its new luminance, (H, W), 0..255.
    """
    chroma = pixels.astype(np.float32) - luminance(pixels)[..., None]
    y = y[..., None]
    room = np.minimum(
        np.where(chroma > 0, (255 - y) / np.maximum(chroma, 1e-6), np.inf),
        np.where(chroma < 0, y / np.maximum(-chroma, 1e-6), np.inf),
    ).min(axis=-1, keepdims=True)
    result: Pixels = np.clip(y + chroma * np.minimum(room, 1) + 0.5, 0, 255).astype(np.uint8)
    return result


def match_colors(pixels: Pixels, to: Pixels) -> Pixels:
    """Give an image the mean and covariance of another's colours (section 2 of the paper, "Image Analogies").

    x' = A (x - mean) + mean', A = S'^(1/2) S^(-1/2), with S and S' the covariances of RGB.
    """
    source, target = (p.reshape(-1, 3).astype(np.float64) for p in (pixels, to))
    transform = _root(target, 0.5) @ _root(source, -0.5)
    matched = (source - source.mean(axis=0)) @ transform.T + target.mean(axis=0)
    result: Pixels = np.clip(matched + 0.5, 0, 255).astype(np.uint8).reshape(pixels.shape)
    return result


def match_luminance(
    y: npt.NDArray[np.float32], to: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Give a luminance the mean and standard deviation of another, clipped to 0..255 (equation 10 of the paper)."""
    scaled = (y - y.mean()) * (to.std() / max(float(y.std()), 1e-3)) + to.mean()
    result: npt.NDArray[np.float32] = np.clip(scaled, 0, 255).astype(np.float32)
    return result


def _root(colors: npt.NDArray[np.float64], power: float) -> npt.NDArray[np.float64]:
    """Return a power of the covariance; a colour that does not vary counts as varying by a tenth of a level."""
    values, vectors = np.linalg.eigh(np.cov(colors, rowvar=False))
    result: npt.NDArray[np.float64] = (vectors * np.maximum(values, 0.01) ** power) @ vectors.T
    return result
