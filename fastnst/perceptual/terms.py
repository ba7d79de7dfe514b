"""The terms of an objective: content and style (Gatys et al. 2016, Johnson et al. 2016), and total variation."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

FOCUS_SIDE = 5
"""Positions a side that `focus` takes the mean of: 40 px at the fourth block of VGG."""
PART = 2**18
"""Features of an image that are summed into its Gram matrix at a time."""


def gram(features: Tensor) -> Tensor:
    """Gram matrix of features, computed in float32.

    G[c, d] = sum over h, w of F[c, h, w] F[d, h, w] / (C H W): Johnson et al. 2016, equation 3; Gatys
    et al. 2016, equation 3, has the sum alone.

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, C), symmetric.
    """
    grams: Tensor = _Gram.apply(features)
    return grams


class _Gram(torch.autograd.Function):
    """The Gram matrix in float32, its gradient in the precision of the features.

    dL/dF = (dL/dG + its transpose) F / (C H W): one product where autograd would make two.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        n, c, h, w = features.shape
        # Positions before channels: a view of channels_last features, which need no copy then.
        flat = features.permute(0, 2, 3, 1).reshape(n, h * w, c)
        ctx.save_for_backward(flat)
        ctx.shape = features.shape
        grams = torch.zeros(n, c, c, device=flat.device)
        with torch.autocast(features.device.type, enabled=False):
            # Part by part: a float32 copy of all features would not fit into the processor's cache.
            at_once = max(1, PART // c) if flat.device.type == "cpu" else h * w
            for part in torch.split(flat, at_once, dim=1):
                wide = part.float()
                grams.baddbmm_(wide.transpose(1, 2), wide)
        return grams / (c * h * w)

    @staticmethod
    def backward(ctx: Any, dg: Tensor) -> Tensor:
        (flat,) = ctx.saved_tensors
        n, c, h, w = ctx.shape
        both = (dg + dg.transpose(1, 2)) / (c * h * w)
        with torch.autocast(flat.device.type, enabled=False):
            d_flat: Tensor = flat @ both.to(flat.dtype)
        return d_flat.view(n, h, w, c).permute(0, 3, 1, 2)


def content_loss(features: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Feature reconstruction: mean over C, H, W of (F - T)^2, per image (Johnson et al. 2016, equation 2).

    Gatys et al. 2016, equation 1, is the sum over C, H, W of (F - T)^2 / 2: C H W / 2 times as much.

    Args:
        features: (N, C, H, W).
        target: The same shape.
        weights: How much each place counts, (N, 1, h, w), 0 or more; brought to H x W and to a mean of 1.
            None means 1.

    Returns:
        (N,), float32.
    """
    difference = features - target
    if weights is not None:
        height, width = features.shape[2:]
        weights = F.interpolate(weights, (height, width), mode="bilinear", align_corners=False)
        weights = weights / weights.mean(dim=(2, 3), keepdim=True).clamp_min(1e-6)
        difference = difference * weights.sqrt().to(features.dtype)
    means: Tensor = _MeanSquare.apply(difference)
    return means


class _MeanSquare(torch.autograd.Function):
    """Mean over C, H, W of squares, summed in float32; its gradient has the precision of the input."""

    @staticmethod
    def forward(ctx: Any, difference: Tensor) -> Tensor:
        ctx.save_for_backward(difference)
        norms: Tensor = torch.linalg.vector_norm(difference, dim=(1, 2, 3), dtype=torch.float32)
        return norms.square() / difference[0].numel()

    @staticmethod
    def backward(ctx: Any, dm: Tensor) -> Tensor:
        (difference,) = ctx.saved_tensors
        factors = 2 * dm / difference[0].numel()
        result: Tensor = difference * factors[:, None, None, None].to(difference.dtype)
        return result


def focus(features: Tensor, share: float) -> Tensor:
    """How much each place of photos counts, by what a deep layer answers to: faces, eyes, things rather than skies.

    w = 1 - share + share e / mean(e), where e is the mean of squares over C and over the FOCUS_SIDE x FOCUS_SIDE
    positions around.

    Args:
        features: A deep layer's features of the photos, (N, C, H, W).
        share: 0, where all places count alike, to 1.

    Returns:
        (N, 1, H, W), float32, 0 or more, with a mean of about 1.
    """
    energy = features.float().square().mean(dim=1, keepdim=True)
    energy = F.pad(energy, (FOCUS_SIDE // 2,) * 4, mode="replicate")
    energy = F.avg_pool2d(energy, FOCUS_SIDE, stride=1)
    mean = energy.mean(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    return 1 - share + share * energy / mean


def style_loss(grams: Tensor, target: Tensor) -> Tensor:
    """Style reconstruction: squared Frobenius norm of G - A, per image (Johnson et al. 2016, equation 4).

    Gatys et al. 2016, equation 4, is a quarter of this: 1 / (4 N^2 M^2) times the norm for Gram matrices that
    are not divided, where N = C and M = H W.

    Args:
        grams: (N, C, C).
        target: (N, C, C) or (1, C, C).

    Returns:
        (N,).
    """
    return (grams - target).square().sum(dim=(1, 2))


def tv_loss(images: Tensor) -> Tensor:
    """Total variation: mean squared step to the right-hand plus mean squared step to the lower pixel.

    mean (x[i, j + 1] - x[i, j])^2 + mean (x[i + 1, j] - x[i, j])^2, with x in units of the range
    (0..255 becomes 0..1), per image. Mahendran and Vedaldi 2015 with beta = 2.

    Args:
        images: RGB (N, 3, H, W), float, 0..255.

    Returns:
        (N,).
    """
    x = images / 255.0
    across = (x[..., 1:] - x[..., :-1]).square().mean(dim=(1, 2, 3))
    down = (x[..., 1:, :] - x[..., :-1, :]).square().mean(dim=(1, 2, 3))
    return across + down


def region_masks(features: Tensor, regions: Tensor) -> Tensor:
    """Regions (R, H, W) averaged to the size of features."""
    return F.adaptive_avg_pool2d(regions[None], (features.shape[2], features.shape[3]))[0]


def within_region(features: Tensor, mask: Tensor | None) -> Tensor:
    """Features weighted so that their Gram matrix is the mean over a region."""
    if mask is None:
        return features
    return features * (mask / mask.mean().clamp_min(1e-6)).sqrt().to(features.dtype)
