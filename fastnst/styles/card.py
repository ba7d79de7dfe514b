"""Card of a style file: its styles, its net, and how it was trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile

CARD_KEY = "fastnst"
"""Metadata key, in ONNX and safetensors alike, that holds the card as JSON."""
CARD_FORMAT = 1
"""Version of the card, raised when earlier versions of fastnst can't read it."""
MAX_ROWS = 2**16
"""Rows of scales and shifts of the largest net that is read."""
LEAST_BASE, MOST_BASE = 32, 4096
"""Range of `StyleCard.base`, in pixels."""

RENAMED_METRICS = {"grid": "checkerboard"}
"""Current names of an evaluation's figures, by their names in files of earlier versions."""


@dataclass(frozen=True, kw_only=True)
class PaintingCredit:
    """Credit of the painting that a style was learnt from; what is not known is empty."""

    title: str = ""
    """Title of the painting."""
    artist: str = ""
    """Name of the painter."""
    year: int | str = ""
    """Year or years, as a museum states them: 1889, c. 1831."""
    licence: str = ""
    """Licence of the painting, such as `public domain`."""
    name: str = ""
    """Name of the style in a file of many; empty in a file of one, whose name is the style's."""


@dataclass(frozen=True)
class StyleCard:
    """Facts of a style file, kept in its metadata as JSON."""

    name: str
    """Name of the style; the stem of the file that it was first saved as."""
    styles: tuple[PaintingCredit, ...]
    """Credit of each style's painting."""
    net: dict[str, Any]
    """Configuration of the net, enough to build it again."""
    multiple_of: int
    """Number of pixels that height and width must be multiples of; whoever runs the net pads and crops."""
    minimum: int
    """Least height and width in pixels."""
    strokes: tuple[float, ...] = (1.0,)
    """Sizes of the strokes, from fine to bold, as multiples of the size that a painting was scaled to. Each style has a
    row of scales and shifts for each size, one after the other. A net of several levels paints strokes of any size and
    has a row for each level instead."""
    base: int = 0
    """Side, in pixels, of a square as large as the image at the coarsest level; 0 in a net of one level."""
    loss: dict[str, Any] = field(default_factory=dict)
    """Objective of the training: layers, weights, units, style size."""
    steps: int = 0
    """Number of optimizer steps taken."""
    evaluation: dict[str, Any] = field(default_factory=dict)
    """Figures of `fastnst evaluate`; empty before it ran."""
    training_set: str = ""
    """Name of the photographs that it was trained on."""
    fastnst: str = ""
    """Version of fastnst that wrote the file."""
    format: int = CARD_FORMAT
    """Version of the card's format."""

    @property
    def rows(self) -> int:
        """Number of rows of scales and shifts."""
        return int(self.net.get("styles", 1))

    @property
    def identity(self) -> bool:
        """Return whether the last row is the photo itself, for strengths below 1."""
        return bool(self.net.get("identity"))

    @property
    def predicted(self) -> int:
        """Number of rows, before that of the photo, that are predicted from any painting; 0 for most nets."""
        return int(self.net.get("predicted", 0))

    @property
    def levels(self) -> int:
        """Number of levels, from coarse to fine, that have rows of their own; 1 where the net paints at one size."""
        return int(self.net.get("levels", 1))

    @property
    def default_stroke(self) -> float:
        """Size of the strokes where none is chosen: medium (0.5) in a net of several levels, else fine (0)."""
        return 0.5 if self.levels > 1 else 0.0

    def to_json(self) -> str:
        """Return the card as JSON, for the metadata of a file."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> StyleCard:
        """Read a card; `path` is only named in errors.

        Raises:
            BadStyleFile: The text is no card, or one of a later format.
        """
        try:
            values = json.loads(text)
            if values["format"] > CARD_FORMAT:
                raise BadStyleFile(
                    f"{path} was written by fastnst {values.get('fastnst')}, in a later format than this one reads.",
                    "Update it: in fastnst's source folder say git pull, then pip install .",
                )
            known = {f.name for f in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
            values["styles"] = tuple(PaintingCredit(**credit) for credit in values["styles"])
            values["strokes"] = tuple(values.get("strokes", (1.0,)))
            values["evaluation"] = with_current_names(values.get("evaluation", {}))
            for size in (values["multiple_of"], values["minimum"]):
                if not (isinstance(size, int) and 1 <= size <= 1024):
                    raise ValueError(f"a size of {size}")
            if not isinstance(values["net"]["name"], str):
                raise TypeError("a net without a name")
            card = cls(**values)
            if not 1 <= card.rows <= MAX_ROWS:
                raise ValueError(f"{card.rows} rows")
            for text in (card.name, *(credit.name for credit in card.styles)):
                if {"/", "\\"} & set(text):  # Names of styles are parts of file names.
                    raise ValueError(f"a name of {text!r}")
            for credit in card.styles:
                if not all(str(value).isprintable() for value in vars(credit).values()):
                    raise ValueError("a credit with control characters")
            if not (
                1 <= card.levels <= 16
                and (card.levels == 1 or LEAST_BASE <= card.base <= MOST_BASE)
            ):
                raise ValueError(f"{card.levels} levels from {card.base} px")
            return card
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadStyleFile(f"The style card in {path} is damaged ({error}).") from error


def with_current_names(evaluation: Any) -> Any:
    """Return an evaluation, or a part of one, with its figures under their current names."""
    if isinstance(evaluation, dict):
        return {
            # A style may have the name of a figure; its value is a mapping.
            name
            if isinstance(value, dict)
            else RENAMED_METRICS.get(name, name): with_current_names(value)
            for name, value in evaluation.items()
        }
    if isinstance(evaluation, list):
        return [with_current_names(value) for value in evaluation]
    return evaluation
