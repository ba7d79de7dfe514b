"""A net's objective beside that of optimizing the pixels, as Johnson et al. 2016 compared theirs."""

from __future__ import annotations

import hashlib
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import read_image
from fastnst.optimization.descend import descend
from fastnst.perceptual import ContentTargets, PerceptualLoss, load_loss_network
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.styles.card import StyleCard
from fastnst.system.atomic import atomic_write
from fastnst.system.cache import cache_folder
from fastnst.system.torch_device import has_bfloat16, pick_device
from fastnst.training.paintings import DEFAULT_SIZE

PAPER: dict[str, Any] = {
    "content_layers": {"relu3_3": 1},
    "style_layers": {"relu1_2": 1, "relu2_2": 1, "relu3_3": 1, "relu4_3": 1},
    "content_weight": 1.0,
    "style_weight": 5.0,
    "tv_weight": 0.0,
    "style_size": DEFAULT_SIZE,
}
"""Objective of Johnson et al. 2016, for files without a card."""
CACHE_VERSION = 1
"""Number that is raised when the optimization changes, so that cached curves of the earlier one are not used."""


def style_objective(
    card: StyleCard | None, number: int, painting: Path, photos: Sequence[Pixels]
) -> PerceptualLoss:
    """Return the objective of a style's training, with units measured on the photos where its card has none.

    Args:
        card: Card of the file, if it has one.
        number: Number of the style in the file, from 0.
        painting: Painting that the style was learnt from.
        photos: RGB uint8 (H, W, 3) each.
    """
    facts = card.loss if card and card.loss else PAPER
    if "styles" in facts:
        facts = {**facts, **facts["styles"][number]}
    loss = PerceptualLoss(
        load_loss_network(),
        **{
            name: facts[name]
            for name in (
                "content_layers",
                "style_layers",
                "content_weight",
                "style_weight",
            )
        },
        tv_weight=facts.get("tv_weight", 0.0),  # Of cards by earlier versions.
        style_power=facts.get("style_power", 1.0),
        content_focus=facts.get("content_focus", 0.0),
    ).to(memory_format=torch.channels_last)
    device = pick_device("auto")
    loss.to(device)
    if has_bfloat16(device.type):
        loss.network.lower(torch.bfloat16)
    image = resize_long_edge(read_image(painting).convert("RGB"), facts["style_size"])
    loss.set_styles([image_to_tensor(image, device)])
    if "units" in facts:
        loss.set_units(facts["units"])
    else:
        side = min(min(photo.shape[:2]) for photo in photos)
        loss.calibrate(
            torch.cat([image_to_tensor(photo[:side, :side], device) for photo in photos])
        )
    return loss


class Objective(NamedTuple):
    """Objective of a stylized photo, and of the photo itself."""

    content: float
    """Weighted content term."""
    style: float
    """Weighted style term."""
    total: float
    """Sum of the terms."""
    photo_total: float
    """Sum of the terms of the photo itself."""


class Iterations(NamedTuple):
    """Iterations of L-BFGS on a photo's pixels that reach the objective of a net."""

    from_noise: float
    """Number of iterations from noise; infinite if more than were tried."""
    from_photo: float
    """Number of iterations from the photo; infinite if more than were tried."""
    end: float
    """Lowest objective of the optimization from the photo."""


def objectives(
    loss: PerceptualLoss, stylized: Sequence[Pixels], photos: Sequence[Pixels], name: str
) -> list[Objective]:
    """Compute the objectives of stylized photos.

    Args:
        loss: Objective of the style's training.
        stylized: RGB uint8 (H, W, 3) each.
        photos: Photos that were painted, of the same sizes.
        name: Name of the style, for the error.

    Raises:
        FastnstError: The median of the objective is not lower than that of the photos themselves.
    """
    found = []
    with torch.no_grad():
        for picture, photo in zip(stylized, photos, strict=True):
            pixels = _pixels_of(photo, loss)
            targets = loss.content_targets(pixels)
            terms = loss(_pixels_of(picture, loss), targets)
            own = loss(pixels, targets).total.item()
            found.append(
                Objective(terms.content.item(), terms.style.item(), terms.total.item(), own)
            )
    total = statistics.median(objective.total for objective in found)
    photo_total = statistics.median(objective.photo_total for objective in found)
    if total >= photo_total:
        raise FastnstError(
            f"At {max(photos[0].shape)} px, {name} is further from the painting than the photos themselves:"
            f" its objective is {total:.3f}, theirs {photo_total:.3f}.",
            "Give the painting that it was trained for.",
        )
    return found


def count_iterations(
    loss: PerceptualLoss, photo: Pixels, total: float, seed: int, max_iterations: int
) -> Iterations:
    """Count the iterations of L-BFGS on a photo's pixels that reach an objective.

    Args:
        loss: Objective that the optimization descends on.
        photo: RGB uint8 (H, W, 3).
        total: Value of the objective to reach.
        seed: Seed of the noise.
        max_iterations: Most iterations of each optimization.
    """
    pixels = _pixels_of(photo, loss)
    targets = loss.content_targets(pixels)
    noise = 127.5 + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
    counts = []
    for start in (noise.to(pixels.device), pixels):
        curve = _curve(loss, targets, start, pixels, max_iterations, total)
        counts.append(next((k for k, value in enumerate(curve) if value <= total), math.inf))
    end = min(_curve(loss, targets, pixels, pixels, max_iterations, None))
    return Iterations(counts[0], counts[1], end)


def _curve(
    loss: PerceptualLoss,
    target: ContentTargets,
    start: Tensor,
    photo: Tensor,
    max_iterations: int,
    goal: float | None,
) -> list[float]:
    """Return the objective at the start and after each iteration, cached on disk.

    With a goal, the optimization is that of Johnson et al. 2016, L-BFGS clipped to black and white at each iteration,
    and ends at the goal. Without one, it is that of `fastnst optimize`.
    """
    grams = [value for name, value in loss.named_buffers() if name.startswith("gram_")]
    facts = (CACHE_VERSION, loss.extra_repr(), loss.units(), goal is None)
    digest = hashlib.sha256(repr(facts).encode())
    weights = next(loss.network.parameters())
    digest.update(repr((loss.network, weights.dtype)).encode())
    for tensor in (start, photo, *grams):
        digest.update(tensor.float().cpu().numpy().tobytes())
    file = cache_folder("curves") / f"{digest.hexdigest()[:32]}.json"
    try:
        curve: list[float] = json.loads(file.read_text())
    except (OSError, ValueError):
        curve = []
    passed = goal is not None and curve and min(curve) <= goal
    if passed or len(curve) > max_iterations:
        return curve[: max_iterations + 1]
    curve = []
    steps = descend(
        lambda pixels: loss(pixels, target),
        start,
        iterations=max_iterations,
        precondition=goal is None,
    )
    for step in steps:
        curve.append(step.losses["total"])
        if goal is not None and curve[-1] <= goal:
            break
    else:  # Where nothing leads further down, more iterations change nothing.
        curve += curve[-1:] * (max_iterations + 1 - len(curve))
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(curve))
    return curve


def _pixels_of(image: Pixels, loss: PerceptualLoss) -> Tensor:
    """A picture as the loss takes it: float (1, 3, H, W), 0..255, where its network is."""
    return image_to_tensor(image, next(loss.network.parameters()).device)
