"""The configuration of a net."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class NetConfig:
    """Architecture and sizes of a net, stored with its weights so that a file can be loaded by itself."""

    name: str = "johnson"
    """The architecture, a key of `NETS`."""
    width: int = 32
    """Channels of the first layer, of swift half the channels of its blocks. The paper has 32, most of the models
    that its author released 16."""
    blocks: int = 5
    """Residual blocks."""
    styles: int = 1
    """Rows of scales and shifts, which follow from paintings, levels and identity."""
    identity: bool = False
    """True if the last row gives the photo back."""
    predicted: int = 0
    """Rows before that which are those of a mean painting, and are moved by what a predictor makes of any painting's
    statistics; 0 for a net without a predictor."""
    levels: int = 1
    """Levels, from coarse to fine, with scales and shifts of their own. A net of several paints over a canvas:
    the ground at the coarsest level, and the result of the level below at each of the others."""

    def __post_init__(self) -> None:
        for field in ("width", "blocks", "styles", "levels"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be 1 or more")

    @property
    def channels(self) -> int:
        """Input channels: 3 of the photo, and 3 of the canvas if there is one."""
        return 6 if self.levels > 1 else 3

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as stored in a card."""
        return asdict(self)
