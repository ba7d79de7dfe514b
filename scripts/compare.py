"""Compare optimizers, loss networks with their layers, and weights, on one photo and one painting.

    python scripts/compare.py PHOTO PAINTING -o compare --size 256 --iterations 150

Every run has the same budget: so many iterations from the photo at one size. An iteration is one pass through the network,
forward and back; L-BFGS now and then takes one more. The script writes `compare.csv`, the losses and seconds of every run
by iteration; `compare.png`, their curves; and `sheet.png`, the pictures with their settings and times. Only the runs that
compare optimizers share an objective: the other curves are drawn relative to their starts.
"""

import argparse
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont

from fastnst import FastnstError, optimize
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.optimization.descend import RATES

mpl.use("Agg")
import matplotlib.pyplot as plt

Run = tuple[str, str, dict[str, Any]]
"""Group, name, and options of a run."""

CAPTION = 44
"""Height in pixels of the caption below each picture of the sheet."""


def runs(vgg19: Path | None, resnet50: Path | None) -> Iterator[Run]:
    """Yield all runs."""
    for optimizer in RATES:
        yield "optimizer", optimizer, {"optimizer": optimizer}
    for layers in (["block4_conv2"], ["block5_conv2"], ["block4_conv2", "block5_conv2"]):
        yield "network and layers", f"vgg16 {'+'.join(layers)}", {"content_layers": layers}
    yield "network and layers", "vgg19", {"network": "vgg19", "network_weights": vgg19}
    yield "network and layers", "resnet50", {"network": "resnet50", "network_weights": resnet50}
    for weight in (1.0, 3.0, 10.0, 30.0, 100.0):
        yield "weights", f"content : style 1:{weight:g}", {"style_weight": weight}


def main() -> None:
    """Run all, one after the other, and write the table, the curves and the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("compare"))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument(
        "--vgg19", type=Path, help="weights of VGG-19, if torchvision's can't be downloaded"
    )
    parser.add_argument(
        "--resnet50", type=Path, help="weights of ResNet-50, if torchvision's can't be downloaded"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    table: list[dict[str, Any]] = []
    pictures: list[tuple[str, str, Image.Image]] = []
    for image, name in ((options.photo, "photo"), (options.painting, "painting")):
        pictures.append(
            (name, "", resize_long_edge(read_image(image).convert("RGB"), options.size))
        )
    with tempfile.TemporaryDirectory() as folder:
        for group, name, changes in runs(options.vgg19, options.resnet50):
            log = Path(folder, "log.csv")
            try:
                result = optimize(
                    options.photo, str(options.painting), output=Path(folder, "run.png"), log=log, progress=False,
                    size=options.size, levels=1, iterations=options.iterations, **changes,
                )  # fmt: skip
            except FastnstError as error:
                print(f"{group}: {name}: left out. {error}", flush=True)
                continue
            with log.open() as file:
                table += [{"group": group, "run": name, **row} for row in csv.DictReader(file)]
            last = f"J {result.losses['total']:.3f} (c {result.losses['content']:.3f}, s {result.losses['style']:.3f})"
            pictures.append((name, f"{last}, {result.seconds:.0f} s", result.image))
            print(f"{group}: {name}: {last}, {result.seconds:.1f} s", flush=True)
            # After every run, so that a stopped comparison has what was done.
            write_table(options.output / "compare.csv", table)
            write_curves(options.output / "compare.png", table)
            write_image(options.output / "sheet.png", sheet(pictures, options.size))


def write_table(path: Path, table: list[dict[str, Any]]) -> None:
    """Write the losses of all runs."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def write_curves(path: Path, table: list[dict[str, Any]]) -> None:
    """Draw loss against iterations and against seconds, a row for each group."""
    groups = list(dict.fromkeys(row["group"] for row in table))
    figure, axes = plt.subplots(len(groups), 2, figsize=(13, 4.5 * len(groups)), squeeze=False)
    for group, (left, right) in zip(groups, axes, strict=True):
        rows = [row for row in table if row["group"] == group]
        for name in dict.fromkeys(row["run"] for row in rows):
            curve = [row for row in rows if row["run"] == name]
            values = [float(row["total"]) for row in curve]
            if group != "optimizer":
                values = [value / values[0] for value in values]
            left.plot([int(row["iteration"]) for row in curve], values, label=name)
            right.plot([float(row["seconds"]) for row in curve], values, label=name)
        for axis, unit in ((left, "iterations"), (right, "seconds")):
            axis.set(yscale="log", xlabel=unit, title=group)
            axis.set_ylabel("objective" if group == "optimizer" else "objective, of its start")
            axis.grid(alpha=0.3, which="both")
        left.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def sheet(pictures: list[tuple[str, str, Image.Image]], size: int, columns: int = 4) -> Image.Image:
    """Return the pictures in rows, each with its name and caption."""
    rows = -(-len(pictures) // columns)
    result = Image.new("RGB", (columns * size, rows * (size + CAPTION)), "white")
    draw, font = ImageDraw.Draw(result), ImageFont.load_default(size=13)
    for number, (name, caption, image) in enumerate(pictures):
        x, y = number % columns * size, number // columns * (size + CAPTION)
        result.paste(image, (x + (size - image.width) // 2, y + (size - image.height) // 2))
        draw.text((x + 4, y + size + 4), name, "black", font)
        draw.text((x + 4, y + size + 22), caption, "black", font)
    return result


if __name__ == "__main__":
    main()
