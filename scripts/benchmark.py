"""Time styles side by side: milliseconds a picture, from pixels to pixels, and the ratio to the first style named.

    python scripts/benchmark.py starry-night other.onnx --sizes 256x256 640x480 1280x720 --runs 10

Every style paints every size in turn, `--runs` times over, so that whatever else the machine does hits all of them
alike; the median is shown. The first pass of each, which sets up buffers, is not counted.
"""

import argparse
import os
import statistics
import time

import numpy as np
import onnxruntime

from fastnst import Stylizer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("styles", nargs="+", help="names of styles, or .onnx files")
    parser.add_argument("--sizes", nargs="+", default=["256x256", "512x512", "1024x1024"])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    stylizers = [Stylizer(style, device=options.device) for style in options.styles]
    rng = np.random.default_rng(0)
    print(f"onnxruntime {onnxruntime.__version__}, {os.cpu_count()} cores, {options.device}")
    for size in options.sizes:
        width, height = map(int, size.split("x"))
        photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for stylizer in stylizers:
            stylizer(photo)
        seconds: list[list[float]] = [[] for _ in stylizers]
        for _ in range(options.runs):
            for stylizer, times in zip(stylizers, seconds, strict=True):
                started = time.perf_counter()
                stylizer(photo)
                times.append(time.perf_counter() - started)
        first = statistics.median(seconds[0])
        for stylizer, times in zip(stylizers, seconds, strict=True):
            median = statistics.median(times)
            print(f"{size:>10}  {stylizer.name:<20} {median * 1e3:9.1f} ms  {first / median:6.2f}x")


if __name__ == "__main__":
    main()
