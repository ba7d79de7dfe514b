"""Regularizers: terms beside the perceptual loss against artefacts and flicker.

A new one is a function and a line in `REGULARIZERS`; its name is its key under `model.regularizers` in YAML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst.errors import FastnstError, did_you_mean
from fastnst.images.colors import LUMA
from fastnst.models.style_net import EDGE
from fastnst.perceptual import tv_loss

SHIFT_PIXELS = 16
"""Largest shift of a moved picture, down and to the right, and the margin that is not compared, where a moved
picture shows something new. A multiple of every net's `multiple_of`."""
ZOOMS = (-2, -1, 0, 0, 0, 0, 1, 2)
"""Growth of a moved picture's side, in steps of 8 px, one of which is drawn."""
MAX_NOISE = 4.0
"""Largest standard deviation of the noise on a moved picture, of 255: that of a camera in a dim room."""


SQUARE = 64
"""Side in pixels of the squares that are searched for repetition."""
LAGS = (6, 24)
"""Distances in pixels from the centre of the autocorrelation between which its highest peak is taken."""
FREE = 0.2
"""Highest peak of a free texture."""
FLAT_LEVELS = 14.0
"""Standard deviation of a photo's luminance, in levels of 255, at which a square counts 1/e."""
GRAIN = 1.0
"""Square of levels below which detail hardly counts."""


@dataclass(frozen=True)
class Step:
    """A training step as a regularizer sees it: a batch of crops, and what the net made of them."""

    photos: Tensor
    """RGB (N, 3, H, W), float32, 0..255."""
    stylized: Tensor
    """RGB of the same shape, float32, -22.5..277.5."""
    pre_tanh: Tensor
    """The net's output before tanh, of the same shape."""
    canvas: Tensor | None
    """Picture that is painted over, RGB of the same shape; None for a net of one level. It moves along with the photo: to a net
    that must paint the same over any ground, the ground is of no use, and it fills flat areas with rows of marks."""
    strengths: Tensor | None
    """Strength of each crop's style, (N,), 0..1; None for a net without an identity row."""
    multiple_of: int
    """Pixels after which the net's strides repeat."""
    repaint: Callable[[Tensor], Tensor]
    """Paints moved photos (N, 3, h, w), or photos and canvas (N, 6, h, w), in the styles of the batch."""
    rng: np.random.Generator
    """Draws that depend on the step alone."""

    @property
    def inputs(self) -> Tensor:
        """The photos, and after them the canvas if there is one."""
        return self.photos if self.canvas is None else torch.cat([self.photos, self.canvas], 1)


class Regularizer(NamedTuple):
    """A term, and its weight where none is given."""

    weight: float
    term: Callable[[Step], Tensor]
    """The unweighted term of a step, a scalar."""


REGULARIZERS: Mapping[str, Regularizer] = {
    "excess": Regularizer(1.0, lambda step: excess(step.pre_tanh)),
    "checkerboard": Regularizer(30.0, lambda step: checkerboard(step.stylized, step.multiple_of)),
    "repetition": Regularizer(5.0, lambda step: repetition(step.stylized, step.photos)),
    "identity": Regularizer(20.0, lambda step: identity(step.stylized, step.photos, step.strengths)),
    "temporal": Regularizer(0.0, lambda step: temporal(step.repaint, step.inputs, step.stylized, step.rng)),
    "total_variation": Regularizer(0.0, lambda step: tv_loss(step.stylized).mean()),
}  # fmt: skip
DEFAULT_WEIGHTS = {name: regularizer.weight for name, regularizer in REGULARIZERS.items()}


def complete_weights(given: Mapping[str, float]) -> dict[str, float]:
    """The weight of every regularizer: the given ones, and the defaults of those that are not named.

    Raises:
        FastnstError: A name is not in `REGULARIZERS`, or a weight is negative or not finite.
    """
    for name, weight in given.items():
        if name not in REGULARIZERS:
            raise FastnstError(
                f"There is no regularizer {name!r}.", did_you_mean(name, REGULARIZERS)
            )
        if not 0 <= weight < math.inf:
            raise FastnstError(
                f"The weight of the regularizer {name} is {weight:g}.", "It must be 0 or more."
            )
    return {**DEFAULT_WEIGHTS, **given}


def weighted_terms(weights: Mapping[str, float], step: Step) -> dict[str, Tensor]:
    """The weighted terms of a step, scalars by name; terms of weight 0 are not computed."""
    return {
        name: weights[name] * regularizer.term(step)
        for name, regularizer in REGULARIZERS.items()
        if weights.get(name)
    }


def excess(pre_tanh: Tensor) -> Tensor:
    """Distance past black and white before tanh: the mean of (max(0, |x| - EDGE))^2, a scalar.

    Early in training nets throw black and yellow spots, far out where tanh is flat and the perceptual
    loss has no gradient left to call them back. The gradient of this term grows with the distance.
    """
    return F.relu(pre_tanh.abs() - EDGE).square().mean()


def checkerboard(stylized: Tensor, period: int = 4) -> Tensor:
    """Power of a pattern that repeats every `period` pixels all over, a scalar: the mark of strided nets.

    The detail (each pixel less the mean of the 3x3 around it) is averaged over all pixels with the same
    place in their block of `period` pixels. Photos have about 0, since their detail has no such order. The
    squares are summed over a 4x4 block, in units of the range: a pattern of 2 of 255 has about 1e-3.

    Args:
        stylized: RGB (N, 3, H, W), float, 0..255; H and W multiples of `period`.
        period: In pixels; patterns that repeat after a divisor of it count too.
    """
    x = stylized / 255.0
    n, c, h, w = x.shape
    detail = (x - _local_mean(x, 1)).reshape(n, c, h // period, period, w // period, period)
    return 16 * detail.mean(dim=(2, 4)).square().mean(dim=(2, 3)).sum(dim=1).mean()


def repetition(stylized: Tensor, photos: Tensor) -> Tensor:
    """How far flat areas are filled with one mark again and again, a scalar.

    The picture is cut into overlapping squares of SQUARE pixels. In each, the highest peak of the autocorrelation of
    the high-passed luminance, LAGS pixels from the centre, counts as far as it is above FREE, which a free texture has. It
    counts the less the more the photo varies there: what the photo itself repeats is none of the net's making. It is the
    `repetition` of `fastnst evaluate`, in smaller squares, and with a box for its Gaussian.

    Args:
        stylized: RGB (N, 3, H, W), float, 0..255; 0 where H or W is less than SQUARE.
        photos: RGB of the same shape, from which they were painted.
    """
    if min(stylized.shape[2:]) < SQUARE:
        return stylized.new_zeros(())
    y = _squares(_luminance(stylized))
    flatness = torch.exp(-(_squares(_luminance(photos)).std(dim=(1, 2)) / FLAT_LEVELS).square())
    detail = y - _local_mean(y[:, None], 8)[:, 0]
    side = SQUARE + LAGS[1] + 2  # With as many zeros as the lags need, so that none wraps around.
    size = (side, side)
    inside, spectrum, squares = (
        torch.fft.rfft2(each, size)
        for each in (detail.new_ones(1, SQUARE, SQUARE), detail, detail.square() + GRAIN)
    )
    energy = torch.fft.irfft2(inside.conj() * squares, size)
    found = torch.fft.irfft2(spectrum.conj() * spectrum, size)
    found = found / (energy * energy.flip(1, 2).roll((1, 1), (1, 2))).sqrt()
    at = torch.fft.fftfreq(side, 1 / side, device=y.device)
    distance = torch.hypot(at[:, None], at)
    there = (distance >= LAGS[0]) & (distance <= LAGS[1])
    highest = F.max_pool2d(found.detach()[:, None], 3, stride=1, padding=1)[:, 0]
    peaks = torch.where(there & (found >= highest), found, 0.0).amax(dim=(1, 2))
    return (flatness * F.relu(peaks - FREE)).mean()


def _luminance(pictures: Tensor) -> Tensor:
    """The luminance (N, H, W), float32, 0..255, of RGB pictures."""
    weights = torch.from_numpy(LUMA).to(pictures.device)
    return (pictures.float() * weights[:, None, None]).sum(dim=1)


def _squares(y: Tensor) -> Tensor:
    """Overlapping squares (K, SQUARE, SQUARE) of pictures (N, H, W)."""
    return (
        y.unfold(1, SQUARE, SQUARE // 2).unfold(2, SQUARE, SQUARE // 2).reshape(-1, SQUARE, SQUARE)
    )


def _local_mean(x: Tensor, radius: int) -> Tensor:
    """The mean of the pixels at most `radius` away along both sides; edges are mirrored."""
    size = 2 * radius + 1
    x = F.pad(x, (radius + 1, radius) * 2, mode="reflect")
    for side in (2, 3):  # By running sums: a large window costs no more than a small one.
        sums = x.cumsum(side)
        length = sums.shape[side] - size
        x = (sums.narrow(side, size, length) - sums.narrow(side, 0, length)) / size
    return x


def identity(stylized: Tensor, photos: Tensor, strengths: Tensor | None) -> Tensor:
    """Mean squared difference to the photo, in units of the range, each crop's times 1 - its strength, a scalar.

    Args:
        stylized: RGB (N, 3, H, W), float, 0..255.
        photos: RGB of the same shape.
        strengths: (N,), 0..1; None for 1, where the term is 0.
    """
    if strengths is None:
        return stylized.new_zeros(())
    difference = ((stylized - photos) / 255).square().mean((1, 2, 3))
    return ((1 - strengths) * difference).mean()


def temporal(
    paint: Callable[[Tensor], Tensor],
    inputs: Tensor,
    stylized: Tensor,
    rng: np.random.Generator,
) -> Tensor:
    """Mean squared difference between painting moved photos and moving the painted ones, of the range, a scalar.

    The photos are moved by whole pixels, half of the time zoomed too, and noise is added: motion that is
    known exactly, where Huang et al. 2017 estimate that of videos.

    Args:
        paint: The net, for inputs of any size that it takes.
        inputs: RGB (N, 3, H, W), 0..255, or more channels; H and W at least 4 times SHIFT_PIXELS.
        stylized: RGB (N, 3, H, W), which `paint` made of them.
        rng: Draws the motion and the noise.
    """
    height, width = (side - SHIFT_PIXELS for side in inputs.shape[2:])
    down, right = (int(rng.integers(SHIFT_PIXELS + 1)) for _ in range(2))
    growth = 8 * int(rng.choice(ZOOMS))
    if min(height, width) + growth < 3 * SHIFT_PIXELS:  # Nothing would be left inside the margins.
        growth = 0

    def moved(pictures: Tensor) -> Tensor:
        window = pictures[:, :, down : down + height, right : right + width]
        if not growth:
            return window
        size = (height + growth, width + growth)
        return F.interpolate(window, size, mode="bicubic", align_corners=False)

    target = moved(stylized)
    shown = moved(inputs)
    seeded = torch.Generator(inputs.device).manual_seed(int(rng.integers(2**31)))
    noise = torch.randn(shown.shape, generator=seeded, device=shown.device, dtype=shown.dtype)
    repainted = paint((shown + rng.uniform(0, MAX_NOISE) * noise).clamp(0, 255))
    margin = slice(SHIFT_PIXELS, -SHIFT_PIXELS)
    return ((repainted - target) / 255)[:, :, margin, margin].square().mean()
