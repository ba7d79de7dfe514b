"""Photographs to train on: any folder, or a data set of the Hugging Face hub, cut into random crops."""

from __future__ import annotations

import glob
import hashlib
import io
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import fsspec
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, get_worker_info

from fastnst.errors import FastnstError
from fastnst.images import READABLE, Pixels

HUB = "hf:"
CALIBRATION_PHOTOS = 16
"""Crops that the loss takes its units from."""
SKIPS = 1000
"""Photos in a row that may be unusable before giving up."""


class Unusable(Exception):
    """A photo that is skipped, and why."""


Record: TypeAlias = dict[str, Any]
"""An undecoded picture of a data set: {"path": ..., "bytes": ...}, either of which may be None."""


def open_photo(record: Record | None, crop: int) -> Image.Image:
    """Decode one photo of a data set's `image` column, upright, at least `crop` px each way.

    Raises:
        Unusable: It is missing, broken or too small.
    """
    if record is None:
        raise Unusable("missing")
    try:
        with _opened(record) as file, Image.open(file) as image:
            if min(image.size) < crop:
                raise Unusable(f"smaller than {crop} px")
            # JPEGs can be decoded at 1/2, 1/4 or 1/8 of their size, much faster.
            scale = 2 * crop / min(image.size)
            image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
            return ImageOps.exif_transpose(image).convert("RGB")
    except Unusable:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on a damaged file.
        raise Unusable("broken") from error


def _opened(record: Record) -> Any:
    """The file of a record: its bytes, a path, or an address inside an archive or on the hub."""
    if record.get("bytes"):
        return io.BytesIO(record["bytes"])
    path = record["path"]
    return fsspec.open(path, "rb").open() if "://" in path else open(path, "rb")


def _key(record: Record | None) -> str:
    """What tells one photo of a stream from the others."""
    if record is None:
        return ""
    return hashlib.sha1(record["bytes"]).hexdigest() if record.get("bytes") else record["path"]


def random_crop(image: Image.Image, crop: int, rng: np.random.Generator) -> Pixels:
    """A square of `crop` px out of the photo, scaled and placed at random, mirrored half of the time.

    The shorter side becomes something between 1 and 1.5 crops, but the photo is never enlarged.
    """
    shorter = min(image.size)
    side = rng.uniform(crop, max(crop, min(shorter, 1.5 * crop)))
    span = crop * shorter / side
    left, top = (rng.uniform(0, length - span) for length in image.size)
    box = (left, top, left + span, top + span)
    pixels = np.array(image.resize((crop, crop), Image.Resampling.LANCZOS, box, reducing_gap=2))
    return pixels[:, ::-1].copy() if rng.random() < 0.5 else pixels


def centre_crop(image: Image.Image, crop: int) -> Pixels:
    """The middle square of the photo, scaled to `crop` px."""
    span = min(image.size)
    left, top = ((length - span) / 2 for length in image.size)
    box = (left, top, left + span, top + span)
    return np.array(image.resize((crop, crop), Image.Resampling.LANCZOS, box, reducing_gap=2))


class Batch(NamedTuple):
    """What a step gets."""

    photos: Tensor
    """uint8 RGB (N, 3, crop, crop)."""
    skipped: dict[str, str]
    """Files found unusable while making this batch, and why."""


Rows: TypeAlias = npt.NDArray[np.int64]
Sample: TypeAlias = tuple[Tensor, dict[str, str]]


def collate(samples: list[Sample]) -> Batch:
    """Samples to a batch."""
    skipped = {name: reason for _, found in samples for name, reason in found.items()}
    return Batch(torch.stack([photo for photo, _ in samples]), skipped)


class Crops(Dataset[Sample]):
    """Endless crops of a folder: number `k` is the same crop in every run with the same seed.

    Every photo comes once an epoch, in an order that changes with the epoch; what is done to it
    depends on `k` and the seed alone. So a training resumed at any step sees what it would have seen.
    """

    def __init__(self, records: Any, rows: Rows, crop: int, seed: int) -> None:
        self.records, self.rows, self.crop, self.seed = records, rows, crop, seed
        self.skipped: dict[str, str] = {}
        self._reported: set[str] = set()
        self._orders: dict[int, Rows] = {}

    def order(self, epoch: int) -> Rows:
        """The rows in the order of an epoch."""
        if epoch not in self._orders:
            self._orders.pop(epoch - 2, None)  # A batch may reach from one epoch into the next.
            rng = np.random.default_rng((self.seed, epoch))
            self._orders[epoch] = rng.permutation(self.rows)
        return self._orders[epoch]

    def photo(self, position: int) -> Image.Image:
        """The photo at this position of the endless order, or the next usable one after it."""
        for ahead in range(min(len(self.rows), SKIPS)):
            epoch, index = divmod(position + ahead, len(self.rows))
            record = self.records[int(self.order(epoch)[index])]["image"]
            name = record["path"] or f"photo {index}"
            if name in self.skipped:
                continue
            try:
                return open_photo(record, self.crop)
            except Unusable as error:
                self.skipped[name] = str(error)
        raise FastnstError(*none_usable(self.skipped, self.crop))

    def __getitem__(self, number: int) -> Sample:
        rng = np.random.default_rng((self.seed, 1, number))
        pixels = random_crop(self.photo(number), self.crop, rng)
        new = {name: why for name, why in self.skipped.items() if name not in self._reported}
        self._reported.update(new)
        return _tensor(pixels), new


class Stream(IterableDataset[Sample]):
    """Endless crops of a streamed data set, without the held-out photos, from sample `start` on.

    The library itself deals the shards, and the samples to be left out, to the workers.
    """

    def __init__(self, stream: Any, heldout: set[str], crop: int, seed: int, start: int) -> None:
        self.stream, self.heldout = stream, heldout
        self.crop, self.seed, self.start = crop, seed, start

    def __iter__(self) -> Iterator[Sample]:
        worker = get_worker_info()
        index = worker.id if worker else 0
        number = epoch = 0
        new: dict[str, str] = {}
        while True:
            self.stream.set_epoch(epoch)
            usable = False
            for row in self.stream if epoch else self.stream.skip(self.start):
                number += 1
                if _key(row["image"]) in self.heldout:
                    continue
                try:
                    photo = open_photo(row["image"], self.crop)
                except Unusable as error:
                    name = (row["image"] or {}).get("path") or f"photo {number} of worker {index}"
                    new[name] = str(error)
                    if len(new) == SKIPS:
                        raise FastnstError(*none_usable(new, self.crop)) from error
                    continue
                usable = True
                rng = np.random.default_rng((self.seed, 1, index, self.start, number))
                yield _tensor(random_crop(photo, self.crop, rng)), new
                new = {}
            if not usable and epoch:
                raise FastnstError(*none_usable(new, self.crop))
            epoch += 1


class _Endless(Sampler[int]):
    """The numbers of this process's crops, from a step on; batches are dealt out to the processes in turn."""

    def __init__(self, step: int, batch: int, rank: int, world: int) -> None:
        self.step, self.batch, self.rank, self.world = step, batch, rank, world

    def __iter__(self) -> Iterator[int]:
        step = self.step
        while True:
            first = (step * self.world + self.rank) * self.batch
            yield from range(first, first + self.batch)
            step += 1


def none_usable(skipped: dict[Any, str], crop: int) -> tuple[str, str]:
    """The message for a set without a single usable photo."""
    if not skipped:
        return "There is no photo to train on.", "Give a folder that has some: --data FOLDER"
    reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(skipped.values()).items())
    return (
        f"None of the {len(skipped)} photos tried can be used: {reasons}.",
        f"Give larger photos, or train on smaller crops than {crop}: --data.crop N",
    )


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)


class Photos(LightningDataModule):
    """The photographs: a folder of any depth, or `hf:NAME` of the hub, streamed."""

    def __init__(
        self,
        source: str = "hf:detection-datasets/coco",
        name: str | None = None,
        crop: int = 256,
        batch_size: int = 2,
        holdout: int = 8,
        num_workers: int = 2,
        seed: int = 0,
    ) -> None:
        """Choose the photos; nothing is read yet.

        Args:
            source: A folder, searched to any depth, or `hf:NAME` for a data set of the Hugging Face
                hub with an `image` column, streamed.
            name: What the card calls the set; None for the hub's name or the folder's.
            crop: Side of the training crops in pixels, a multiple of 4; photos that are smaller are skipped.
            batch_size: Crops a step, on each device.
            holdout: Photos kept out of the training, to judge by.
            num_workers: Processes that decode photos; 0 decodes in the training process.
            seed: Of the order, the crops and the flips.

        Raises:
            ValueError: A number is out of range.
        """
        super().__init__()
        if crop < 32 or crop % 4:
            raise ValueError(f"crop is {crop}; it must be a multiple of 4, 32 or more")
        if batch_size < 1 or holdout < 1 or num_workers < 0:
            raise ValueError(
                f"batch_size is {batch_size}, holdout {holdout}, num_workers {num_workers};"
                " they must be at least 1, 1 and 0"
            )
        self.source, self.given_name = source, name
        self.crop, self.batch_size = crop, batch_size
        self.holdout, self.num_workers, self.seed = holdout, num_workers, seed
        self.crops: Crops | None = None
        self.stream: Any = None
        self.heldout: list[Tensor] = []
        self.heldout_keys: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.calibration = torch.empty(0)

    @property
    def set_name(self) -> str:
        """What the card calls the training set."""
        if self.given_name:
            return self.given_name
        if self.source.startswith(HUB):
            return self.source.removeprefix(HUB)
        return Path(self.source).resolve().name

    def setup(self, stage: str) -> None:
        """Open the set, and take the photos to judge by and those to calibrate on.

        Raises:
            FastnstError: There is no such set, or no usable photo in it.
        """
        if self.heldout:
            return
        if self.source.startswith(HUB):
            self._open_stream()
        else:
            self._open_folder()

    def _open_folder(self) -> None:
        folder = Path(self.source)
        if not folder.is_dir():
            raise FastnstError(
                f"There is no folder {folder} of photos to train on.",
                "Give one that exists with --data FOLDER, or hf:NAME for a data set of the Hugging Face hub.",
            )
        records = load_folder(folder)
        rows = np.random.default_rng(self.seed).permutation(len(records))
        # A handful of photos: judge by some of those that are trained on rather than by none.
        holdout = min(self.holdout, len(rows) // 4)
        aside = Crops(records, rows[:holdout] if holdout else rows, self.crop, self.seed)
        self.crops = Crops(records, rows[holdout:], self.crop, self.seed)
        photo = self.crops.photo(0)  # Raises if none of them can be used.
        try:
            heldout = [aside.photo(k) for k in range(min(self.holdout, len(aside.rows)))]
        except FastnstError:
            heldout = [photo]
        self.heldout = [_tensor(centre_crop(image, self.crop)) for image in heldout]
        self.skipped.update(aside.skipped | self.crops.skipped)
        self.calibration = torch.stack([self.crops[k][0] for k in range(CALIBRATION_PHOTOS)])

    def _open_stream(self) -> None:
        name = self.source.removeprefix(HUB)
        stream = load_stream(name)
        skipped: dict[str, str] = {}
        try:
            for row in stream:
                try:
                    photo = open_photo(row["image"], self.crop)
                except Unusable as error:
                    skipped[f"photo {len(skipped)}"] = str(error)
                else:
                    self.heldout_keys.add(_key(row["image"]))
                    self.heldout.append(_tensor(centre_crop(photo, self.crop)))
                if len(self.heldout) == self.holdout or len(skipped) == SKIPS:
                    break
        except OSError as error:
            raise _unreachable(name, error) from error
        if not self.heldout:
            raise FastnstError(*none_usable(skipped, self.crop))
        self.stream = stream.shuffle(seed=self.seed, buffer_size=256)
        crops = iter(Stream(self.stream, self.heldout_keys, self.crop, self.seed, 0))
        self.calibration = torch.stack([next(crops)[0] for _ in range(CALIBRATION_PHOTOS)])

    def train_dataloader(self) -> DataLoader[Sample]:
        """Endless batches of uint8 RGB (N, 3, crop, crop), from the trainer's present step on."""
        trainer = self.trainer
        step = trainer.global_step if trainer else 0
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if self.crops is not None:
            sampler = _Endless(step, self.batch_size, rank, world)
            return self._loader(self.crops, sampler, self.num_workers)
        from datasets.distributed import split_dataset_by_node

        stream = split_dataset_by_node(self.stream, rank, world) if world > 1 else self.stream
        crops = Stream(stream, self.heldout_keys, self.crop, self.seed, step * self.batch_size)
        return self._loader(crops, None, min(self.num_workers, stream.num_shards))

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, in one pass, uint8 RGB (N, 3, crop, crop)."""
        return DataLoader(self.heldout, self.batch_size)  # type: ignore[arg-type]

    def _loader(
        self, data: Dataset[Sample], sampler: Iterable[int] | None, workers: int
    ) -> DataLoader[Sample]:
        return DataLoader(
            data,
            self.batch_size,
            sampler=sampler,
            num_workers=workers,
            collate_fn=collate,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=workers > 0,
        )


def load_folder(folder: Path) -> Any:
    """All pictures under a folder as a `datasets` table with an undecoded `image` column.

    Raises:
        FastnstError: There are none.
    """
    import datasets

    datasets.disable_progress_bars()
    # By the endings that are there: the library would open archives too, and take folders called train and
    # test for splits.
    endings = {path.suffix for path in folder.rglob("*") if path.suffix.lower() in READABLE}
    if not endings:
        raise _no_picture(folder)
    root = glob.escape(str(folder.resolve()))
    try:
        table = datasets.load_dataset(
            "imagefolder",
            data_files={"train": [f"{root}/**/*{ending}" for ending in sorted(endings)]},
            split="train",
            drop_labels=True,
            drop_metadata=True,
        )
    except (OSError, datasets.exceptions.DatasetGenerationError) as error:
        raise FastnstError(
            f"The folder {folder} could not be listed: {_first_line(error.__cause__ or error)}.",
            "The list is kept in the cache of Hugging Face `datasets`; HF_DATASETS_CACHE moves it.",
        ) from error
    except ValueError as error:  # Hidden files, dangling links: nothing that the library takes.
        raise _no_picture(folder) from error
    return table.cast_column("image", datasets.Image(decode=False))


def load_stream(name: str) -> Any:
    """The train split of a data set of the Hugging Face hub, streamed, with an undecoded `image` column.

    Raises:
        FastnstError: It can't be reached, or has no `image` column.
    """
    import datasets

    # Its own lines about each of its retries; what comes of them is said below.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        stream = datasets.load_dataset(name, split="train", streaming=True)
        columns = stream.column_names or list(next(iter(stream)))
    except Exception as error:  # Network, name, permission: each library below has its own errors.
        raise _unreachable(name, error) from error
    if "image" not in columns:
        raise FastnstError(
            f"The data set {name!r} has no column 'image', but: {', '.join(columns)}.",
            "Give one of pictures, or a folder of photos: --data FOLDER",
        )
    return stream.select_columns(["image"]).cast_column("image", datasets.Image(decode=False))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def _unreachable(name: str, error: Exception) -> FastnstError:
    return FastnstError(
        f"The data set {name!r} could not be opened on the Hugging Face hub: {_first_line(error)}.",
        "Check the name and the network, or train on photos of your own, which needs none: --data FOLDER",
    )


def _no_picture(folder: Path) -> FastnstError:
    return FastnstError(
        f"There is no picture in the folder {folder}.", "Give a folder that has some: --data FOLDER"
    )
