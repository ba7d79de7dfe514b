"""Cards of .onnx files, read without loading the net."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fastnst.errors import BadStyleFile
from fastnst.styles.card import CARD_KEY, StyleCard

METADATA_FIELD = 14
"""Number of the field `metadata_props` in ONNX's ModelProto: pairs of a key and a value."""
MAX_CARD_BYTES = 1 << 24
"""Bytes of the largest card that is read."""


def read_card(path: Path) -> StyleCard | None:
    """Return the card of an .onnx file, read without loading the net; None if it has none that can be read."""
    try:
        return load_card(path)
    except (OSError, BadStyleFile):
        return None


def load_card(path: Path) -> StyleCard | None:
    """Return the card of an .onnx file; None if it has none.

    Raises:
        BadStyleFile: The card, or the file, is damaged.
        OSError: The file can't be read.
    """
    try:
        with path.open("rb") as file:
            for number, size in _fields(file, os.path.getsize(path)):
                if number == METADATA_FIELD and size <= MAX_CARD_BYTES:
                    entry = io.BytesIO(file.read(size))
                    texts = [entry.read(length) for _, length in _fields(entry, size)]
                    if texts[0].decode() == CARD_KEY:
                        return StyleCard.from_json(texts[1].decode(), path)
    except (ValueError, IndexError) as error:
        raise BadStyleFile(f"The metadata of {path} are damaged.") from error
    return None


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Yield number and length of each field of a protobuf message that has a length; the others are passed over."""
    while file.tell() < end:
        tag = _varint(file)
        kind = tag & 7
        if kind == 2:
            length = _varint(file)
            after = file.tell() + length
            if after > end:
                raise ValueError("a field reaches past the end")
            yield tag >> 3, length
            file.seek(after)
        elif kind == 0:
            _varint(file)
        elif kind in (1, 5):
            file.seek(8 if kind == 1 else 4, os.SEEK_CUR)
        else:
            raise ValueError(f"a field of kind {kind}")


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise ValueError("no number")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
        shift += 7
