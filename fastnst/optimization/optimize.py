"""The job `optimize`: paint one photo by descending on its pixels."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from cyclopts import Parameter
from PIL import Image

from fastnst.errors import CannotWrite, Diverged, Interrupted
from fastnst.images.colors import KeepColor, parse_keep_color
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.optimization.arguments import (
    Precision,
    check_arguments,
    output_path,
    parse_layers,
    settings,
)
from fastnst.optimization.descend import Optimizer
from fastnst.optimization.inputs import read_inputs
from fastnst.optimization.pyramid import LevelStep, coarse_to_fine, level_sizes
from fastnst.perceptual import (
    GramNorm,
    NetworkName,
    PerceptualLoss,
    Pooling,
    load_loss_network,
)
from fastnst.system.installation import installed_version
from fastnst.system.interrupts import Interrupts
from fastnst.system.machine import keep_freed_memory
from fastnst.system.progress import Progress, StepProgress
from fastnst.system.torch_device import Device, has_bfloat16, pick_device

DEFAULT_MAX_SIZE = 1024
"""Longer side in pixels that larger photos are scaled to by default."""
STYLE_WEIGHT = 8.0
"""Default weight of the style term."""

LAYERS: Mapping[NetworkName, tuple[Sequence[str], Sequence[str]]] = {
    # Gatys et al. 2016, section 3.
    "vgg16": (["conv4_2"], ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]),
    "vgg19": (["conv4_2"], ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]),
    # Wang, Li and Vasconcelos 2021, "Rethinking and Improving the Robustness of Image Style Transfer".
    "resnet50": (["layer3.5"], ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
}
"""Default content and style layers of each network."""
LOG_COLUMNS = ("iteration", "size", "seconds", "content", "style", "tv", "total")
"""Columns of the log."""

_Words = Annotated[Sequence[str], Parameter(negative="", consume_multiple=True)]


@dataclass(frozen=True)
class OptimizeResult:
    """Optimized picture, with its objective and the work that it took."""

    image: Image.Image
    """The picture, RGB, or RGBA where the photo is."""
    output: Path
    """File of the picture."""
    losses: Mapping[str, float]
    """Weighted terms `content`, `style`, `tv` and `total` at the end."""
    iterations: int
    """Number of iterations at all sizes."""
    seconds: float
    """Duration of the iterations."""

    def __str__(self) -> str:
        losses = "  ".join(f"{name} {value:.3f}" for name, value in self.losses.items())
        size = f"{self.image.width}x{self.image.height}"
        return (
            f"{self.output}  {size}  {losses}  {self.iterations} iterations  {self.seconds:.1f} s"
        )


def optimize(
    content: str | Path,
    /,
    *style: str | Path,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    size: int | None = None,
    iterations: int = 150,
    levels: int | None = None,
    network: NetworkName = "vgg16",
    network_weights: Path | None = None,
    pooling: Pooling = "max",
    content_layers: _Words = (),
    style_layers: _Words = (),
    content_weight: float = 1.0,
    style_weight: float = STYLE_WEIGHT,
    tv_weight: float = 0.0,
    gram_norm: GramNorm = "unit",
    optimizer: Optimizer = "lbfgs",
    learning_rate: float | None = None,
    ema_decay: float | None = None,
    init: str = "content",
    seed: int = 0,
    style_size: int | None = None,
    keep_color: Annotated[bool | KeepColor, Parameter(negative="")] = False,
    mask: Annotated[Sequence[str], Parameter(negative="")] = (),
    save_every: int | None = None,
    log: Path | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    progress: bool = True,
    on_share: Annotated[Progress | None, Parameter(parse=False)] = None,
) -> OptimizeResult:
    """Paint one photo by descending on its pixels (Gatys et al. 2016): minutes, and no training.

    Args:
        content: The photo.
        style: Paintings; several are blended, evenly or by their weights: `a.jpg:0.7 b.jpg:0.3`.
        output: Picture to write; without it, NAME-STYLE.EXT beside the photo.
        size: Longer side in pixels; without it the photo's own, at most 1024.
        iterations: Iterations at each size.
        levels: Number of sizes, each twice the one before; 1 for the full size alone. Without it,
            as many as start at 128 px or more.
        network: Loss network: vgg16 ships with fastnst, the others are torchvision's.
        network_weights: File with the network's weights, .safetensors or .pth, in place of its own.
        pooling: Pooling of the network; Gatys et al. prefer avg.
        content_layers: Layers that keep the photo, as relu4_2, conv4_2 or block4_conv2 (ResNet-50:
            layer2.3.conv1), each with an optional weight: relu4_2:0.5. Default: conv4_2.
        style_layers: Layers that bring the painting. Default: conv1_1 conv2_1 conv3_1 conv4_1 conv5_1.
        content_weight: Weight of the content term, which is 0 for the photo and 1 for an unrelated one.
        style_weight: Weight of the style term, which is 1 for the photo and 0 for the painting.
        tv_weight: Weight of the total variation, which smooths.
        gram_norm: Norm of the style layers: unit, all equal; chw, as in the papers of Gatys et al. and
            Johnson et al.; hw, as in Gatys' code; none, Gram matrices as they are.
        optimizer: Optimizer of the pixels.
        learning_rate: Learning rate; each optimizer has its own default.
        ema_decay: Decay of the running mean of the pixels, 0 to 1; 0 for the last pixels alone.
        init: Start: content, noise, style, or a picture.
        seed: Seed of the noise.
        style_size: Longer side of the painting in pixels, which sets the size of the strokes; without
            it, as large as the picture.
        keep_color: Keep the photo's colours: luminance paints the luminance alone, palette gives the
            painting the photo's colours first. Alone, the flag means luminance.
        mask: MASK=PAINTING, several times: white where that painting belongs. Paintings without a mask
            are painted elsewhere.
        save_every: Write the picture every so many iterations, as OUTPUT-000050.png.
        log: CSV file for the losses of every iteration.
        device: Device that optimizes; auto is the fastest one.
        precision: bf16, fp32, or auto for bf16 where the machine has it in hardware.
        progress: Show the progress.
        on_share: Called after each iteration, see `fastnst.system.progress.Progress`; in Python alone.

    Returns:
        The picture, which is written, and its losses.

    Raises:
        FastnstError: An argument is wrong.
        Diverged: A term became infinite; the last good picture is written.
        Interrupted: Ctrl-C; the last picture is written.
    """
    record = settings(locals())
    check_arguments(
        iterations=iterations, levels=levels, save_every=save_every, learning_rate=learning_rate,
        ema_decay=ema_decay, size=size, style_size=style_size, optimizer=optimizer, precision=precision,
    )  # fmt: skip
    inputs = read_inputs(
        content, [str(s) for s in style], mask,
        style_size=style_size, keep_color=parse_keep_color(keep_color),
    )  # fmt: skip
    if init not in ("content", "noise", "style"):
        read_image(init)
    output = output_path(Path(content), style, output)
    full = size or min(DEFAULT_MAX_SIZE, max(inputs.content.size))
    sizes = level_sizes(inputs.content.size, full, levels)

    target = pick_device(device)
    keep_freed_memory(2**30)
    loss_network = load_loss_network(network, network_weights, pooling)
    defaults = LAYERS[network]
    loss = PerceptualLoss(
        loss_network,
        content_layers=parse_layers(content_layers or defaults[0]),
        style_layers=parse_layers(style_layers or defaults[1]),
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        gram_norm=gram_norm,
    ).to(memory_format=torch.channels_last)
    loss.to(target)
    if precision == "bf16" or (precision == "auto" and has_bfloat16(target.type)):
        loss_network.lower(torch.bfloat16)

    steps = coarse_to_fine(
        loss, inputs, sizes, init, seed, target,
        iterations=iterations, optimizer=optimizer, learning_rate=learning_rate, ema_decay=ema_decay,
    )  # fmt: skip
    total, started = iterations * len(sizes), time.perf_counter()
    total_work = sum(size * size for size in sizes) * iterations
    shown = StepProgress("iterations", total) if progress else None
    step: LevelStep | None = None
    divergence: Diverged | None = None
    with (
        _log(log) as write,
        Interrupts("this iteration") as interrupts,
        closing(shown) if shown else nullcontext(),
    ):
        try:
            for step in steps:
                write(step, time.perf_counter() - started)
                terms = "  ".join(f"{k} {v:.3f}" for k, v in step.losses.items() if v)
                text, share = f"{step.size} px  {terms}", step.work / total_work
                if shown is not None:
                    shown.update(step.done, text, share)
                if on_share is not None:
                    on_share(share, text)
                if save_every and step.done and step.done % save_every == 0:
                    between = output.with_stem(f"{output.stem}-{step.done:06d}")
                    write_image(between, inputs.finish(step.pixels, step.size))
                if interrupts.requested:
                    break
        except Diverged as error:
            divergence = error
        except KeyboardInterrupt:  # A second Ctrl-C; the picture is still worth keeping.
            interrupts.requested = True
    seconds = time.perf_counter() - started
    if step is None:
        raise divergence or KeyboardInterrupt()
    image = inputs.finish(step.pixels, full)
    result = OptimizeResult(image, output, step.losses, step.done, seconds)
    record |= {
        "fastnst": installed_version(),
        "sizes": sizes[: sizes.index(step.size) + 1],
        "content_layers": loss.content_layers,
        "style_layers": loss.style_layers,
        "units": loss.units(),
        "done": {"losses": result.losses, "iterations": step.done, "seconds": round(seconds, 2)},
    }
    write_image(output, image, description=json.dumps(record))
    if divergence:
        raise Diverged(
            divergence.message,
            f"The picture of iteration {step.done} is kept in {output}. {divergence.hint}",
        )
    if interrupts.requested:
        raise Interrupted(f"Stopped after {step.done} of {total} iterations; {output} is written.")
    return result


@contextmanager
def _log(path: Path | None) -> Iterator[Callable[[LevelStep, float], None]]:
    """Yield a function that adds a row to the CSV file at once, so that a stopped run has it."""
    if path is None:
        yield lambda step, seconds: None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", newline="", buffering=1)
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}.") from error
    with file:
        writer = csv.DictWriter(file, LOG_COLUMNS)
        writer.writeheader()

        def write(step: LevelStep, seconds: float) -> None:
            row = {"iteration": step.done, "size": step.size, "seconds": f"{seconds:.3f}"}
            writer.writerow(
                {**row, **{name: f"{value:.6g}" for name, value in step.losses.items()}}
            )

        yield write
