"""Pack photos and paintings into a small folder that travels to a machine with a GPU.

    python scripts/pack_for_gpu.py pack --photos FOLDER --large FOLDER --paintings FOLDER [FOLDER ...] --megabytes 20

The paintings are those of configs/gallery.yaml, 1,280 px at most. With `--any`, half of the rest of the megabytes goes to
paintings of that folder, 256 px on the shorter side, out of which the nets learn any painting. What is left goes to photos
drawn at random: three quarters to those of `--photos`, 256 px on the shorter side, and a quarter to those of `--large`, 512 px,
for the higher levels. On the other machine, one command trains the gallery; run again, it continues where it stopped:

    python scripts/train_gallery.py --paintings pack/paintings --photos pack/photos --any pack/any --steps 60000 \
        --trainer.max_time=00:00:09:30
"""

import argparse
import io
import random
from collections.abc import Iterable
from pathlib import Path

import yaml
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.images.read import read_image
from fastnst.system.atomic import atomic_write
from fastnst.system.package_data import bundled

SMALL_SHARE = 0.75
"""Share of the bytes for photos that goes to small ones."""
ANY_SHARE = 0.5
"""Share of the bytes beside the gallery's paintings that goes to others, with `--any`."""
MAX_PAINTING_SIZE = 1280
"""Largest longer side of a painting in pixels."""


def packed(path: Path, side: int, *, longer: bool, quality: int) -> bytes:
    """Return a picture as JPEG, its shorter or longer side scaled down to `side` px; it is never enlarged."""
    image = read_image(path).convert("RGB")
    scale = min(1.0, side / (max if longer else min)(image.size))
    size = (round(image.width * scale), round(image.height * scale))
    file = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file.getvalue()


def write(path: Path, data: bytes) -> int:
    """Write a file whole and return its size in bytes."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
    return len(data)


def fill(folder: Path, files: Iterable[Path], side: int, room: float) -> tuple[int, int]:
    """Pack pictures until there is no room left, and return their number and bytes."""
    count = taken = 0
    for path in files:
        try:
            data = packed(path, side, longer=False, quality=80)
        except FastnstError:
            continue
        if taken + len(data) > room:
            break
        taken += write(folder / f"{side}-{path.stem}.jpg", data)
        count += 1
    return count, taken


def shuffled(folder: Path) -> list[Path]:
    """Return the pictures of a folder in random order, the same each time."""
    files = find_images(folder)
    random.Random(0).shuffle(files)
    return files


def main() -> None:
    """Pack the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--large", type=Path)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--any", type=Path, help="folder of other paintings")
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--config", type=Path, default=bundled("configs") / "gallery.yaml")
    options = parser.parse_args()
    if options.output.exists():
        raise SystemExit(f"There is {options.output} already; give another folder, or remove it.")
    taken = 0
    names = [p["path"] for p in yaml.safe_load(options.config.read_text())["model"]["paintings"]]
    for name in names:
        there = [folder / name for folder in options.paintings if (folder / name).is_file()]
        if not there:
            raise SystemExit(f"There is no {name} in {', '.join(map(str, options.paintings))}.")
        data = packed(there[0], MAX_PAINTING_SIZE, longer=True, quality=90)
        taken += write(options.output / "paintings" / name, data)
    room = options.megabytes * 2**20 - taken
    if room <= 0:
        raise SystemExit(f"The paintings alone take {taken / 2**20:.1f} MB; give more --megabytes.")
    others = large = used = 0
    if options.any:
        others, used = fill(options.output / "any", shuffled(options.any), 256, ANY_SHARE * room)
        taken, room = taken + used, room - used
    used = 0
    if options.large:
        room_for_large = (1 - SMALL_SHARE) * room
        large, used = fill(options.output / "photos", shuffled(options.large), 512, room_for_large)
    small, more = fill(options.output / "photos", shuffled(options.photos), 256, room - used)
    total = (taken + used + more) / 2**20
    counts = f"{len(names)} paintings, {others} others, {small} photos of 256 px, {large} of 512 px"
    print(f"{options.output}: {counts}, {total:.1f} MB")


if __name__ == "__main__":
    main()
