"""Measure the effect of tiles on the picture, on memory and on time.

    python scripts/benchmarks/tiles.py PHOTO [PHOTO ...] --style starry-night [--fast]

The photos, laid side by side, make a picture of `--size` px a side, which is painted at once and in tiles, at one level,
over the ground where the net has several. Pictures of 10 and 100 megapixels are painted by `fastnst stylize` in tiles, each in a process of its own.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst import Stylizer
from fastnst.images.pixels import to_rgb_array
from fastnst.images.read import read_image
from fastnst.runtime.engine.fixed_norms import FixedNormsNet
from fastnst.runtime.engine.level_painter import PADDING, LevelPainter
from fastnst.runtime.engine.levels import ground
from fastnst.runtime.engine.painting_statistics import painting_statistics
from fastnst.runtime.engine.tiling import RegionReader, TilePlan, measure, paint, region_of


def wall(photos: list[Path], side: int) -> np.ndarray:
    """Return the photos in a square grid, repeated to fill it."""
    across = int(np.ceil(len(photos) ** 0.5))
    part = -(-side // across)
    cells = [
        to_rgb_array(
            read_image(photos[k % len(photos)]).resize((part, part), Image.Resampling.LANCZOS)
        )
        for k in range(across**2)
    ]
    rows = [np.hstack(cells[k : k + across]) for k in range(0, across**2, across)]
    return np.vstack(rows)[:side, :side]


def compared(stylizer: Stylizer, picture: np.ndarray) -> None:
    """Print the difference of tiles to the whole."""
    path, card = stylizer.path, stylizer.card
    if card is None:
        raise SystemExit(f"{path} can't be compared: give a style that fastnst exported.")
    rows = stylizer.mix.for_net(path, card, painting_statistics).at(0)
    net = FixedNormsNet(path)
    canvas = ground(*picture.shape[:2])[None] if card.levels > 1 else None
    started = time.perf_counter()
    painter = LevelPainter(stylizer.net, tile="off")
    whole = painter.paint(picture[None], canvas, rows[None])[0].astype(np.int16)
    at_once = time.perf_counter() - started

    def region(of: np.ndarray) -> RegionReader:
        over = [of] if canvas is None else [of, ground(*of.shape[:2])]
        return region_of(np.concatenate(over, axis=2))

    def plan(of: np.ndarray, side: int) -> TilePlan:
        height, width = of.shape[:2]
        return TilePlan(height, width, PADDING, card.multiple_of, card.minimum, net.radius, side)

    def painted(statistics: dict[str, np.ndarray], side: int) -> np.ndarray:
        result = np.empty_like(picture)
        for first, band in paint(net, plan(picture, side), region(picture), rows, statistics):
            result[first : first + len(band)] = band
        return result.astype(np.int16)

    print(
        f"{picture.shape[1]}x{picture.shape[0]} px, at once {at_once:.1f} s, a pixel looks {net.radius} px far"
    )
    exact = measure(net, plan(picture, 512), region(picture), rows, exact=True)
    for name, of, all_of_it in (
        ("all of it", picture, True),
        ("a sample", picture, False),
        ("a copy of half its size", np.asarray(Image.fromarray(picture).reduce(2)), True),
        ("a copy of a quarter of its size", np.asarray(Image.fromarray(picture).reduce(4)), True),
    ):
        started = time.perf_counter()
        statistics = measure(net, plan(of, 512), region(of), rows, exact=all_of_it)
        took = time.perf_counter() - started
        apart = np.abs(painted(statistics, 512) - whole)
        print(
            f"  statistics of {name}: {took:.1f} s; against at once mean {apart.mean():.3f}, most {apart.max()} of 255"
        )
    reference = painted(exact, max(picture.shape) * 2)
    for side in (256, 512, 1000):
        started = time.perf_counter()
        apart = np.abs(painted(exact, side // 8 * 8) - reference).max()
        took = time.perf_counter() - started
        print(
            f"  tiles of {side}: {took:.1f} s; against the whole by the same statistics, most {apart} of 255"
        )


def measured(words: list[str], picture: Path, output: Path) -> tuple[float, float]:
    """Run `fastnst stylize`, and return its seconds and gigabytes."""
    command = [sys.executable, "-m", "fastnst", "stylize", str(picture), "-o", str(output), *words]
    started = time.perf_counter()
    pid = os.posix_spawn(sys.executable, command, os.environ)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed.")
    return time.perf_counter() - started, used.ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    ) / 1e9


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--megapixels", type=float, nargs="*", default=[10, 100])
    parser.add_argument("--tile", default="512")
    parser.add_argument("--exact", action="store_true")
    options = parser.parse_args()
    stylizer = Stylizer(options.style, fast=options.fast, tile="off")
    print(f"{stylizer.path.name}, {options.style}, {os.cpu_count()} processors")
    compared(stylizer, wall(options.photos, options.size))
    words = ["--style", options.style, "--tile", options.tile, "--max-megapixels", "2000"]
    words += ["--fast"] if options.fast else []
    words += ["--exact"] if options.exact else []
    before = None
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in options.megapixels:
            side = round((megapixels * 1e6) ** 0.5)
            picture = Path(folder, f"{side}.jpg")
            Image.fromarray(wall(options.photos, side)).save(picture, quality=90)
            seconds, gigabytes = measured(words, picture, Path(folder, "painted.jpg"))
            line = f"{side}x{side} px in tiles: {seconds:.1f} s, {gigabytes:.2f} GB of memory"
            if before:
                line += f", {seconds / before[1]:.2f} times the time of {before[0]:g} megapixels"
            print(line)
            before = before or (megapixels, seconds)


if __name__ == "__main__":
    main()
