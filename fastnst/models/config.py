"""What a net is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

SHUFFLED = frozenset({"swift", "unet"})
"""Nets that make four channels of twice the width one of twice the size."""


@dataclass(frozen=True)
class NetConfig:
    """What a net is made of; stored with its weights, so that a file can be loaded by itself."""

    name: Literal["johnson", "swift", "unet"] = "johnson"
    """The architecture, a key of `NETS`."""
    width: int = 32
    """Channels of the first layer; 32 in the paper, 16 in most of the models that its author released. Of
    swift, half of those of its blocks."""
    blocks: int = 5
    """Residual blocks."""
    styles: int = 1
    """Rows of scales and shifts: one per style."""
    identity: bool = False
    """Whether the last row stands for the photo itself."""
    levels: int = 1
    """Levels, from coarse to fine, that have scales and shifts of their own. A net of more than one paints
    over a canvas: the ground at the coarsest level, what the level below painted at the others."""

    def __post_init__(self) -> None:
        for field in ("width", "blocks", "styles", "levels"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be 1 or more")
        if self.name in SHUFFLED and self.width % 2:
            raise ValueError(f"width is {self.width}; the net {self.name} needs an even one")

    @property
    def channels(self) -> int:
        """Channels that go into the net: those of the photo, and those of the canvas if there is one."""
        return 6 if self.levels > 1 else 3

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as stored in a card."""
        return asdict(self)
