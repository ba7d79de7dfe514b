"""What a net is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class NetConfig:
    """What a net is made of; stored with its weights, so that a file can be loaded by itself."""

    name: Literal["johnson", "swift"] = "johnson"
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

    def __post_init__(self) -> None:
        for field in ("width", "blocks", "styles"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be 1 or more")

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as stored in a card."""
        return asdict(self)
