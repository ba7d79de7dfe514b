"""The one registry: a style is a file, its name is the file's stem, its facts are in its card."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

from fastnst.errors import BadStyleFile, UnknownStyle, did_you_mean

CARD_KEY = "fastnst"
"""The metadata key, in ONNX and safetensors alike, that holds the card as JSON."""
FAST = "swift"
"""The net that is made to be fast."""
CARD_FORMAT = 1
"""Counts up when an older fastnst could no longer make sense of a card."""


def shipped(folder: str) -> Path:
    """A folder of data that ships with fastnst: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder


@dataclass(frozen=True)
class Credit:
    """The painting that a style was learnt from. Empty means not stated."""

    title: str = ""
    """Title of the painting."""
    artist: str = ""
    """Who painted it."""
    year: int | str = ""
    """When, as a museum would state it: 1889, c. 1831."""
    licence: str = ""
    """Licence of the painting, such as `public domain`."""
    name: str = ""
    """What the style is called in a file of many; a file of one is called by its own name."""


@dataclass(frozen=True)
class StyleCard:
    """What a style file says about itself."""

    name: str
    """The style's name; the stem of the file that it was first saved as."""
    styles: tuple[Credit, ...]
    """The painting of each style."""
    net: dict[str, Any]
    """The net's configuration, enough to build it again."""
    multiple_of: int
    """Height and width must be multiples of this; whoever runs the net pads and crops."""
    minimum: int
    """The least height and width."""
    strokes: tuple[float, ...] = (1.0,)
    """Sizes of the strokes, from fine to bold, as multiples of the size that a painting was scaled to. Each
    style has a row of scales and shifts for each of them, one after the other."""
    loss: dict[str, Any] = field(default_factory=dict)
    """The objective: layers, weights, units, style size."""
    steps: int = 0
    """Optimizer steps taken."""
    evaluation: dict[str, Any] = field(default_factory=dict)
    """What `fastnst evaluate` measured, if it did."""
    training_set: str = ""
    """Name of the photographs that it was trained on."""
    fastnst: str = ""
    """Version that wrote the file."""
    format: int = CARD_FORMAT

    @property
    def rows(self) -> int:
        """Rows of scales and shifts."""
        return int(self.net.get("styles", 1))

    @property
    def identity(self) -> bool:
        """Whether one more row, the last one, gives the photo back."""
        return bool(self.net.get("identity"))

    def to_json(self) -> str:
        """The card as JSON, for the metadata of a file."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> StyleCard:
        """Read a card; `path` is only named in errors.

        Raises:
            BadStyleFile: It is no card, or one of a later format.
        """
        try:
            values = json.loads(text)
            if values["format"] > CARD_FORMAT:
                raise BadStyleFile(
                    f"{path} was written by fastnst {values.get('fastnst')}, in a later format than this one reads.",
                    "Update with: pip install --upgrade fastnst",
                )
            known = {f.name for f in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
            values["styles"] = tuple(Credit(**credit) for credit in values["styles"])
            values["strokes"] = tuple(values.get("strokes", (1.0,)))
            for size in (values["multiple_of"], values["minimum"]):
                if not (isinstance(size, int) and 1 <= size <= 1024):
                    raise ValueError(f"a size of {size}")
            if not isinstance(values["net"]["name"], str):
                raise TypeError("a net without a name")
            return cls(**values)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadStyleFile(f"The style card in {path} is damaged ({error}).") from error


def style_folders() -> list[Path]:
    """Where styles are looked for: `$FASTNST_STYLES`, `./checkpoints`, then those that ship with fastnst."""
    named = os.environ.get("FASTNST_STYLES", "")
    candidates = [Path(part) for part in named.split(os.pathsep) if part]
    candidates += [Path("checkpoints"), shipped("checkpoints")]
    return list(
        {folder.resolve(): folder for folder in candidates if os.path.isdir(folder)}.values()
    )


def list_styles(*, fast: bool = False) -> dict[str, Path]:
    """Name to file of every style that can be used, sorted by name; earlier folders win.

    A file of many styles gives each of its own names, any other file that of the file. A name that
    nets of both kinds have is the slower and better one's.

    Args:
        fast: The faster one's instead.
    """
    found: dict[str, tuple[bool, Path]] = {}
    for folder in style_folders():
        for path in sorted(filter(os.path.isfile, folder.glob("*.onnx"))):
            card = read_card(path)
            suits = (card is not None and card.net["name"] == FAST) == fast
            for name in names_in(path, card):
                if name not in found or (suits and not found[name][0]):
                    found[name] = suits, path
    return {name: path for name, (_, path) in sorted(found.items())}


def names_in(path: Path, card: StyleCard | None) -> list[str]:
    """What the styles in a file are called, in the order of its card."""
    names = [credit.name for credit in card.styles] if card else []
    return names if len(names) > 1 and all(names) else [path.stem]


def find_style(name: str | Path, *, fast: bool = False) -> Path:
    """The file of a style, by name or by path: whatever is a `Path` or ends in .onnx.

    Args:
        name: The style's name or file; or a blend, `a:0.6,b:0.4`, of styles that one file has.
        fast: Prefer the faster net, where both have it.

    Raises:
        UnknownStyle: There is no such style; the message has the nearest names.
    """
    path = Path(name)
    if isinstance(name, Path) or path.suffix.lower() == ".onnx":
        if not os.path.isfile(path):
            raise UnknownStyle(f"There is no file {path}.", "Give the path of an .onnx file.")
        return path
    wanted = [word.partition(":")[0].strip() for word in name.split(",")]
    styles = list_styles(fast=fast)
    for each in wanted:
        if each not in styles:
            hint = did_you_mean(each, styles) or "No styles were found: train one first."
            raise UnknownStyle(f"There is no style {each!r}.", hint)
    # The preferred file of the first that has them all; else that of another of them.
    files = dict.fromkeys(styles[each] for each in wanted)
    for file in files:
        if set(wanted) <= set(names_in(file, read_card(file))):
            return file
    raise UnknownStyle(
        f"No file has all of {', '.join(wanted)}.",
        "Blend styles of one file: see `fastnst styles`.",
    )


def read_card(path: Path) -> StyleCard | None:
    """The card of an .onnx file, read without loading the net; None if it has none that can be read."""
    try:
        with path.open("rb") as file:
            for number, span in _fields(file, os.path.getsize(path)):
                if number == METADATA and span <= LARGEST_CARD:
                    entry = io.BytesIO(file.read(span))
                    texts = [entry.read(length) for _, length in _fields(entry, span)]
                    if texts[0].decode() == CARD_KEY:
                        return StyleCard.from_json(texts[1].decode(), path)
    except (OSError, ValueError, IndexError, BadStyleFile):
        pass
    return None


METADATA = 14
"""Number of `metadata_props` in ONNX's ModelProto, pairs of a key and a value."""
LARGEST_CARD = 1 << 24
"""Bytes."""


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """Number and length of each field of a protobuf message that has a length; the others are passed over."""
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
