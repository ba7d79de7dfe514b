"""Where photographs come from: a folder, shards on the disk, or a data set of the Hugging Face hub."""

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
"""Endings of the files that hold many photos, and what the library calls them."""
PICTURE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp")
"""Where the picture of a row is: webdataset names columns by the endings of the files inside."""


def open_source(source: str, streaming: bool) -> tuple[Any, bool]:
    """The photos as rows with an undecoded `image`, and whether they are a stream rather than a table.

    Args:
        source: A folder of pictures, a .parquet or .tar file or a folder of them, or `hf:NAME`.
        streaming: Read a data set of the hub as it comes, instead of keeping it on the disk first.

    Raises:
        FastnstError: There is no such thing, or no picture in it.
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
    """The pictures of parquet files, as a table, or of webdataset archives, as a stream.

    Raises:
        FastnstError: They can't be read, or hold no pictures.
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
    except Exception as error:  # Of a damaged file: pyarrow's, tarfile's, the library's own.
        raise FastnstError(
            f"{files[0]} can't be read as {kind}: {first_line(error.__cause__ or error)}.",
            "Give files that `datasets` can read, or a folder of photos.",
        ) from error


def pictures_of(rows: Any, name: str) -> Any:
    """The rows with their picture alone, undecoded, as `image`.

    Raises:
        FastnstError: There is no column of pictures.
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

    Without that library, of which a folder needs the least, they are a list of the same rows.

    Raises:
        FastnstError: There are none.
    """
    files = find_images(folder)
    if importlib.util.find_spec("datasets") is None:
        if not files:
            raise _no_picture(folder)
        return [{"image": {"path": str(path.resolve()), "bytes": None}} for path in files]
    import datasets

    datasets.disable_progress_bars()
    # By the endings that are there: the library would open archives too, and take folders called train and
    # test for splits.
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
    except ValueError as error:  # Hidden files, dangling links: nothing that the library takes.
        raise _no_picture(folder) from error
    return table.cast_column("image", datasets.Image(decode=False))


def load_hub(name: str, *, streaming: bool) -> Any:
    """The train split of a data set of the Hugging Face hub, as a stream or a table.

    Raises:
        FastnstError: It can't be reached, or has no column of pictures.
    """
    import datasets

    # Its own lines about each of its retries; what comes of them is said below.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        rows = datasets.load_dataset(name, split="train", streaming=streaming)
        return pictures_of(rows, name)
    except FastnstError:
        raise
    except Exception as error:  # Network, name, permission: each library below has its own errors.
        raise unreachable(name, error) from error


def unreachable(name: str, error: Exception) -> FastnstError:
    """What to say of a data set of the hub that does not answer."""
    return FastnstError(
        f"The data set {name!r} could not be opened on the Hugging Face hub: {first_line(error)}.",
        "Check the name and the network, or train on photos of your own, which needs none: --data FOLDER",
    )


def _no_picture(folder: Path) -> FastnstError:
    return FastnstError(
        f"There is no picture in the folder {folder}.", "Give a folder that has some: --data FOLDER"
    )
