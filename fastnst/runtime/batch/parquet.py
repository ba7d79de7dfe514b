"""Data sets of images in parquet, painted in drawn styles by the machines of a Ray cluster."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst.errors import FastnstError, first_line
from fastnst.images.formats import FORMATS
from fastnst.images.pixels import to_rgb_array
from fastnst.images.read import open_image
from fastnst.images.write import check_quality, write_image
from fastnst.runtime.batch.augment import StyleAugment
from fastnst.runtime.batch.cluster import import_ray, work
from fastnst.runtime.batch.dataset import DatasetResult
from fastnst.runtime.batch.manifest import manifest_row
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.system.atomic import atomic_write
from fastnst.system.lock import lock_folder

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

DRAWN = ("copy", "style", "strength", "stroke", "seed")
"""Columns that say what was drawn, as in a manifest."""
ERROR = "style_error"
"""Column with the reason why an image stayed as it was; empty for most."""


def stylize_parquet(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    augment: StyleAugment,
    copies: int = 1,
    workers: int | None = None,
    quality: int = 95,
    report: Progress | None = None,
) -> DatasetResult:
    """Paint the images of parquet files into a folder of parquet files, by Ray Data on all machines of a cluster.

    Each row group becomes a file, `NAME-00000.parquet`, that is written whole or not at all; so a job that was killed is
    gone on with by the same call. All columns stay, and columns that say what was drawn are added. The images are those
    that `stylize` writes, to the byte.

    Args:
        source: Parquet file, or folder of such, searched to any depth. The column of the images
            (`StyleAugment(column=...)`) holds encoded images: bytes, or, as in Hugging Face data sets, a struct of
            `bytes` and `path`. The source lies where every machine finds it, as does `output`.
        output: Folder to write.
        augment: What the styles are drawn by.
        copies: Number of outputs of each row; where there are several, each copy has a folder, `copy-1`.
        workers: Largest number of worker processes, each with one core; None for one for each core of the cluster.
        quality: Quality of JPEG, WebP and AVIF, 1..100.
        report: Called after each row group with the share that is done, 0..1, and a note: "12 of 30".

    Returns:
        The result, which counts images. An image that can't be read stays as it was, and its row says why.

    Raises:
        MissingExtra: Ray is not installed.
        FastnstError: There is no such file or column, or a worker failed.
    """
    ray = import_ray()
    check_quality(quality)
    augment.open()
    started, folder, top = time.monotonic(), Path(output).absolute(), Path(source).absolute()
    items, there = list[dict[str, Any]](), list[dict[str, Any]]()
    for path in _files(top):
        stem = path.relative_to(top).with_suffix("") if path != top else Path(path.stem)
        for group in range(_groups(path, augment.column)):
            for copy in range(1, copies + 1):
                place = folder / f"copy-{copy}" if copies > 1 else folder
                target = place / stem.with_name(f"{stem.name}-{group:05d}.parquet")
                item: dict[str, Any] = {
                    "source": str(path),
                    "group": group,
                    "target": str(target),
                    "copy": copy,
                }
                (there if target.exists() else items).append(item)
    kept, errors = 0, dict[str, str]()
    for item in there:
        rows, failed = _counted(item)
        kept += rows - len(failed)
        errors |= failed
    painted, painting = 0, 0.0
    with lock_folder(folder, instead="give another folder with -o"):
        options = {"augment": augment, "quality": quality}
        done = work(ray, items, _Worker, options, workers=workers, batch=1, block=1)
        for number, item in enumerate(done, start=1):
            rows, failed = _counted(item)
            painted += rows - len(failed)
            painting += item["seconds"]
            errors |= failed
            if report:
                report(number / len(items), f"{number} of {len(items)}")
    return DatasetResult(painted, kept, errors, time.monotonic() - started, painting)


def _files(source: Path) -> Iterator[Path]:
    """Yield the parquet files of a folder, sorted, or the file itself.

    Raises:
        FastnstError: There is none.
    """
    files = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not files or not files[0].is_file():
        raise FastnstError(
            f"There is no parquet file at {source}.", "Give one, or a folder of them."
        )
    yield from files


def _groups(path: Path, column: str) -> int:
    """Return the number of row groups of a parquet file.

    Raises:
        FastnstError: It can't be read, or has no such column, or has those that are to be added.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names, kind, count = file.schema_arrow.names, file.schema_arrow, file.num_row_groups
    except (OSError, pa.ArrowException) as error:
        raise FastnstError(f"{path} can't be read: {first_line(error)}.") from error
    if column not in names:
        raise FastnstError(
            f"{path} has no column {column!r}.",
            f"Name that of the images, by StyleAugment(column=...): {', '.join(names)}.",
        )
    if taken := sorted({*DRAWN, ERROR} & set(names)):
        raise FastnstError(f"{path} has columns named {', '.join(taken)}.", "Rename them.")
    value = kind.field(column).type
    if pa.types.is_struct(value) and value.get_field_index("bytes") >= 0:
        value = value.field("bytes").type
    if not (pa.types.is_binary(value) or pa.types.is_large_binary(value)):
        raise FastnstError(
            f"The column {column!r} of {path} holds {value}.",
            "Encoded images are painted: bytes, or a struct of bytes and path.",
        )
    return int(count)


def _counted(item: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """Return the number of rows of an output, and the reasons of those that stayed as they were."""
    from pyarrow import parquet

    reasons = parquet.read_table(item["target"], columns=[ERROR])[ERROR].to_pylist()
    names = f"{item['source']}, row group {item['group']}, row"
    return len(reasons), {f"{names} {row}": why for row, why in enumerate(reasons) if why}


class _Worker:
    """Painter of row groups in a process of its own.

    Args:
        augment: What the styles are drawn by.
        quality: Quality of JPEG and others.
    """

    def __init__(self, augment: StyleAugment, quality: int) -> None:
        self._augment, self._quality = augment, quality

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Paint one row group into a file, unless that is there already."""
        from pyarrow import parquet

        target, started = Path(str(batch["target"][0])), time.perf_counter()
        if not target.exists():
            with parquet.ParquetFile(str(batch["source"][0])) as file:
                table = file.read_row_group(int(batch["group"][0]))
            with atomic_write(target) as temporary:
                parquet.write_table(self._painted(table, int(batch["copy"][0])), temporary)
        return {**batch, "seconds": [time.perf_counter() - started]}

    def _painted(self, table: Any, copy: int) -> Any:
        """Return a table of the same rows, with painted images and the columns of what was drawn."""
        import pyarrow as pa

        column, values, rows = table[self._augment.column], [], []
        for value in column.to_pylist():
            data = value["bytes"] if isinstance(value, dict) else value
            painted, row = self._paint(data, copy)
            values.append({**value, "bytes": painted} if isinstance(value, dict) else painted)
            rows.append(row)
        place = table.column_names.index(self._augment.column)
        images = pa.array(values, type=column.type)
        table = table.set_column(place, table.schema.field(place), images)
        for name in (*DRAWN, ERROR):
            table = table.append_column(name, pa.array([row[name] for row in rows], pa.string()))
        return table

    def _paint(self, data: Any, copy: int) -> tuple[Any, dict[str, str]]:
        """Return an encoded image painted, in its own format, and what was drawn for it."""
        nothing = dict.fromkeys(DRAWN, "")
        if data is None:
            return data, nothing | {ERROR: "There is no picture."}
        try:
            with open_image(io.BytesIO(data)) as file:
                frame = next(file.frames())
                metadata, format_ = file.metadata(), file.format
            drawn = self._augment.draw(to_rgb_array(frame), copy - 1)
            mix = drawn[1] if drawn else None
            row = vars(manifest_row("", copy, mix, self._augment.draws.seed))
            if drawn is not None:
                frame = PhotoOptions().paint(drawn[0], frame, style=mix)
            extensions = [extension for extension, known in FORMATS.items() if known == format_]
            buffer = io.BytesIO()
            write_image(
                buffer, frame, extension=(*extensions, ".png")[0], quality=self._quality, metadata=metadata
            )  # fmt: skip
            return buffer.getvalue(), {name: row[name] for name in DRAWN} | {ERROR: ""}
        except FastnstError as error:
            return data, nothing | {ERROR: str(error)}
