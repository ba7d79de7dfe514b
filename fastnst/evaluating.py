"""The job `evaluate`: how good a style is, measured as Johnson et al. 2016 measured theirs."""

from __future__ import annotations

import hashlib
import json as jsonlib
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import yaml
from cyclopts import Parameter
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.exporting import EVALUATION, export
from fastnst.files import written_whole
from fastnst.hardware import has_bfloat16, keep_freed_memory, pick_device
from fastnst.images import READABLE, Pixels, read_image, resize_longer
from fastnst.optimizing.descent import descend
from fastnst.perceptual import PerceptualLoss, load_encoder
from fastnst.progress import StepProgress
from fastnst.quality import border, grid, pan, unsteadiness
from fastnst.runtime.stylizer import Stylizer
from fastnst.styles import StyleCard, shipped

Quartiles = tuple[float, float, float]
"""First quartile, median, third quartile."""

METHOD = 1
"""Counts up when the optimization that photos are compared to changes, so that kept curves are not used for it."""
TIMED = 5
"""Pictures whose median is the time of one."""


@dataclass(frozen=True)
class Measured:
    """What was found at one size; medians over the photos."""

    size: int
    """Longer side of the photos in pixels."""
    photos: int
    """How many."""
    content: float
    """Content term of the painted photos, as weighted."""
    style: float
    """Style term."""
    total: float
    """The objective J."""
    photo_total: float
    """J of the photos themselves: what no painting is worth."""
    optimized_total: float
    """J at the end of the optimization from the photo: what is there to be had."""
    from_noise: Quartiles
    """Iterations of L-BFGS from noise that reach the net's J; infinite if more than were tried."""
    from_photo: Quartiles
    """The same from the photo."""
    grid: float
    """See `fastnst.quality`."""
    border: float
    flicker: float
    """Unsteadiness over a pan, over the mean difference between two painted photos."""
    milliseconds: float
    """Of painting one, pixels to pixels."""


@dataclass(frozen=True)
class Evaluation:
    """How good a style is."""

    style: str
    """Its name."""
    steps: int
    """Of its training."""
    max_iterations: int
    """Of L-BFGS that were tried."""
    device: str
    """Where the net ran."""
    fastnst: str
    """Version that measured."""
    sizes: tuple[Measured, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; an infinite number of iterations is null."""
        values = asdict(self)
        for size in values["sizes"]:
            for name in ("from_noise", "from_photo"):
                size[name] = [None if math.isinf(k) else k for k in size[name]]
        return values

    def __str__(self) -> str:
        def iterations(k: Quartiles) -> str:
            first, median, third = (
                f"more than {self.max_iterations}" if math.isinf(v) else f"{v:g}" for v in k
            )
            return median if first == third else f"{median} ({first} to {third})"

        rows: dict[str, Callable[[Measured], str]] = {
            "photos": lambda m: f"{m.photos}",
            "objective J": lambda m: f"{m.total:.3f}",
            "  content + style": lambda m: f"{m.content:.3f} + {m.style:.3f}",
            "  of the photo itself": lambda m: f"{m.photo_total:.3f}",
            "  of the optimized photo": lambda m: f"{m.optimized_total:.3f}",
            "L-BFGS iterations from noise": lambda m: iterations(m.from_noise),
            "L-BFGS iterations from the photo": lambda m: iterations(m.from_photo),
            "grid (1 is none)": lambda m: f"{m.grid:.2f}",
            "border (1 is the photo's)": lambda m: f"{m.border:.2f}",
            "flicker": lambda m: f"{m.flicker:.3f}",
            f"ms a picture ({self.device})": lambda m: f"{m.milliseconds:.1f}",
        }
        head = ["", *(f"{m.size} px" for m in self.sizes)]
        table = [head, *([name, *map(cell, self.sizes)] for name, cell in rows.items())]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = (
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in table
        )
        return "\n".join([self.style, *lines])


def evaluate(
    style: str | Path,
    painting: str | Path,
    *,
    data: str | Path,
    sizes: Sequence[int] = (256, 512),
    photos: int | Sequence[int] = 8,
    max_iterations: int = 200,
    progress: bool = True,
) -> Evaluation:
    """Measure a style on photos that it was not trained on.

    Pictures are judged as people get them, clipped and rounded, by the objective that the style was
    trained for, its units included; a file without a card by the defaults of `configs/base.yaml`, its
    units measured on these photos. What the figures say is how many iterations of optimizing the photo's
    pixels are needed for as low an objective: Johnson et al. 2016, section 4.1, found 50 to 100 for
    theirs, by L-BFGS clipped to black and white at each iteration, which it is here too.

    Args:
        style: A style's name, an .onnx file, or a run folder of `train`, where the result is kept for
            `export` to write it into the card.
        painting: The painting that it was trained for.
        data: A folder of photos, searched to any depth; the first ones by name are taken.
        sizes: Longer sides that the photos are scaled to.
        photos: How many at each size, or one number for each of the sizes; each must be as large.
        max_iterations: After which the optimization from noise gives up, and that from the photo ends.
        progress: Show how it stands.

    Raises:
        FastnstError: Something given is wrong; the message says what.
    """
    counts = [photos] if isinstance(photos, int) else list(photos)
    if len(counts) == 1:
        counts *= len(sizes)
    if len(counts) != len(sizes) or min([*counts, max_iterations], default=0) < 1:
        raise FastnstError(
            f"--photos is {photos}, --max-iterations {max_iterations}, with {len(sizes)} sizes.",
            "Give 1 or more of each, and one number of photos or one for each size.",
        )
    run = Path(style) if Path(style).is_dir() else None
    with tempfile.TemporaryDirectory() as folder:
        file = export(run, output=Path(folder, f"{run.name}.onnx")).path if run else style
        stylizer = Stylizer(file)
    if stylizer.fixed_size:
        raise FastnstError(stylizer.note, "Only nets that paint at any size can be evaluated.")
    least = max(stylizer.card.minimum if stylizer.card else 0, 80)
    if min(sizes) < least:
        raise FastnstError(f"A size of {min(sizes)} is too small.", f"Give {least} or more.")
    wanted = dict(zip(sizes, counts, strict=True))
    pictures = {size: _photos(Path(data), size, count) for size, count in wanted.items()}
    keep_freed_memory()
    loss = _objective(stylizer.card, Path(painting), max(pictures.values(), key=len))
    total = sum(wanted.values())
    shown = StepProgress("photos", total) if progress else None
    try:
        measured: list[Measured] = []
        for size, some in pictures.items():
            before = sum(m.photos for m in measured)
            measured.append(_measure(stylizer, loss, size, some, max_iterations, shown, before))
    finally:
        if shown is not None:
            shown.close()
    steps = stylizer.card.steps if stylizer.card else 0
    result = Evaluation(
        run.name if run else stylizer.name, steps, max_iterations, stylizer.device, version("fastnst"), tuple(measured)
    )  # fmt: skip
    if run:
        with written_whole(run / EVALUATION) as temporary:
            temporary.write_text(jsonlib.dumps(result.to_json(), indent=2))
    return result


def command(
    style: str,
    /,
    *,
    painting: Path,
    data: Path,
    sizes: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (256, 512),
    photos: Annotated[Sequence[int], Parameter(negative="", consume_multiple=True)] = (8,),
    max_iterations: int = 200,
    json: Annotated[bool, Parameter(negative="")] = False,
    progress: bool = True,
) -> str:
    """`evaluate` as the command line has it.

    Args:
        style: A style by name, an .onnx file, or a run folder, where the result is kept for `fastnst export`.
        painting: The painting that it was trained for.
        data: A folder of photos, searched to any depth; the first ones by name are taken.
        sizes: Longer sides that the photos are scaled to.
        photos: How many at each size; one number, or one for each.
        max_iterations: Of the optimization that the style is compared to.
        json: Print JSON.
        progress: Show how it stands.
    """
    result = evaluate(
        style, painting, data=data, sizes=sizes,
        photos=photos, max_iterations=max_iterations, progress=progress,
    )  # fmt: skip
    return jsonlib.dumps(result.to_json(), indent=2) if json else str(result)


def _photos(folder: Path, size: int, count: int) -> list[Pixels]:
    """The first photos that are large enough, their longer side scaled to `size`."""
    if not folder.is_dir():
        raise FastnstError(f"There is no folder {folder} of photos.", "Give one with --data.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READABLE)
    found: list[Pixels] = []
    for path in files:
        try:
            image = read_image(path).convert("RGB")
        except FastnstError:
            continue
        scaled = resize_longer(image, size)
        if max(image.size) >= size and min(scaled.size) >= 72:
            found.append(np.asarray(scaled))
        if len(found) == count:
            return found
    raise FastnstError(
        f"Of the {len(files)} photos in {folder}, {len(found)} can be read and have a side of {size} px or more,"
        f" and {count} were asked for.",
        "Give more photos, or fewer with --photos.",
    )


def _objective(card: StyleCard | None, painting: Path, photos: Sequence[Pixels]) -> PerceptualLoss:
    """What the style was trained for."""
    base = yaml.safe_load((shipped("configs") / "base.yaml").read_text())["model"]
    facts = card.loss if card and card.loss else {**base, "style_size": base["painting"]["size"]}
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


def _measure(
    stylizer: Stylizer,
    loss: PerceptualLoss,
    size: int,
    photos: Sequence[Pixels],
    most: int,
    shown: StepProgress | None,
    before: int,
) -> Measured:
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
    others = [*painted[1:], painted[0]]
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
        grid=statistics.median(map(grid, painted, photos)),
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
        curve: list[float] = jsonlib.loads(file.read_text())
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
        temporary.write_text(jsonlib.dumps(curve))
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
