"""Photographs cut into random crops: from a table that is indexed by number, or from a stream."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import fsspec
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from fastnst.errors import FastnstError
from fastnst.images.pixels import Pixels

SKIPS = 1000
"""Unusable photos in a row after which a set is given up."""


class UnusablePhoto(Exception):
    """A photo that has to be skipped; the message says why."""


Record: TypeAlias = dict[str, Any]
"""An undecoded picture of a data set: {"path": ..., "bytes": ...}, either of which may be None."""


LEVEL_SHARES = (0.45, 0.35, 0.2)
"""Share of the steps that train each level of a net of several; further levels have the last one's."""


def level_of(step: int, levels: int, seed: int) -> int:
    """The level that a step trains, 0 for the coarsest, drawn from the step's number and the seed."""
    if levels == 1:
        return 0
    shares = [LEVEL_SHARES[min(level, len(LEVEL_SHARES) - 1)] for level in range(levels)]
    rng = np.random.default_rng((seed, 2, step))
    return int(rng.choice(levels, p=np.array(shares) / sum(shares)))


def open_photo(record: Record | None, crop: int, wanted: int = 0) -> Image.Image:
    """Decode one photo of a data set's `image` column, upright.

    Args:
        record: The photo.
        crop: The least side in pixels.
        wanted: Side in pixels below which a large photo must not be reduced while decoding.

    Raises:
        UnusablePhoto: The photo is missing, broken or too small.
    """
    if record is None:
        raise UnusablePhoto("missing")
    try:
        with _opened(record) as file, Image.open(file) as image:
            if min(image.size) < crop:
                raise UnusablePhoto(f"smaller than {crop} px")
            # JPEGs can be decoded at 1/2, 1/4 or 1/8 of their size, much faster.
            scale = 2 * max(crop, wanted) / min(image.size)
            image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
            return ImageOps.exif_transpose(image).convert("RGB")
    except UnusablePhoto:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file.
        raise UnusablePhoto("broken") from error


def _opened(record: Record) -> Any:
    """Open a record's file: bytes, a path, or an address in an archive or on the hub."""
    if record.get("bytes"):
        return io.BytesIO(record["bytes"])
    path = record["path"]
    if "://" not in path and os.path.exists(path) and not os.path.isfile(path):
        raise UnusablePhoto("no file")  # Opening a named pipe may wait for ever.
    return fsspec.open(path, "rb").open() if "://" in path else open(path, "rb")


def record_id(record: Record | None) -> str:
    """A text that tells one photo of a stream from the others."""
    if record is None:
        return ""
    return hashlib.sha1(record["bytes"]).hexdigest() if record.get("bytes") else record["path"]


def random_crop(image: Image.Image, crop: int, rng: np.random.Generator) -> Pixels:
    """Cut a square of `crop` px out of the photo, scaled and placed at random, mirrored half of the time.

    The shorter side is scaled to between 1 and 1.5 crops. Only a photo that is smaller than a crop is enlarged;
    it is taken whole.
    """
    shorter = min(image.size)
    side = rng.uniform(crop, max(crop, min(shorter, 1.5 * crop)))
    span = crop * shorter / side
    left, top = (rng.uniform(0, length - span) for length in image.size)
    box = (left, top, left + span, top + span)
    pixels = np.array(image.resize((crop, crop), Image.Resampling.LANCZOS, box, reducing_gap=2))
    return pixels[:, ::-1].copy() if rng.random() < 0.5 else pixels


def centre_crop(image: Image.Image, crop: int) -> Pixels:
    """Cut the middle square out of the photo, scaled to `crop` px."""
    span = min(image.size)
    left, top = ((length - span) / 2 for length in image.size)
    box = (left, top, left + span, top + span)
    return np.array(image.resize((crop, crop), Image.Resampling.LANCZOS, box, reducing_gap=2))


class Batch(NamedTuple):
    """The photos of a training step."""

    photos: Tensor
    """RGB uint8 (N, 3, side, side), the side being a crop's at the coarsest level and twice the last one's at each other."""
    skipped: dict[str, str]
    """Reasons by the names of files that were found unusable while this batch was made."""


Rows: TypeAlias = npt.NDArray[np.int64]
Sample: TypeAlias = tuple[Tensor, dict[str, str]]


def collate(samples: list[Sample]) -> Batch:
    """Join samples to a batch."""
    skipped = {name: reason for _, found in samples for name, reason in found.items()}
    return Batch(torch.stack([photo for photo, _ in samples]), skipped)


class CropDataset(Dataset[Sample]):
    """Endless crops of a table of photos: number `k` is the same crop in every run with the same seed.

    Every photo comes once an epoch, in an order that changes with the epoch. Scale, place and mirroring depend
    on `k` and the seed alone, so a training that is resumed at any step sees the same crops.
    """

    def __init__(
        self, records: Any, rows: Rows, crop: int, seed: int, levels: int = 1, step: int = 1
    ) -> None:
        """Take the photos.

        Args:
            records: A table with an undecoded `image` column.
            rows: Numbers of the records to take.
            crop: Side of a crop at the coarsest level, in pixels.
            seed: Seed of the order, the crops and the mirroring.
            levels: Number of sizes of crops, each twice the one before; a step has crops of one size.
            step: Crops of a step on all devices together.
        """
        self.records, self.rows, self.crop, self.seed = records, rows, crop, seed
        self.levels, self.step = levels, step
        self.skipped: dict[str, str] = {}
        self._reported: set[str] = set()
        self._orders: dict[int, Rows] = {}

    def order(self, epoch: int) -> Rows:
        """The records' numbers in the order of an epoch."""
        if epoch not in self._orders:
            self._orders.pop(epoch - 2, None)  # A batch may reach from one epoch into the next.
            rng = np.random.default_rng((self.seed, epoch))
            self._orders[epoch] = rng.permutation(self.rows)
        return self._orders[epoch]

    def photo(self, position: int, wanted: int = 0) -> Image.Image:
        """The photo at a position of the endless order, or the next usable one after it.

        Raises:
            FastnstError: None of the photos tried is usable.
        """
        for ahead in range(min(len(self.rows), SKIPS)):
            epoch, index = divmod(position + ahead, len(self.rows))
            record = self.records[int(self.order(epoch)[index])]["image"]
            name = record["path"] or f"photo {index}"
            if name in self.skipped:
                continue
            try:
                return open_photo(record, self.crop, wanted)
            except UnusablePhoto as error:
                self.skipped[name] = str(error)
        raise FastnstError(*none_usable(self.skipped, self.crop))

    def at(self, number: int, level: int) -> Pixels:
        """The crop of a number at the size of a level, RGB uint8 (side, side, 3)."""
        rng = np.random.default_rng((self.seed, 1, number))
        side = self.crop << level
        return random_crop(self.photo(number, side), side, rng)

    def __getitem__(self, number: int) -> Sample:
        pixels = self.at(number, level_of(number // self.step, self.levels, self.seed))
        new = {name: why for name, why in self.skipped.items() if name not in self._reported}
        self._reported.update(new)
        return as_tensor(pixels), new


class StreamingCropDataset(IterableDataset[Sample]):
    """Endless crops of a streamed data set without the held-out photos, from sample `start` on.

    The `datasets` library deals the shards and the samples to be skipped out to the workers.
    """

    def __init__(
        self, stream: Any, heldout: set[str], crop: int, seed: int, start: int,
        levels: int = 1, batch: int = 1, level: int | None = None,
    ) -> None:  # fmt: skip
        self.stream, self.heldout, self.level = stream, heldout, level
        self.crop, self.seed, self.start = crop, seed, start
        self.levels, self.batch = levels, batch

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        index = worker.id if worker else 0
        number = epoch = given = 0
        new: dict[str, str] = {}
        while True:
            self.stream.set_epoch(epoch)
            usable = False
            for row in self.stream if epoch else self.stream.skip(self.start):
                number += 1
                if record_id(row["image"]) in self.heldout:
                    continue
                # All crops of a batch come from one worker.
                step = self.start + given // self.batch
                drawn = level_of(step, self.levels, self.seed + index)
                side = self.crop << (drawn if self.level is None else self.level)
                try:
                    photo = open_photo(row["image"], self.crop, side)
                except UnusablePhoto as error:
                    name = (row["image"] or {}).get("path") or f"photo {number} of worker {index}"
                    new[name] = str(error)
                    if len(new) == SKIPS:
                        raise FastnstError(*none_usable(new, self.crop)) from error
                    continue
                usable = True
                rng = np.random.default_rng((self.seed, 1, index, self.start, number))
                yield as_tensor(random_crop(photo, side, rng)), new
                new = {}
                given += 1
            if not usable and epoch:
                raise FastnstError(*none_usable(new, self.crop))
            epoch += 1


class ResumableSampler(Sampler[int]):
    """Numbers of this process's crops from a step on; batches are dealt out to the processes in turn."""

    def __init__(self, step: int, batch: int, rank: int, world: int) -> None:
        self.step, self.batch, self.rank, self.world = step, batch, rank, world

    def __iter__(self) -> Iterator[int]:
        step = self.step
        while True:
            first = (step * self.world + self.rank) * self.batch
            yield from range(first, first + self.batch)
            step += 1


def none_usable(skipped: dict[Any, str], crop: int) -> tuple[str, str]:
    """The message and the hint for a set without a usable photo."""
    if not skipped:
        return "There is no photo to train on.", "Give a folder that has some: --data FOLDER"
    reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(skipped.values()).items())
    return (
        f"None of the {len(skipped)} photos tried can be used: {reasons}.",
        f"Give larger photos, or train on smaller crops than {crop}: --data.crop N",
    )


def as_tensor(pixels: Pixels) -> Tensor:
    """Turn an image (H, W, 3) into a tensor (3, H, W)."""
    return torch.from_numpy(pixels).permute(2, 0, 1)
