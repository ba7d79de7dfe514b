"""Time a data set painted in drawn styles: images a second of one process, and of Ray Data with one worker and with more.

    python scripts/benchmarks/dataset.py PHOTO [PHOTO ...] --images 1000 --size 256 --workers 1 2

"net" is the share of the workers' time that painting takes, or the share of a core's of one process without Ray. The rest is
reading, writing, sending and waiting. The start of a cluster on this machine does not count; that of each run's workers does.
"""

import argparse
import tempfile
import time
from pathlib import Path

from fastnst import StyleAugment
from fastnst.images.read import read_image
from fastnst.runtime.batch.cluster import import_ray
from fastnst.runtime.batch.dataset import stylize_dataset
from fastnst.runtime.batch.stylize import stylize


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    augment = StyleAugment(share=1.0, threads=1)
    ray = import_ray()
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "set").mkdir()
        for number in range(options.images):
            photo = read_image(options.photos[number % len(options.photos)]).convert("RGB")
            photo = photo.resize((options.size, options.size))
            photo.putpixel((0, 0), (number % 256, number // 256 % 256, 0))  # Each its own.
            photo.save(folder / "set" / f"{number:06d}.jpg", quality=92)
        print(f"{options.images} images of {options.size}x{options.size} px")
        print(f"{'':24}{'images a second':>16}{'net':>8}")
        began = time.perf_counter()
        results = stylize([folder / "set"], folder / "alone", style=augment)
        seconds = time.perf_counter() - began
        painting = sum(result.seconds for result in results)
        _print("one process, no Ray", options.images / seconds, painting / seconds)
        for workers in options.workers:
            result = stylize_dataset(
                folder / "set", folder / f"by-{workers}", augment=augment, workers=workers
            )
            if result.errors:
                raise SystemExit(next(iter(result.errors.values())))
            share = result.painting_seconds / result.seconds / workers
            _print(f"Ray, workers: {workers}", result.painted / result.seconds, share)


def _print(name: str, rate: float, share: float) -> None:
    print(f"{name:24}{rate:>16.1f}{share:>8.0%}", flush=True)


if __name__ == "__main__":
    main()
