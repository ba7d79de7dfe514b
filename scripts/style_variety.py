"""Measure how far apart styles are that are drawn by chance, beside the styles of a file.

    python scripts/style_variety.py PHOTO [PHOTO ...] --count 24 --paintings PAINTINGS

Photos are painted in each style, and the style term is taken between the pictures of each pair of styles: the squared
difference of their Gram matrices, each layer in units of its mean over the pairs of the small net's own styles. So those have
1. "nearest" is the median distance to the nearest other style: 0 where styles repeat. Strength is 1. "ms" is the time of all
threads for a picture.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fastnst import StyleAugment, StyleMix, Stylizer
from fastnst.images.pixels import Pixels, to_rgb_array
from fastnst.images.read import read_image
from fastnst.perceptual import load_loss_network
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.perceptual.statistics import LAYERS
from fastnst.perceptual.terms import gram
from fastnst.styles.registry import find_gallery

Way = list[tuple[Stylizer, StyleMix]]
"""Styles, and what paints each."""


def ways(count: int, paintings: Path | None) -> Iterator[tuple[str, Way]]:
    """Yield the ways to choose styles, those of the small net first."""
    for fast in (True, False):
        stylizer = Stylizer(model=find_gallery(fast=fast), device="cpu")
        name = stylizer.path.stem
        yield f"{name}: its styles", [(stylizer, StyleMix(style)) for style in stylizer.styles]
        yield f"{name}: random", drawn(count, fast=fast)
    if paintings is not None:
        yield "paintings, one at a time", drawn(count, [paintings])
        yield "paintings, blended", drawn(count, paintings)


def drawn(count: int, styles: Any = "random", *, fast: bool = True) -> Way:
    """Draw styles as `StyleAugment` does."""
    augment = StyleAugment(styles, strength=1.0, stroke=None, share=1.0, fast=fast)
    black = np.zeros((1, 1, 3), np.uint8)
    found = [augment.draw(black, epoch) for epoch in range(count)]
    return [each for each in found if each is not None]


def distances(painted: list[Pixels], network: Any) -> np.ndarray[Any, Any]:
    """Return the mean squared difference of Gram matrices (layers, N, N) of pictures."""
    with torch.no_grad():
        maps = [network(image_to_tensor(picture), LAYERS) for picture in painted]
        grams = [torch.stack([gram(each[name])[0].flatten() for each in maps]) for name in LAYERS]
    result: np.ndarray[Any, Any] = np.stack(
        [torch.cdist(layer.double(), layer.double()).square() / layer.shape[1] for layer in grams]
    )
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=24, help="styles that are drawn")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--paintings", type=Path, help="folder of paintings")
    options = parser.parse_args()
    sides = options.size, options.size
    photos = [to_rgb_array(read_image(path).resize(sides)) for path in options.photos]
    network, units = load_loss_network(), None
    print(f"{'':28}{'styles':>8}{'distance':>10}{'nearest':>10}{'ms':>8}")
    for name, way in ways(options.count, options.paintings):
        way[0][0](photos[0], way[0][1])  # The first run allocates memory for the others.
        began = time.process_time()
        painted = [[stylizer(photo, mix) for stylizer, mix in way] for photo in photos]
        ms = (time.process_time() - began) * 1e3 / len(way) / len(photos)
        apart = np.mean([distances(row, network) for row in painted], axis=0)
        others = ~np.eye(len(way), dtype=bool)
        if units is None:
            units = apart[:, others].mean(1)[:, None, None]
        total = (apart / units).mean(0)
        nearest = np.median(np.where(others, total, np.inf).min(1))
        figures = f"{total[others].mean():>10.2f}{nearest:>10.2f}{ms:>8.0f}"
        print(f"{name:28}{len(way):>8}{figures}", flush=True)


if __name__ == "__main__":
    main()
