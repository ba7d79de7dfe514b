"""Folders of images painted in drawn styles by the machines of a Ray cluster."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnst.errors import FastnstError, first_line, missing_extra
from fastnst.images.pixels import MAX_PIXELS
from fastnst.images.write import check_quality
from fastnst.runtime.batch.augment import StyleAugment
from fastnst.runtime.batch.drawn import DrawnStyles, drawn_styles
from fastnst.runtime.batch.files import OpenFile, read_file, write_file
from fastnst.runtime.batch.manifest import COLUMNS, ManifestRow, read_manifest
from fastnst.runtime.batch.outputs import Job, find_jobs
from fastnst.runtime.photos.options import PhotoOptions

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

BLOCK = 64
"""Images of a block: those that are looked at again when the worker that paints them dies."""
BATCH = 8
"""Images that a worker is given at a time."""


@dataclass(frozen=True)
class DatasetResult:
    """Result of a data set."""

    painted: int
    """Number of images that were painted by this job."""
    kept: int
    """Number of images that earlier jobs had painted."""
    errors: dict[str, str]
    """Reason for each input that was left out, by its path."""
    seconds: float
    """Seconds that the job took."""
    painting_seconds: float
    """Seconds that painting took, summed over the workers: the rest is reading, writing, sending and waiting."""


def stylize_dataset(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    augment: StyleAugment,
    copies: int = 1,
    workers: int | None = None,
    quality: int = 95,
    report: Progress | None = None,
) -> DatasetResult:
    """Paint a folder of images into another one, as `stylize` does, by Ray Data on all machines of a cluster.

    The files are those that one process writes, to the byte. What is there already is not painted again, so a job that
    was killed is gone on with by the same call. When a worker or a machine is lost, others take over its images.

    Args:
        source: Folder of images, searched to any depth. It lies where every machine finds it, as does `output`.
        output: Folder that gets the tree of the source, and a `manifest.csv` of what was drawn.
        augment: What the styles are drawn by; its style files lie where every machine finds them, as those of the
            installed package do.
        copies: Number of outputs of each image: photo-1.jpg, photo-2.jpg.
        workers: Largest number of worker processes, each with one core; None for one for each core of the cluster.
        quality: Quality of JPEG, WebP, AVIF and HEIC, 1..100.
        report: Called after each image with the share that is done, 0..1, and a note: "120 of 300".

    Raises:
        MissingExtra: Ray is not installed.
        FastnstError: Nothing can be painted: there is no image, the style file is damaged, ...
    """
    ray = import_ray()
    check_quality(quality)
    if copies < 1 or (workers is not None and workers < 1):
        raise FastnstError(
            f"There are {copies} copies, and {workers or 'all'} workers.", "Give 1 or more."
        )
    augment.open()  # An error of a style file is said here, and not by each worker.
    folder, started = Path(output).absolute(), time.monotonic()
    errors: dict[str, str] = {}
    painted = kept = 0
    painting = 0.0
    with drawn_styles(augment, folder, PhotoOptions()) as driver:
        there, items = read_manifest(folder), []
        for job in find_jobs([Path(source).absolute()], folder, "", copies=copies):
            if isinstance(job.target, FastnstError):
                errors[str(job.source)] = str(job.target)
            elif job.target.exists() and job.target.relative_to(folder).as_posix() in there:
                kept += 1
            else:
                items.append(
                    {"source": str(job.source), "target": str(job.target), "copy": job.copy}
                )
        most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        for number, row in enumerate(_rows(ray, items, augment, folder, quality, most), start=1):
            if row["error"]:
                errors[row["source"]] = row["error"]
            else:
                painted += not row["kept"]
                kept += row["kept"]
                painting += row["seconds"]
                driver.record(ManifestRow(*(row[column] for column in COLUMNS)))
            if report:
                report(number / len(items), f"{number} of {len(items)}")
        for leftover in folder.rglob(".fastnst-*"):  # Of workers that died while they wrote.
            with suppress(OSError):
                leftover.unlink()
    return DatasetResult(painted, kept, errors, time.monotonic() - started, painting)


def _rows(
    ray: Any,
    items: list[dict[str, Any]],
    augment: StyleAugment,
    folder: Path,
    quality: int,
    most: int,
) -> Iterator[dict[str, Any]]:
    """Yield what the workers say of each image, as it is done.

    Raises:
        FastnstError: A worker can't paint at all.
    """
    if not items:
        return
    options = {"augment": augment, "folder": folder, "quality": quality}
    done = ray.data.from_items(
        items, override_num_blocks=math.ceil(len(items) / BLOCK)
    ).map_batches(
        _Worker,
        fn_constructor_kwargs=options,
        batch_size=BATCH,
        batch_format="numpy",
        num_cpus=1,
        # The least is 1, so that a job goes on where a machine is lost.
        compute=ray.data.ActorPoolStrategy(min_size=1, initial_size=most, max_size=most),
    )
    with explained_workers(ray):
        yield from done.iter_rows()


class _Worker:
    """Painter of batches of jobs in a process of its own.

    Args:
        augment: What the styles are drawn by.
        folder: Folder that the images go to.
        quality: Quality of JPEG and others.
    """

    def __init__(self, augment: StyleAugment, folder: Path, quality: int) -> None:
        self._rows: list[ManifestRow] = []
        self._styles = DrawnStyles(augment, folder, PhotoOptions(), self._rows.append)
        self._quality = quality

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Paint the images of jobs, and return a row for each."""
        jobs = zip(batch["source"], batch["target"], batch["copy"], strict=True)
        rows = [
            self._paint(Job(Path(source), Path(target), int(copy))) for source, target, copy in jobs
        ]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def _paint(self, job: Job) -> dict[str, Any]:
        """Paint an image that is not there yet; of one that is, say how it was painted."""
        self._rows.clear()
        kept = Path(str(job.target)).exists()
        photo = read_file(job, False, True, False, MAX_PIXELS)
        painted = self._styles.paint(photo, dry=kept) if isinstance(photo, OpenFile) else photo
        result = painted
        if isinstance(painted, OpenFile) and not kept:
            result = write_file(painted, self._quality)
        error = getattr(result, "error", "")
        row = asdict(self._rows[0]) if self._rows and not error else dict.fromkeys(COLUMNS, "")
        seconds = 0.0 if kept else result.seconds
        return row | {"source": str(job.source), "kept": kept, "error": error, "seconds": seconds}


def import_ray(address: str | None = None) -> Any:
    """Import Ray, which tells nobody how it is used unless its user asks for that, and join a cluster.

    Args:
        address: Address of the cluster; None joins that of `$RAY_ADDRESS`, or starts one on this machine.

    Raises:
        MissingExtra: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise missing_extra("Painting on a cluster needs Ray.", "ray") from error
    if not ray.is_initialized():
        ray.init(address, logging_level="ERROR", log_to_driver=False)
    return ray


@contextmanager
def explained_workers(ray: Any) -> Iterator[None]:
    """Say in one sentence why the workers of a cluster failed.

    Raises:
        FastnstError: In place of Ray's errors.
    """
    try:
        yield
    except ray.exceptions.RayError as error:
        cause: BaseException = error
        while (inner := getattr(cause, "cause", None) or cause.__cause__) is not None:
            cause = inner
        raise FastnstError(
            f"The workers failed: {first_line(cause)}.",
            "What is painted stays: mend this, and say the same again to go on.",
        ) from error
