"""Card of a style file: its styles, its net, and how it was trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile

CARD_KEY = "fastnst"
"""The metadata key, in ONNX and safetensors alike, that holds the card as JSON."""
CARD_FORMAT = 1
"""Version of the card, raised when earlier versions of fastnst can't read it."""

RENAMED_METRICS = {"grid": "checkerboard"}
"""Names of an evaluation's figures in files of earlier versions, and their names now."""


@dataclass(frozen=True)
class Credit:
    """Painting that a style was learnt from; what is not known is empty."""

    title: str = ""
    """Title of the painting."""
    artist: str = ""
    """Who painted it."""
    year: int | str = ""
    """Year or years as a museum states them: 1889, c. 1831."""
    licence: str = ""
    """Licence of the painting, such as `public domain`."""
    name: str = ""
    """Name of the style in a file of many; a file of one has its own name for it."""


@dataclass(frozen=True)
class StyleCard:
    """Facts of a style file, kept in its metadata as JSON."""

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
    style has a row of scales and shifts for each of them, one after the other; in a net of several levels, which
    paints strokes of any size, one for each level."""
    base: int = 0
    """Of a net of several levels: side of a square as large as the picture at the coarsest one, in pixels."""
    loss: dict[str, Any] = field(default_factory=dict)
    """The objective: layers, weights, units, style size."""
    steps: int = 0
    """Optimizer steps taken."""
    evaluation: dict[str, Any] = field(default_factory=dict)
    """Figures of `fastnst evaluate`; empty before it ran."""
    training_set: str = ""
    """Name of the photographs that it was trained on."""
    fastnst: str = ""
    """Version that wrote the file."""
    format: int = CARD_FORMAT

    @property
    def rows(self) -> int:
        """Number of rows of scales and shifts."""
        return int(self.net.get("styles", 1))

    @property
    def identity(self) -> bool:
        """Whether the last row is the photo itself, for strengths below 1."""
        return bool(self.net.get("identity"))

    @property
    def levels(self) -> int:
        """Number of levels, from coarse to fine, that have rows of their own; 1 where the net paints at one size."""
        return int(self.net.get("levels", 1))

    @property
    def default_stroke(self) -> float:
        """Size of the strokes where none is chosen: medium (0.5) in a net of several levels, else fine (0)."""
        return 0.5 if self.levels > 1 else 0.0

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
            values["evaluation"] = with_current_names(values.get("evaluation", {}))
            for size in (values["multiple_of"], values["minimum"]):
                if not (isinstance(size, int) and 1 <= size <= 1024):
                    raise ValueError(f"a size of {size}")
            if not isinstance(values["net"]["name"], str):
                raise TypeError("a net without a name")
            card = cls(**values)
            if not (1 <= card.levels <= 16 and (card.levels == 1 or 32 <= card.base <= 4096)):
                raise ValueError(f"{card.levels} levels from {card.base} px")
            return card
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadStyleFile(f"The style card in {path} is damaged ({error}).") from error


def with_current_names(evaluation: Any) -> Any:
    """An evaluation, or any part of one, with its figures under the names that they have now."""
    if isinstance(evaluation, dict):
        return {
            # A style of many may be called like a figure; what it holds is no number.
            name
            if isinstance(value, dict)
            else RENAMED_METRICS.get(name, name): with_current_names(value)
            for name, value in evaluation.items()
        }
    if isinstance(evaluation, list):
        return [with_current_names(value) for value in evaluation]
    return evaluation
