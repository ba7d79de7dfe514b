"""The photos of a training: some held out for validation, the others as endless batches of crops."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fastnst.errors import FastnstError
from fastnst.training.data.crops import (
    SKIPS,
    CropDataset,
    ResumableSampler,
    Sample,
    StreamingCropDataset,
    UnusablePhoto,
    as_tensor,
    centre_crop,
    collate,
    none_usable,
    open_photo,
    record_id,
)
from fastnst.training.data.sources import HUB, open_source, unreachable
from fastnst.training.options import NET

CALIBRATION_PHOTOS = 16
"""Crops that the units of the loss are measured on."""


class PhotoDataModule(LightningDataModule):
    """The photos of a folder of any depth, of shards, or of a data set of the hub."""

    def __init__(
        self,
        source: str = "hf:detection-datasets/coco",
        name: str | None = None,
        crop: int = 224,
        batch_size: int = 3,
        holdout: int = 8,
        num_workers: int = 2,
        seed: int = 0,
        streaming: bool = True,
        levels: int = NET.levels,
    ) -> None:
        """Choose the photos; `setup` reads them.

        Args:
            source: A folder of pictures, searched to any depth; a .parquet or webdataset .tar file, or
                a folder of those; or `hf:NAME` for a data set of the Hugging Face hub with an `image` column.
            name: Name of the set in the card; None for that of the hub or the folder.
            crop: Side of the training crops in pixels, a multiple of 4, at the coarsest level; smaller photos are skipped.
            batch_size: Crops of a step on each device.
            holdout: Photos that are kept out of the training, for validation.
            num_workers: Processes that decode photos; 0 decodes in the training process.
            seed: Seed of the order, the crops and the mirroring.
            streaming: Read a data set of the hub while training; false downloads it first, after which it
                resumes exactly, as a folder does.
            levels: Levels of the net, from coarse to fine: pictures of the coarsest have `crop` px a side, those
                of each other twice as many as the one before.

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
        self.streaming, self.levels = streaming, levels
        self.crops: CropDataset | None = None
        self.stream: Any = None
        self.heldout: list[Tensor] = []
        self.heldout_ids: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.calibration: list[Tensor] = []
        """Crops for each level out of pictures of its size, uint8 (N, 3, crop, crop)."""

    @property
    def set_name(self) -> str:
        """Name of the training set in the card."""
        if self.given_name:
            return self.given_name
        if self.source.startswith(HUB):
            return self.source.removeprefix(HUB)
        return Path(self.source).resolve().name

    def setup(self, stage: str) -> None:
        """Open the set, hold photos out, and cut the crops for calibration.

        Raises:
            FastnstError: The set does not exist, or has no usable photo.
        """
        if self.heldout:
            return
        rows, stream = open_source(self.source, self.streaming)
        if stream:
            self._open_stream(rows)
        else:
            self._open_table(rows)

    def _open_table(self, records: Any) -> None:
        rows = np.random.default_rng(self.seed).permutation(len(records))
        # With a handful of photos, validate on some that are trained on rather than on none.
        holdout = min(self.holdout, len(rows) // 4)
        world = self.trainer.world_size if self.trainer else 1
        aside = CropDataset(records, rows[:holdout] if holdout else rows, self.crop, self.seed)
        self.crops = CropDataset(
            records, rows[holdout:], self.crop, self.seed, self.levels, self.batch_size * world
        )
        photo = self.crops.photo(0)  # Raises if none of them can be used.
        try:
            heldout = [
                aside.photo(k, self.val_side) for k in range(min(self.holdout, len(aside.rows)))
            ]
        except FastnstError:
            heldout = [photo]
        self.heldout = [as_tensor(centre_crop(image, self.val_side)) for image in heldout]
        self.skipped.update(aside.skipped | self.crops.skipped)
        self.calibration = [
            torch.stack(
                [
                    self._middle(as_tensor(self.crops.at(k, level)))
                    for k in range(CALIBRATION_PHOTOS)
                ]
            )
            for level in range(self.levels)
        ]

    def _open_stream(self, stream: Any) -> None:
        skipped: dict[str, str] = {}
        try:
            for row in stream:
                try:
                    photo = open_photo(row["image"], self.crop, self.val_side)
                except UnusablePhoto as error:
                    skipped[f"photo {len(skipped)}"] = str(error)
                else:
                    self.heldout_ids.add(record_id(row["image"]))
                    self.heldout.append(as_tensor(centre_crop(photo, self.val_side)))
                if len(self.heldout) == self.holdout or len(skipped) == SKIPS:
                    break
        except OSError as error:
            raise unreachable(self.source.removeprefix(HUB), error) from error
        if not self.heldout:
            raise FastnstError(*none_usable(skipped, self.crop))
        self.stream = stream.shuffle(seed=self.seed, buffer_size=256)
        for level in range(self.levels):
            crops = StreamingCropDataset(
                self.stream, self.heldout_ids, self.crop, self.seed, 0, level=level
            )
            some = [self._middle(crop) for crop, _ in islice(crops, CALIBRATION_PHOTOS)]
            self.calibration.append(torch.stack(some))

    @property
    def val_side(self) -> int:
        """Side of the held-out photos in pixels: that of the second level, if there is one."""
        return self.crop << min(1, self.levels - 1)

    def _middle(self, picture: Tensor) -> Tensor:
        start = (picture.shape[1] - self.crop) // 2
        return picture[:, start : start + self.crop, start : start + self.crop]

    def train_dataloader(self) -> DataLoader[Sample]:
        """Endless batches, from the trainer's present step on."""
        trainer = self.trainer
        step = trainer.global_step if trainer else 0
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if self.crops is not None:
            sampler = ResumableSampler(step, self.batch_size, rank, world)
            return self._loader(self.crops, sampler, self.num_workers)
        from datasets.distributed import split_dataset_by_node

        stream = split_dataset_by_node(self.stream, rank, world) if world > 1 else self.stream
        crops = StreamingCropDataset(
            stream, self.heldout_ids, self.crop, self.seed, step * self.batch_size,
            self.levels, self.batch_size,
        )  # fmt: skip
        return self._loader(crops, None, min(self.num_workers, stream.num_shards))

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, RGB uint8 (N, 3, val_side, val_side)."""
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
