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
from fastnst.evaluation.cache import cache_folder
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import read_image
from fastnst.optimization.descend import descend
from fastnst.perceptual import PerceptualLoss, load_encoder
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.styles.card import StyleCard
from fastnst.system.atomic import atomic_write
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
"""The objective of Johnson et al. 2016, by which a file without a card is judged."""
METHOD = 1
"""Counts up when the optimization that photos are compared to changes, so that kept curves are not used for it."""


def objective(
    card: StyleCard | None, number: int, painting: Path, photos: Sequence[Pixels]
) -> PerceptualLoss:
    """What a style was trained for, its units measured on these photos where its card has none.

    Args:
        card: Of its file, if it has one.
        number: Of the style in the file.
        painting: What it was learnt from.
        photos: RGB uint8 (H, W, 3) each.
    """
    facts = card.loss if card and card.loss else PAPER
    if "styles" in facts:
        facts = {**facts, **facts["styles"][number]}
    loss = PerceptualLoss(
        load_encoder(),
        **{
            name: facts[name]
            for name in (
                "content_layers",
                "style_layers",
                "content_weight",
                "style_weight",
                "tv_weight",
            )
        },
        style_power=facts.get("style_power", 1.0),
    ).to(memory_format=torch.channels_last)
    device = pick_device("auto")
    loss.to(device)
    if has_bfloat16(device.type):
        loss.encoder.lower(torch.bfloat16)
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


class Judged(NamedTuple):
    """The objective of a stylized photo, its terms as weighted, and that of the photo itself."""

    content: float
    style: float
    total: float
    photo_total: float


class Iterations(NamedTuple):
    """What optimizing a photo's pixels takes to come as low as a net, and how low it comes."""

    from_noise: float
    """How many iterations reach the net's objective; infinite if more than were tried."""
    from_photo: float
    end: float
    """The lowest objective of the optimization from the photo."""


def judged(
    loss: PerceptualLoss, stylized: Sequence[Pixels], photos: Sequence[Pixels], name: str
) -> list[Judged]:
    """The objectives of stylized photos.

    Args:
        loss: What the style was trained for.
        stylized: RGB uint8 (H, W, 3) each.
        photos: What they were painted from, of the same sizes.
        name: Of the style, for the error.

    Raises:
        FastnstError: The photos themselves are as near to the painting, by the medians.
    """
    found = []
    with torch.no_grad():
        for picture, photo in zip(stylized, photos, strict=True):
            pixels = _pixels_of(photo, loss)
            targets = loss.content_targets(pixels)
            terms = loss(_pixels_of(picture, loss), targets)
            own = loss(pixels, targets).total.item()
            found.append(Judged(terms.content.item(), terms.style.item(), terms.total.item(), own))
    total, own = (
        statistics.median(getattr(j, which) for j in found) for which in ("total", "photo_total")
    )
    if total >= own:
        raise FastnstError(
            f"At {max(photos[0].shape)} px, {name} is further from the painting than the photos themselves:"
            f" its objective is {total:.3f}, theirs {own:.3f}.",
            "Give the painting that it was trained for.",
        )
    return found


def iterations(
    loss: PerceptualLoss, photo: Pixels, total: float, seed: int, most: int
) -> Iterations:
    """How many iterations of L-BFGS on a photo's pixels reach an objective.

    Args:
        loss: The objective.
        photo: RGB uint8 (H, W, 3).
        total: What is to be reached.
        seed: Of the noise.
        most: Iterations after which the optimization from noise gives up, and that from the photo ends.
    """
    pixels = _pixels_of(photo, loss)
    targets = loss.content_targets(pixels)
    noise = 127.5 + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
    counts = []
    for start in (noise.to(pixels.device), pixels):
        curve = _curve(loss, targets, start, pixels, most, total)
        counts.append(next((k for k, value in enumerate(curve) if value <= total), math.inf))
    end = min(_curve(loss, targets, pixels, pixels, most, None))
    return Iterations(counts[0], counts[1], end)


def _curve(
    loss: PerceptualLoss,
    target: dict[str, Tensor],
    start: Tensor,
    photo: Tensor,
    most: int,
    goal: float | None,
) -> list[float]:
    """The objective at the start and after each iteration, kept from one call to the next.

    To a goal it goes as Johnson et al. 2016 went, by L-BFGS that is clipped to black and white at each
    iteration, and ends there. Without one it goes as far down as `fastnst optimize` can.
    """
    grams = [value for name, value in loss.named_buffers() if name.startswith("gram_")]
    facts = (METHOD, loss.extra_repr(), loss.units(), goal is None)
    digest = hashlib.sha256(repr(facts).encode())
    weights = next(loss.encoder.parameters())
    digest.update(repr((loss.encoder, weights.dtype)).encode())
    for tensor in (start, photo, *grams):
        digest.update(tensor.float().cpu().numpy().tobytes())
    file = cache_folder("curves") / f"{digest.hexdigest()[:32]}.json"
    try:
        curve: list[float] = json.loads(file.read_text())
    except (OSError, ValueError):
        curve = []
    passed = goal is not None and curve and min(curve) <= goal
    if passed or len(curve) > most:
        return curve[: most + 1]
    curve = []
    steps = descend(
        lambda pixels: loss(pixels, target), start, iterations=most, precondition=goal is None
    )
    for step in steps:
        curve.append(step.losses["total"])
        if goal is not None and curve[-1] <= goal:
            break
    else:  # Where nothing leads further down, more iterations change nothing.
        curve += curve[-1:] * (most + 1 - len(curve))
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(curve))
    return curve


def _pixels_of(image: Pixels, loss: PerceptualLoss) -> Tensor:
    """A picture as the loss takes it: float (1, 3, H, W), 0..255, where its network is."""
    return image_to_tensor(image, next(loss.encoder.parameters()).device)
