"""Sources of photos: a folder, shards on the disk, or a data set of the Hugging Face hub."""

from __future__ import annotations

import glob
import importlib.util
import logging
from pathlib import Path
from typing import Any

from fastnst.errors import FastnstError, first_line
from fastnst.images.find import find_images

HUB = "hf:"
SHARDS = {".parquet": "parquet", ".tar": "webdataset"}
"""Loaders of the `datasets` library by the endings of files that hold many photos."""
PICTURE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp")
"""Columns that may hold the pictures; webdataset names columns by the endings of the files inside."""


def open_source(source: str, streaming: bool) -> tuple[Any, bool]:
    """Open a source of photos.

    Args:
        source: A folder of pictures, a .parquet or .tar file or a folder of them, or `hf:NAME`.
        streaming: Read a data set of the hub without downloading it first.

    Returns:
        Rows with an undecoded `image`, and whether they are a stream rather than a table.

    Raises:
        FastnstError: The source does not exist, or has no picture.
    """
    if source.startswith(HUB):
        name = source.removeprefix(HUB)
        return load_hub(name, streaming=streaming), streaming
    path = Path(source)
    if path.is_file() and path.suffix in SHARDS:
        return load_shards([path]), path.suffix == ".tar"
    if not path.is_dir():
        raise FastnstError(
            f"There is no folder {path} of photos to train on.",
            "Give one that exists with --data FOLDER, a .parquet or .tar file, or hf:NAME for a data set of"
            " the Hugging Face hub.",
        )
    for ending in () if find_images(path) else SHARDS:
        if files := sorted(path.rglob(f"*{ending}")):
            return load_shards(files), ending == ".tar"
    return load_folder(path), False


def load_shards(files: list[Path]) -> Any:
    """Open parquet files as a table, or webdataset archives as a stream.

    Raises:
        FastnstError: The files can't be read, or hold no pictures.
    """
    import datasets

    datasets.disable_progress_bars()
    kind = SHARDS[files[0].suffix]
    names = [glob.escape(str(file.resolve())) for file in files]
    try:
        rows = datasets.load_dataset(
            kind, data_files={"train": names}, split="train", streaming=kind == "webdataset"
        )
        return pictures_of(rows, str(files[0]))
    except FastnstError:
        raise
    except Exception as error:  # Of pyarrow, of tarfile or of the library itself.
        raise FastnstError(
            f"{files[0]} can't be read as {kind}: {first_line(error.__cause__ or error)}.",
            "Give files that `datasets` can read, or a folder of photos.",
        ) from error


def pictures_of(rows: Any, name: str) -> Any:
    """Reduce rows to their picture, undecoded, as `image`.

    Raises:
        FastnstError: No column holds pictures.
    """
    import datasets

    columns = rows.column_names or list(next(iter(rows)))
    found = next((column for column in PICTURE_COLUMNS if column in columns), None)
    if found is None:
        raise FastnstError(
            f"The data set {name!r} has no column 'image', but: {', '.join(columns)}.",
            "Give one of pictures, or a folder of photos: --data FOLDER",
        )
    rows = rows.select_columns([found])
    if found != "image":
        rows = rows.rename_column(found, "image")
    return rows.cast_column("image", datasets.Image(decode=False))


def load_folder(folder: Path) -> Any:
    """All pictures under a folder as a `datasets` table with an undecoded `image` column.

    Where the library is not installed, a list of the same rows.

    Raises:
        FastnstError: The folder holds no picture.
    """
    files = find_images(folder)
    if importlib.util.find_spec("datasets") is None:
        if not files:
            raise _no_picture(folder)
        return [{"image": {"path": str(path.resolve()), "bytes": None}} for path in files]
    import datasets

    datasets.disable_progress_bars()
    # Only the endings of pictures: left alone, the library opens archives too, and takes folders called train
    # and test for splits.
    endings = {path.suffix for path in files}
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
            f"The folder {folder} could not be listed: {first_line(error.__cause__ or error)}.",
            "The list is kept in the cache of Hugging Face `datasets`; HF_DATASETS_CACHE moves it.",
        ) from error
    except ValueError as error:  # Hidden files and dangling links alone.
        raise _no_picture(folder) from error
    return table.cast_column("image", datasets.Image(decode=False))


def load_hub(name: str, *, streaming: bool) -> Any:
    """Open the train split of a data set of the Hugging Face hub, as a stream or a table.

    Raises:
        FastnstError: The data set can't be reached, or has no column of pictures.
    """
    import datasets

    # It logs each retry; the error below says what came of them.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        rows = datasets.load_dataset(name, split="train", streaming=streaming)
        return pictures_of(rows, name)
    except FastnstError:
        raise
    except Exception as error:  # Network, name, permission: each library below has its own errors.
        raise unreachable(name, error) from error


def unreachable(name: str, error: Exception) -> FastnstError:
    """The error for a data set of the hub that does not answer."""
    return FastnstError(
        f"The data set {name!r} could not be opened on the Hugging Face hub: {first_line(error)}.",
        "Check the name and the network, or train on photos of your own, which needs none: --data FOLDER",
    )


def _no_picture(folder: Path) -> FastnstError:
    return FastnstError(
        f"There is no picture in the folder {folder}.", "Give a folder that has some: --data FOLDER"
    )
