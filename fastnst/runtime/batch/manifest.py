"""Manifest of a folder of images in drawn styles: one line of CSV for each image, with all that was drawn."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

from fastnst.errors import CannotWrite
from fastnst.styles.mix import StyleMix
from fastnst.system.atomic import atomic_write

MANIFEST = "manifest.csv"
"""Name of the file."""


@dataclass(frozen=True)
class ManifestRow:
    """Image of a manifest, and what was drawn for it: enough to paint it again."""

    file: str
    """Path of the image in the folder of the manifest, with `/` between its parts."""
    copy: str
    """Number of the copy, from 1: draws are those of `StyleAugment` in epoch copy - 1."""
    style: str
    """Name or blend; empty for the first style of a file, and for a photo that stays as it is."""
    strength: str
    """Strength; 0 for a photo that stays as it is."""
    stroke: str
    """Size of the strokes; empty for the default of the net."""
    seed: str
    """Seed of the draw."""


COLUMNS = [field.name for field in fields(ManifestRow)]
"""Columns of the file."""


def manifest_row(file: str, copy: int, mix: StyleMix | None, seed: int) -> ManifestRow:
    """Return the row of an image; `mix` is None for a photo that stays as it is."""
    mix = mix or StyleMix(strength=0.0)
    stroke = "" if mix.stroke is None else f"{mix.stroke:g}"
    return ManifestRow(
        file, str(copy), str(mix.style or ""), f"{mix.strength:g}", stroke, str(seed)
    )


class Manifest:
    """Manifest that is written line by line, so that a job that is killed leaves a true one.

    A row is added before its image is written. Rows without an image are dropped when the manifest is opened, and at
    the end. Use it by `open_manifest`.
    """

    def __init__(self, folder: Path, rows: dict[str, ManifestRow], file: TextIO) -> None:
        self._folder, self._rows, self._file = folder, rows, file

    def add(self, row: ManifestRow) -> None:
        """Add the row of an image that is about to be written, in the place of an earlier row.

        Raises:
            CannotWrite: The operating system refuses.
        """
        self._rows[row.file] = row
        try:
            csv.writer(self._file, lineterminator="\n").writerow(asdict(row).values())
            self._file.flush()
        except OSError as error:
            raise _refused(self._folder / MANIFEST, error) from error


@contextmanager
def open_manifest(folder: Path) -> Iterator[Manifest]:
    """Open the manifest of a folder, with the rows that it has; at the end they are sorted by file.

    Raises:
        CannotWrite: The operating system refuses.
    """
    path, rows = folder / MANIFEST, read_manifest(folder)
    write_manifest(folder, rows)
    try:
        file = path.open("a", encoding="utf-8", newline="")
    except OSError as error:
        raise _refused(path, error) from error
    with file:
        yield Manifest(folder, rows, file)
    write_manifest(folder, rows)


def read_manifest(folder: Path) -> dict[str, ManifestRow]:
    """Return the rows of a folder's manifest by file, without those whose line is damaged."""
    rows = {}
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            for values in csv.reader(file, lineterminator="\n"):
                if len(values) == len(COLUMNS) and values != COLUMNS:
                    rows[values[0]] = ManifestRow(*values)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, csv.Error) as error:
        raise CannotWrite(
            f"{folder / MANIFEST} is no manifest that can be gone on with: {error}.",
            "Remove it, or give another folder with -o.",
        ) from error
    return rows


def write_manifest(folder: Path, rows: dict[str, ManifestRow]) -> None:
    """Write the manifest of a folder, sorted by file, without rows whose image is not there.

    Raises:
        CannotWrite: The operating system refuses.
    """
    with (
        atomic_write(folder / MANIFEST) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for name in sorted(rows):
            if (folder / name).exists():
                lines.writerow(asdict(rows[name]).values())


def _refused(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"{path} can't be written: {error.strerror or error}.")
