"""The one registry: a style is a file, its name is the file's stem, its facts are in its card."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile, UnknownStyle, did_you_mean

CARD_KEY = "fastnst"
"""The metadata key, in ONNX and safetensors alike, that holds the card as JSON."""
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


@dataclass(frozen=True)
class StyleCard:
    """What a style file says about itself."""

    name: str
    """The style's name; the stem of the file that it was first saved as."""
    styles: tuple[Credit, ...]
    """The painting of each row of scales and shifts."""
    net: dict[str, Any]
    """The net's configuration, enough to build it again."""
    multiple_of: int
    """Height and width must be multiples of this; whoever runs the net pads and crops."""
    minimum: int
    """The least height and width."""
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


def list_styles() -> dict[str, Path]:
    """Name to file of every style that can be used, sorted by name; earlier folders win."""
    found: dict[str, Path] = {}
    for folder in style_folders():
        for path in filter(os.path.isfile, folder.glob("*.onnx")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def find_style(name: str | Path) -> Path:
    """The file of a style, by name or by path: whatever is a `Path` or ends in .onnx.

    Raises:
        UnknownStyle: There is no such style; the message has the nearest names.
    """
    path = Path(name)
    if isinstance(name, Path) or path.suffix.lower() == ".onnx":
        if not os.path.isfile(path):
            raise UnknownStyle(f"There is no file {path}.", "Give the path of an .onnx file.")
        return path
    styles = list_styles()
    if str(name) not in styles:
        hint = did_you_mean(str(name), styles) or "No styles were found: train one first."
        raise UnknownStyle(f"There is no style {str(name)!r}.", hint)
    return styles[str(name)]
