"""Measure whether style augmentation makes a classifier look at shapes: trained without, with mild and strong styles.

The data set is made here: shapes filled with textures, on textures. In training each class has its shape and its texture,
so both tell the class. In the test of conflicts the shape is of one class and the texture of another (Geirhos et al.
2019, arXiv 1811.12231): the shape bias is the share of shape among the answers that are either. Each seed has its own
pictures, styles and weights; the last lines are the mean of the seeds, and the least and the most of them.

python scripts/shape_bias.py --images 3000 --epochs 6 --seeds 0 1 2
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn
from torch.nn import functional

from fastnst import StyleAugment
from fastnst.images.pixels import Pixels
from fastnst.styles.draw import Range

CLASSES = ("circle", "square", "triangle", "cross", "star", "ring")
TRAININGS: dict[str, tuple[float, Range]] = {
    "plain": (0.0, 0.0),
    "mild": (0.8, (0.3, 1.0)),
    "half": (0.5, (0.9, 1.0)),
    "strong": (1.0, (0.9, 1.0)),
}
"""Share of the pictures that are painted, and their strength, of each training."""
COLUMNS = ("held out", "shape", "texture", "shape bias")


def texture(number: int, size: int, rng: np.random.Generator) -> Pixels:
    """Return a texture of a class (size, size, 3) in two colours of its own, at a random place and scale."""
    y, x = np.mgrid[:size, :size] + rng.uniform(0, 100, (2, 1, 1))
    wave = 2 * np.pi / (rng.uniform(3, 4.5) * size / 64)
    noise = rng.random((size // 2 + 1, size // 2 + 1)).repeat(2, 0).repeat(2, 1)[:size, :size]
    value = (
        lambda: np.sin(x * wave),
        lambda: np.sin(y * wave),
        lambda: np.sign(np.sin(x * wave) * np.sin(y * wave)),
        lambda: np.sin((x + y) * wave * 0.7),
        lambda: 2 * noise - 1,
        lambda: np.sin(np.hypot(x % 16 - 8, y % 16 - 8) * wave * 1.5),
    )[number]()[..., None]
    one, other = rng.uniform(0, 255, (2, 3))
    result: Pixels = np.rint(one + (other - one) * (value + 1) / 2).astype(np.uint8)
    return result


def silhouette(number: int, size: int, rng: np.random.Generator) -> Image.Image:
    """Return the mask of a shape, mode L, at a random place, size and angle."""
    center, radius = rng.uniform(0.4, 0.6, 2) * size, rng.uniform(0.28, 0.38) * size
    angle = rng.uniform(-0.35, 0.35)
    mask = Image.new("L", (4 * size, 4 * size))  # Drawn larger: edges without steps.
    draw = ImageDraw.Draw(mask)

    def points(count: int, radii: tuple[float, ...]) -> list[tuple[float, float]]:
        turns = angle + np.arange(count) * 2 * np.pi / count
        lengths = 4 * radius * np.resize(radii, count)
        return [
            (4 * center[0] + r * np.sin(t), 4 * center[1] - r * np.cos(t))
            for t, r in zip(turns, lengths, strict=True)
        ]

    box = [*(4 * (center - radius)), *(4 * (center + radius))]
    hole = [*(4 * (center - radius / 2)), *(4 * (center + radius / 2))]
    name = CLASSES[number]
    if name in ("circle", "ring"):
        draw.ellipse(box, 255)
        if name == "ring":
            draw.ellipse(hole, 0)
    elif name == "cross":
        quarters = points(12, (1.0, 1.0, 0.45))
        draw.polygon(quarters, 255)
    else:
        corners = {"square": (4, (1.15,)), "triangle": (3, (1.25,)), "star": (10, (1.25, 0.5))}[
            name
        ]
        draw.polygon(points(*corners), 255)
    return mask.resize((size, size), Image.Resampling.BOX)


def pictures(
    shapes: np.ndarray[Any, Any], textures: np.ndarray[Any, Any], size: int, seed: int
) -> Pixels:
    """Return pictures (N, size, size, 3) of shapes filled with textures, on smooth grounds with some noise."""
    rng = np.random.default_rng(seed)
    result = np.empty((len(shapes), size, size, 3), np.uint8)
    for number, (shape, kind) in enumerate(zip(shapes, textures, strict=True)):
        coarse = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
        ground = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float32)
        mask = np.asarray(silhouette(shape, size, rng), np.float32)[..., None] / 255
        mixed = ground * (1 - mask) + texture(kind, size, rng) * mask
        noisy = mixed + rng.normal(0, 6, mixed.shape)
        result[number] = np.clip(np.rint(noisy), 0, 255)
    return result


def classifier() -> nn.Module:
    """Return a small convolutional net with a global mean at its end."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 24), (24, 48), (48, 96), (96, 96)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, 1, 1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, len(CLASSES))
    )


def tensor(pixels: Pixels) -> torch.Tensor:
    """Return pixels (N, H, W, 3) as the classifier takes them."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def trained(
    epoch_of: Callable[[int], Pixels], labels: np.ndarray[Any, Any], epochs: int, seed: int
) -> nn.Module:
    """Train a classifier; `epoch_of` gives the pictures of an epoch."""
    torch.manual_seed(seed)
    net, goal = classifier(), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs * -(-len(labels) // 64))
    for epoch in range(epochs):
        images = tensor(epoch_of(epoch))
        for batch in torch.split(torch.randperm(len(labels)), 64):
            loss = functional.cross_entropy(net(images[batch]), goal[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return net.eval()


def answers(net: nn.Module, pixels: Pixels) -> np.ndarray[Any, Any]:
    """Return the classes that a net sees."""
    with torch.no_grad():
        result: np.ndarray[Any, Any] = (
            torch.cat([net(part) for part in torch.split(tensor(pixels), 256)]).argmax(1).numpy()
        )
    return result


def measure(options: argparse.Namespace, seed: int) -> dict[str, dict[str, float]]:
    """Train the classifiers on one set of pictures, and print and return their figures."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES), options.images)
    photos = pictures(labels, labels, options.size, seed)
    same = rng.integers(0, len(CLASSES), options.test)
    shapes = rng.integers(0, len(CLASSES), options.test)
    other = (shapes + rng.integers(1, len(CLASSES), options.test)) % len(CLASSES)
    held_out = pictures(same, same, options.size, seed + 1000)
    conflicts = pictures(shapes, other, options.size, seed + 2000)
    figures = {}
    for name, (share, strength) in TRAININGS.items():
        augment = StyleAugment(strength=strength, share=share, seed=seed)

        def painted(epoch: int, augment: StyleAugment = augment) -> Pixels:
            augment.set_epoch(epoch)
            result: Pixels = augment(photos)
            return result

        if options.sheet and name == "strong":
            rows = [photos[:12], painted(0)[:12], conflicts[:12]]
            Image.fromarray(np.vstack([np.hstack(list(row)) for row in rows])).save(options.sheet)
        net = trained(painted, labels, options.epochs, seed)
        seen = answers(net, conflicts)
        shape, kind = float(np.mean(seen == shapes)), float(np.mean(seen == other))
        right = float(np.mean(answers(net, held_out) == same))
        values = right, shape, kind, shape / max(shape + kind, 1e-9)
        figures[name] = dict(zip(COLUMNS, values, strict=True))
        _print(str(seed), name, figures[name])
    return figures


def _print(seed: str, name: str, row: dict[str, float]) -> None:
    print(f"{seed:>6} {name:>8} " + " ".join(f"{row[c]:>10.3f}" for c in COLUMNS), flush=True)


def main() -> None:
    """Print the figures of each seed, and their means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--test", type=int, default=1200)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--sheet", type=Path, help="write examples: as they are, in strong styles, conflicts"
    )
    options = parser.parse_args()
    print(f"{'seed':>6} {'training':>8} " + " ".join(f"{name:>10}" for name in COLUMNS))
    found = [measure(options, seed) for seed in options.seeds]
    for word, of in (("mean", statistics.mean), ("least", min), ("most", max)):
        for name in TRAININGS:
            _print(word, name, {c: of([one[name][c] for one in found]) for c in COLUMNS})


if __name__ == "__main__":
    main()
