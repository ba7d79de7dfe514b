"""Train the bundled gallery, both of its nets, and export them; run again, it continues where it stopped.

    python scripts/train_gallery.py --paintings FOLDER [FOLDER ...] --photos FOLDER --held-out FOLDER --steps 20000 [--any FOLDER]

With `--any`, a folder of hundreds of paintings, the nets learn to paint like any painting too. The gallery's paintings are
those of configs/gallery.yaml, found by file name in the folders. The runs are runs/gallery-swift and
runs/gallery-unet in the current folder; `--nets swift` makes one of them. Every style is evaluated on the photos held
out, and what is found goes into the card. Further options go to `fastnst train`.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
import yaml

import fastnst
from fastnst.errors import FastnstError
from fastnst.exporting.export import read_evaluation
from fastnst.models import load_net, save_net
from fastnst.system.package_data import bundled
from fastnst.training.configuration import run_files

NETS: dict[str, dict[str, Any]] = {
    # It is the one that paints videos.
    "swift": {
        "net": {"name": "swift", "blocks": 5},
        "objective": {"style_weight": 10, "far_style": 0.55},
        "regularizers": {"temporal": 28},
    },
    "unet": {"net": {"name": "unet", "blocks": 4}},
}


def found(config: Path, folders: list[Path]) -> dict[str, Any]:
    """Return the configuration with the paths of the paintings in the folders.

    Raises:
        FastnstError: A painting is in none of the folders.
    """
    values: dict[str, Any] = yaml.safe_load(config.read_text())
    for painting in values["model"]["paintings"]:
        places = [folder / painting["path"] for folder in folders]
        there = [place for place in places if place.is_file()]
        if not there:
            raise FastnstError(f"There is no {painting['path']} in {', '.join(map(str, folders))}.")
        painting["path"] = str(there[0].resolve())
    return values


def measure(run: Path, paintings: list[dict[str, Any]], photos: Path) -> None:
    """Evaluate the styles that are not evaluated yet."""
    done = read_evaluation(run, load_net(run / f"{run.name}.safetensors")[1].steps)
    for painting in paintings:
        if painting["name"] not in done:
            print(
                fastnst.evaluate(
                    run, painting["path"], data=photos, style=painting["name"],
                    sizes=(256,), photos=4, max_iterations=30, progress=False,
                ),
                flush=True,
            )  # fmt: skip


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--any", type=Path)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--config", type=Path, default=bundled("configs") / "gallery.yaml")
    options, words = parser.parse_known_args()
    try:
        values = found(options.config, options.paintings)
    except FastnstError as error:
        raise SystemExit(str(error)) from error
    for kind in options.nets:
        name = f"gallery-{kind}"
        weights, checkpoint = run_files(Path("runs", name))
        try:
            if checkpoint.is_file():
                done = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=False)[
                    "global_step"
                ]
                if done < options.steps:
                    fastnst.train(name=name, resume=True, steps=options.steps, flags=words)
            else:
                fastnst.train(
                    data=options.photos, name=name, config=[values, {"model": NETS[kind]}],
                    any=options.any, steps=options.steps, flags=words,
                )  # fmt: skip
            # In half precision, which halves what is to be downloaded, and with the 8 bits of bfloat16, which compress
            # to three quarters of that; the .onnx file is made of the same numbers.
            net, card = load_net(weights)
            save_net(weights, net.bfloat16().half(), card)
            if options.held_out:
                measure(weights.parent, values["model"]["paintings"], options.held_out)
            print(fastnst.export(weights))
        except FastnstError as error:
            raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
