"""The measurement: a net's objective beside that of optimizing the pixels, and what needs no reference."""

from __future__ import annotations

import hashlib
import json
import math
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.evaluation.metrics import border, checkerboard, pan, unsteadiness
from fastnst.evaluation.report import Measured, Quartiles
from fastnst.images.read import Pixels, read_image, resize_longer
from fastnst.optimization.descend import descend
from fastnst.perceptual import PerceptualLoss, load_encoder
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.card import StyleCard
from fastnst.system.atomic import written_whole
from fastnst.system.package_data import shipped
from fastnst.system.progress import StepProgress
from fastnst.system.torch_device import has_bfloat16, pick_device

METHOD = 1
"""Counts up when the optimization that photos are compared to changes, so that kept curves are not used for it."""
TIMED = 5
"""Pictures whose median is the time of one."""


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
    base = yaml.safe_load((shipped("configs") / "base.yaml").read_text())["model"]
    facts = card.loss if card and card.loss else {**base, "style_size": base["painting"]["size"]}
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
    ).to(memory_format=torch.channels_last)
    device = pick_device("auto")
    loss.to(device)
    if has_bfloat16(device.type):
        loss.encoder.lower(torch.bfloat16)
    image = resize_longer(read_image(painting).convert("RGB"), facts["style_size"])
    loss.set_styles([_tensor(np.asarray(image), device)])
    if "units" in facts:
        loss.set_units(facts["units"])
    else:
        side = min(min(photo.shape[:2]) for photo in photos)
        loss.calibrate(torch.cat([_tensor(photo[:side, :side], device) for photo in photos]))
    return loss


def measure(
    stylizer: Stylizer,
    loss: PerceptualLoss,
    size: int,
    photos: Sequence[Pixels],
    most: int,
    shown: StepProgress | None,
    before: int,
) -> Measured:
    """Everything at one size.

    Args:
        stylizer: Paints.
        loss: Judges.
        size: Longer side of the photos.
        photos: RGB uint8 (H, W, 3) each.
        most: Iterations of the optimization.
        shown: The progress, if it is shown.
        before: Photos that were measured at other sizes.

    Raises:
        FastnstError: The photos themselves are as near to the painting.
    """
    device = next(loss.encoder.parameters()).device
    painted = [stylizer(photo) for photo in photos]
    tensors = [_tensor(photo, device) for photo in photos]
    targets = [loss.content_targets(photo) for photo in tensors]
    with torch.no_grad():
        terms = [loss(_tensor(p, device), t) for p, t in zip(painted, targets, strict=True)]
        own = [loss(photo, t).total.item() for photo, t in zip(tensors, targets, strict=True)]
    totals = [term.total.item() for term in terms]
    if statistics.median(totals) >= statistics.median(own):
        raise FastnstError(
            f"At {size} px, {stylizer.name} is further from the painting than the photos themselves: its objective is"
            f" {statistics.median(totals):.3f}, theirs {statistics.median(own):.3f}.",
            "Give the painting that it was trained for.",
        )
    from_noise: list[float] = []
    from_photo: list[float] = []
    ends: list[float] = []
    for number, (photo, target, total) in enumerate(zip(tensors, targets, totals, strict=True)):
        noise = 127.5 + torch.randn(photo.shape, generator=torch.Generator().manual_seed(number))
        for start, counts in ((noise, from_noise), (photo, from_photo)):
            curve = _curve(loss, target, start.to(device), photo, most, total)
            counts.append(next((k for k, value in enumerate(curve) if value <= total), math.inf))
        ends.append(min(_curve(loss, target, photo, photo, most, None)))
        if shown is not None:
            done = before + number + 1
            shown.update(done, f"{size} px  {from_noise[-1]} iterations from noise")
    # A photo alone is compared with its mirror image.
    others = [*painted[1:], painted[0]] if len(painted) > 1 else [painted[0][:, ::-1]]
    apart = [_difference(a, b) for a, b in zip(painted, others, strict=True)]
    moving = [unsteadiness([stylizer(frame) for frame in pan(photo)]) for photo in photos]
    return Measured(
        size=size,
        photos=len(photos),
        content=statistics.median(t.content.item() for t in terms),
        style=statistics.median(t.style.item() for t in terms),
        total=statistics.median(totals),
        photo_total=statistics.median(own),
        optimized_total=statistics.median(ends),
        from_noise=_quartiles(from_noise),
        from_photo=_quartiles(from_photo),
        checkerboard=statistics.median(map(checkerboard, painted, photos)),
        border=statistics.median(map(border, painted, photos)),
        flicker=statistics.median(moving) / max(statistics.median(apart), 1e-6),
        milliseconds=_milliseconds(stylizer, photos[0]),
    )


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
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    file = home / "fastnst" / "curves" / f"{digest.hexdigest()[:32]}.json"
    try:
        curve: list[float] = json.loads(file.read_text())
    except (OSError, ValueError):
        curve = []
    passed = goal is not None and curve and min(curve) <= goal
    if passed or len(curve) > most:
        return curve[: most + 1]
    curve = []
    steps = descend(
        lambda pixels: loss(pixels, target), start, iterations=most, by_frequency=goal is None
    )
    for step in steps:
        curve.append(step.losses["total"])
        if goal is not None and curve[-1] <= goal:
            break
    else:  # Where nothing leads further down, more iterations change nothing.
        curve += curve[-1:] * (most + 1 - len(curve))
    with written_whole(file) as temporary:
        temporary.write_text(json.dumps(curve))
    return curve


def _quartiles(counts: Sequence[float]) -> Quartiles:
    """By rank, without a mean of two: a number of iterations, or infinity, that was found."""
    ranked = sorted(counts)
    first, median, third = (ranked[round(q * (len(ranked) - 1))] for q in (0.25, 0.5, 0.75))
    return first, median, third


def _difference(a: Pixels, b: Pixels) -> float:
    """The mean difference of two pictures, where both are."""
    height, width = (min(sides) for sides in zip(a.shape[:2], b.shape[:2], strict=True))
    return float(np.abs(a[:height, :width].astype(np.int16) - b[:height, :width]).mean())


def _milliseconds(stylizer: Stylizer, photo: Pixels) -> float:
    times = []
    for _ in range(TIMED):
        started = time.perf_counter()
        stylizer(photo)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def _tensor(pixels: Pixels, device: torch.device) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float().to(device)
