"""Time `fastnst optimize` beside plain L-BFGS on the same objective, and measure its memory.

    python scripts/benchmarks/optimize.py PHOTO PAINTING --size 512 --iterations 300

The plain method is that of PyTorch's tutorial: VGG-16 in float32, every layer computed, torch.optim.LBFGS with its defaults,
one size, from the photo, clipping to black and white inside the closure. Objectives are those of pictures as people get them,
clipped and rounded, computed in float32 off the clock. The script prints the seconds until `fastnst optimize` has a picture
whose objective is as low, at one size with as many iterations, and with its defaults, coarse to fine.
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst import optimize
from fastnst.images.read import read_image
from fastnst.optimization.inputs import InputsAtSize, read_inputs
from fastnst.optimization.optimize import LAYERS, STYLE_WEIGHT
from fastnst.perceptual import PerceptualLoss, load_loss_network
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.perceptual.loss_network import Vgg

EVERY = 5
"""Iterations between the pictures of `fastnst optimize` whose objective is computed."""


class Judge:
    """Objective in float32 of pictures as people get them."""

    def __init__(self, sized: InputsAtSize) -> None:
        content, style = (dict.fromkeys(layers, 1.0) for layers in LAYERS["vgg16"])
        self.loss = PerceptualLoss(
            load_loss_network(), content_layers=content, style_layers=style, content_weight=1, style_weight=STYLE_WEIGHT
        )  # fmt: skip
        self.loss.set_styles(sized.paintings)
        self.loss.calibrate(sized.content)
        self.targets = self.loss.content_targets(sized.content)

    def __call__(self, pixels: Tensor) -> float:
        """Return the objective J of pixels (1, 3, H, W), 0..255."""
        with torch.no_grad():
            total: Tensor = self.loss(pixels.clamp(0, 255).round(), self.targets).total
            return total.item()


def plain(judge: Judge, sized: InputsAtSize, iterations: int) -> tuple[float, float]:
    """Seconds for so many evaluations, and the objective at the end."""
    loss, network = judge.loss, judge.loss.network
    assert isinstance(network, Vgg)
    convolutions = list(network.layers.named_children())

    def every_layer(images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        features, block = {}, "1"
        x = images - network.mean
        for name, conv in convolutions:
            if name[0] != block:
                x, block = F.max_pool2d(x, 2), name[0]
            x = F.relu(conv(x))
            features[f"relu{name}"] = x
        return features

    image = (sized.content / 255).contiguous().requires_grad_()
    optimizer = torch.optim.LBFGS([image])
    count = 0
    usual, network.forward = network.forward, every_layer  # type: ignore[method-assign]

    def closure() -> Tensor:
        nonlocal count
        count += 1
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        total: Tensor = loss(image * 255, judge.targets).total
        total.backward()  # type: ignore[no-untyped-call]
        return total

    started = time.perf_counter()
    while count < iterations:
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    seconds = time.perf_counter() - started
    network.forward = usual  # type: ignore[method-assign]
    return seconds * iterations / count, judge(image.detach() * 255)


def ours(
    judge: Judge,
    photo: str,
    painting: str,
    size: int,
    *,
    iterations: int,
    levels: int | None,
) -> list[tuple[float, float]]:
    """Run `fastnst optimize`, and return seconds and objective of its pictures at full size."""
    with tempfile.TemporaryDirectory() as folder:
        output, log = Path(folder, "ours.png"), Path(folder, "log.csv")
        optimize(
            photo, painting, output=output, size=size, iterations=iterations, levels=levels,
            save_every=EVERY, log=log, progress=False,
        )  # fmt: skip
        with log.open() as file:
            rows = [row for row in csv.DictReader(file) if row["size"] == str(size)]
        curve = []
        for row in rows:
            picture = output.with_stem(f"ours-{int(row['iteration']):06d}")
            if picture.exists():
                curve.append((float(row["seconds"]), judge(image_to_tensor(read_image(picture)))))
        return curve


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("painting")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=300, help="of plain L-BFGS")
    parser.add_argument("--memory-size", type=int, default=1024)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.size} px")

    inputs = read_inputs(options.photo, [options.painting], [], style_size=None, keep_color=None)
    sized = inputs.at(options.size, options.size)
    judge = Judge(sized)
    print(f"the photo itself: objective {judge(sized.content):.4f}")
    seconds, value = plain(judge, sized, options.iterations)
    print(
        f"plain L-BFGS, {options.iterations} iterations: {seconds:.1f} s, objective {value:.4f}",
        flush=True,
    )
    pictures = (judge, options.photo, options.painting, options.size)
    for way, levels, iterations in (
        ("one size", 1, options.iterations),
        ("its defaults", None, 150),
    ):
        curve = ours(*pictures, levels=levels, iterations=iterations)
        print(
            f"fastnst optimize, {way}, to its end: {curve[-1][0]:.1f} s, objective {curve[-1][1]:.4f}"
        )
        reached = next((at for at, objective in curve if objective <= value), None)
        if reached is None:
            print("  does not reach it")
        else:
            print(
                f"  is as low after {reached:.1f} s: {seconds / reached:.1f} times as fast",
                flush=True,
            )

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "fastnst", "optimize", options.photo, options.painting]
        command += ["--no-progress", "-o", f"{folder}/o.png", "--iterations", "15"]
        command += ["--size", str(options.memory_size)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"at {options.memory_size} px it takes {peak:.2f} GB at most")


if __name__ == "__main__":
    main()
