"""The job `optimize`: a photo is painted by descending on its pixels."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import torch
from cyclopts import Parameter
from PIL import Image

from fastnst.errors import CannotWrite, Diverged, FastnstError, Interrupted, did_you_mean
from fastnst.images.colors import KeepColor
from fastnst.images.formats import WRITABLE_EXTENSIONS, check_writable
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.optimization.descend import Optimizer
from fastnst.optimization.inputs import read_inputs
from fastnst.optimization.pyramid import Stage, coarse_to_fine, sizes_up_to
from fastnst.perceptual import (
    GramNorm,
    Network,
    PerceptualLoss,
    Pooling,
    load_encoder,
)
from fastnst.system.interrupts import Interrupts
from fastnst.system.progress import Progress, StepProgress
from fastnst.system.torch_device import Device, has_bfloat16, pick_device, tune_malloc

Precision: TypeAlias = Literal["auto", "bf16", "fp32"]

LARGEST_UNASKED = 1024
"""Pixels on the longer side that a larger photo is brought down to, unless `size` says otherwise."""
STYLE_WEIGHT = 8.0

LAYERS: Mapping[Network, tuple[Sequence[str], Sequence[str]]] = {
    # Gatys et al. 2016, section 3.
    "vgg16": (["conv4_2"], ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]),
    "vgg19": (["conv4_2"], ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]),
    # Wang, Li and Vasconcelos 2021, "Rethinking and Improving the Robustness of Image Style Transfer".
    "resnet50": (["layer3.5"], ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
}
"""Content and style layers of each network."""
COLUMNS = ("iteration", "scale", "seconds", "content", "style", "tv", "total")

_Words = Annotated[Sequence[str], Parameter(negative="", consume_multiple=True)]


@dataclass(frozen=True)
class Optimized:
    """A painted picture, and what it took."""

    image: Image.Image
    """RGB, or RGBA where the photo is."""
    output: Path
    """Where it was written."""
    losses: Mapping[str, float]
    """`content`, `style`, `tv` and `total`, as weighted, at the end."""
    iterations: int
    """Of all sizes."""
    seconds: float
    """All in all, reading and writing left out."""

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
    scales: int | None = None,
    network: Network = "vgg16",
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
    average: float | None = None,
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
) -> Optimized:
    """Paint one photo by descending on its pixels (Gatys et al. 2016): minutes, and no training.

    Args:
        content: The photo.
        style: Paintings; of several, all are blended, evenly or by their weights: `a.jpg:0.7 b.jpg:0.3`.
        output: The picture to write; without it, NAME-STYLE.EXT beside the photo.
        size: Longer side in pixels; without it the photo's own, at most 1024.
        iterations: Iterations at each size.
        scales: Sizes to go through, each twice the one before; 1 for the full size alone. Without it,
            as many as start at 128 px or more.
        network: Loss network: vgg16 ships with fastnst, the others are torchvision's.
        network_weights: A .safetensors or .pth file with the network's weights instead.
        pooling: How the network shrinks its features; avg is what Gatys et al. prefer.
        content_layers: Layers that keep the photo, as relu4_2, conv4_2 or block4_conv2 (ResNet-50:
            layer2.3.conv1), each with an optional weight: relu4_2:0.5. Default: conv4_2.
        style_layers: Layers that bring the painting. Default: conv1_1 conv2_1 conv3_1 conv4_1 conv5_1.
        content_weight: Of the content term, which is 0 for the photo and 1 for an unrelated one.
        style_weight: Of the style term, which is 1 for the photo and 0 for the painting.
        tv_weight: Of the total variation, which smooths.
        gram_norm: What one style layer counts beside another: unit, equally; chw, as in the papers of
            Gatys et al. and Johnson et al.; hw, as in Gatys' code; none, Gram matrices as they are.
        optimizer: What descends.
        learning_rate: Its step; each optimizer has its own default.
        average: Decay of the mean of the iterates, 0 to 1; 0 for the last iterate alone.
        init: What to start from: content, noise, style, or a picture.
        seed: Of the noise.
        style_size: Longer side of the painting in pixels, which sets the size of the strokes; without
            it, as large as the picture.
        keep_color: Keep the photo's colours: luminance paints the luminance alone, palette gives the
            painting the photo's colours first. Alone, the flag means luminance.
        mask: MASK=PAINTING, several times: white where that painting belongs. Where no mask is, the
            paintings that none names.
        save_every: Write the picture as it stands every so many iterations, as OUTPUT-000050.png.
        log: A CSV file for the losses of every iteration.
        device: Where to run; auto takes the fastest there is.
        precision: bf16, fp32, or auto for bf16 where the machine has it in hardware.
        progress: Show how it stands.
        on_share: Called after each iteration: see `fastnst.system.progress.Progress`. In Python alone.

    Returns:
        The picture, which is written, and its losses.

    Raises:
        FastnstError: Something given is wrong; the message says what.
        Diverged: A term became infinite; the last good picture is written.
        Interrupted: Ctrl-C; the picture as it stands is written.
    """
    settings = _plain(locals())
    _check(iterations=iterations, scales=scales, save_every=save_every, learning_rate=learning_rate,
           average=average, size=size, style_size=style_size, optimizer=optimizer, precision=precision)  # fmt: skip
    kept: KeepColor | None = "luminance" if keep_color is True else keep_color or None
    if kept not in (None, *get_args(KeepColor)):
        raise FastnstError(f"Colours can't be kept by {kept!r}.", "Give luminance or palette.")
    scene = read_inputs(
        content, [str(s) for s in style], mask, style_size=style_size, keep_color=kept
    )
    if init not in ("content", "noise", "style"):
        read_image(init)
    output = _output(Path(content), style, output)
    full = size or min(LARGEST_UNASKED, max(scene.content.size))
    sizes = sizes_up_to(scene.content.size, full, scales)

    target = pick_device(device)
    tune_malloc()
    encoder = load_encoder(network, network_weights, pooling)
    defaults = LAYERS[network]
    loss = PerceptualLoss(
        encoder,
        content_layers=_layers(content_layers or defaults[0]),
        style_layers=_layers(style_layers or defaults[1]),
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        gram_norm=gram_norm,
    ).to(memory_format=torch.channels_last)
    loss.to(target)
    if precision == "bf16" or (precision == "auto" and has_bfloat16(target.type)):
        encoder.lower(torch.bfloat16)

    steps = coarse_to_fine(
        loss, scene, sizes, init, seed, target,
        iterations=iterations, optimizer=optimizer, learning_rate=learning_rate, average=average,
    )  # fmt: skip
    total, started = iterations * len(sizes), time.perf_counter()
    whole = sum(scale * scale for scale in sizes) * iterations
    shown = StepProgress("iterations", total) if progress else None
    now: Stage | None = None
    trouble: Diverged | None = None
    with (
        _log(log) as write,
        Interrupts("this iteration") as interrupts,
        closing(shown) if shown else nullcontext(),
    ):
        try:
            for now in steps:
                write(now, time.perf_counter() - started)
                terms = "  ".join(f"{k} {v:.3f}" for k, v in now.losses.items() if v)
                text, share = f"{now.scale} px  {terms}", now.work / whole
                if shown is not None:
                    shown.update(now.done, text, share)
                if on_share is not None:
                    on_share(share, text)
                if save_every and now.done and now.done % save_every == 0:
                    between = output.with_stem(f"{output.stem}-{now.done:06d}")
                    write_image(between, scene.finish(now.pixels, now.scale))
                if interrupts.requested:
                    break
        except Diverged as error:
            trouble = error
        except KeyboardInterrupt:  # A second Ctrl-C; the picture is still worth keeping.
            interrupts.requested = True
    seconds = time.perf_counter() - started
    if now is None:
        raise trouble or KeyboardInterrupt()
    image = scene.finish(now.pixels, full)
    result = Optimized(image, output, now.losses, now.done, seconds)
    settings |= {
        "fastnst": version("fastnst"),
        "sizes": sizes[: sizes.index(now.scale) + 1],
        "content_layers": loss.content_layers,
        "style_layers": loss.style_layers,
        "units": loss.units(),
        "done": {"losses": result.losses, "iterations": now.done, "seconds": round(seconds, 2)},
    }
    write_image(output, image, description=json.dumps(settings))
    if trouble:
        raise Diverged(
            trouble.message,
            f"The picture of iteration {now.done} is kept in {output}. {trouble.hint}",
        )
    if interrupts.requested:
        raise Interrupted(f"Stopped after {now.done} of {total} iterations; {output} is written.")
    return result


def _layers(words: Sequence[str]) -> dict[str, float]:
    """`relu1_1:0.5` and `relu1_1`, several of them with commas too, to layers and weights."""
    layers: dict[str, float] = {}
    for word in ",".join(words).split(","):
        name, _, number = word.strip().partition(":")
        try:
            layers[name] = float(number or 1)
        except ValueError:
            raise FastnstError(
                f"The weight of the layer {name} is {number!r}.", "Write it as relu1_1:0.5."
            ) from None
    return layers


def _check(
    *,
    optimizer: str,
    precision: str,
    learning_rate: float | None,
    average: float | None,
    **counts: int | None,
) -> None:
    for name, count in counts.items():
        if count is not None and count < 1:
            option = name.replace("_", "-")
            raise FastnstError(f"--{option} is {count}.", "It must be 1 or more.")
    for name, given, allowed in (
        ("optimizer", optimizer, get_args(Optimizer)),
        ("precision", precision, get_args(Precision)),
    ):
        if given not in allowed:
            raise FastnstError(f"There is no {name} {given!r}.", did_you_mean(given, allowed))
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise FastnstError(f"The learning rate is {learning_rate:g}.", "It must be above 0.")
    if average is not None and not 0 <= average < 1:
        raise FastnstError(
            f"The decay of the average is {average:g}.", "It must be 0 or more and below 1."
        )


def _output(content: Path, style: Sequence[str | Path], output: Path | None) -> Path:
    """Where to write, which is not where something is read."""
    if output is None:
        name = Path(style[0]).stem if style else "masked"
        suffix = content.suffix if content.suffix.lower() in WRITABLE_EXTENSIONS else ".png"
        output = content.with_name(f"{content.stem}-{name}{suffix}")
        if output.exists():
            raise CannotWrite(
                f"{output} is there already.", "Give a name with -o, this one to replace it."
            )
    check_writable(output)
    if output.resolve() in {Path(path).resolve() for path in (content, *style)}:
        raise CannotWrite(
            f"{output} is read, so it can't be the output too.", "Give another name with -o."
        )
    return output


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they go into the picture: what changes it, and file names without their folders."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return value.name
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    where = {"output", "save_every", "log", "device", "progress", "on_share"}
    files = {"content": Path(options["content"]), "style": [Path(p) for p in options["style"]]}
    return {key: plain(value) for key, value in {**options, **files}.items() if key not in where}


@contextmanager
def _log(path: Path | None) -> Iterator[Callable[[Stage, float], None]]:
    """A function that adds a row to the CSV file, at once, so that a stopped run has it."""
    if path is None:
        yield lambda now, seconds: None
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", newline="", buffering=1)
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}.") from error
    with file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()

        def write(now: Stage, seconds: float) -> None:
            row = {"iteration": now.done, "scale": now.scale, "seconds": f"{seconds:.3f}"}
            writer.writerow({**row, **{name: f"{value:.6g}" for name, value in now.losses.items()}})

        yield write
