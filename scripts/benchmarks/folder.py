"""Time a folder of photos beside the same pixels painted in memory: the cost of reading and writing.

python scripts/benchmarks/folder.py PHOTO [PHOTO ...] --count 200 --style starry-night --fast
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from PIL import Image

from fastnst import Stylizer
from fastnst.images.pixels import to_rgb_array
from fastnst.images.read import read_image
from fastnst.runtime.batch.stylize import stylize


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    stylizer = Stylizer(options.style, fast=options.fast)
    width = round((options.megapixels * 1e6 * 4 / 3) ** 0.5)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        photos.mkdir()
        for number, path in enumerate(options.photos):
            large = read_image(path).convert("RGB")
            large = large.resize((width, width * 3 // 4), Image.Resampling.BICUBIC)
            large.save(photos / f"{number:03d}.jpg", quality=92)
        for number in range(len(options.photos), options.count):
            os.link(
                photos / f"{number % len(options.photos):03d}.jpg", photos / f"{number:03d}.jpg"
            )
        files = sorted(photos.iterdir())[: options.count]
        pictures = [to_rgb_array(read_image(file)) for file in files[: len(options.photos)]]
        stylizer(pictures[0])  # The first run allocates memory for the others.
        started = time.perf_counter()
        for number in range(len(files)):
            stylizer(pictures[number % len(pictures)])
        alone = time.perf_counter() - started
        started = time.perf_counter()
        results = stylize(files, Path(folder, "painted"), style=stylizer)
        whole = time.perf_counter() - started
        if failed := [result.error for result in results if result.error]:
            raise SystemExit(failed[0])
    print(
        f"{len(files)} photos of {width}x{width * 3 // 4} px by {stylizer.path.name}: painting alone {alone:.1f} s,"
        f" with reading and writing {whole:.1f} s, {whole / alone:.2f} times as long"
    )


if __name__ == "__main__":
    main()
