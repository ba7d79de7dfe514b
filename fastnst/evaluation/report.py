"""What `evaluate` found, as a table and as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Quartiles = tuple[float, float, float]
"""First quartile, median, third quartile."""


@dataclass(frozen=True)
class Measured:
    """What was found at one size; medians over the photos."""

    size: int
    """Longer side of the photos in pixels."""
    photos: int
    """How many."""
    content: float
    """Content term of the painted photos, as weighted."""
    style: float
    """Style term."""
    total: float
    """The objective J."""
    photo_total: float
    """J of the photos themselves: what no painting is worth."""
    optimized_total: float
    """J at the end of the optimization from the photo: what is there to be had."""
    from_noise: Quartiles
    """Iterations of L-BFGS from noise that reach the net's J; infinite if more than were tried."""
    from_photo: Quartiles
    """The same from the photo."""
    checkerboard: float
    """See `fastnst.evaluation.metrics`."""
    border: float
    flicker: float
    """Unsteadiness over a pan, over the mean difference between two painted photos."""
    milliseconds: float
    """Of painting one, pixels to pixels."""


@dataclass(frozen=True)
class Evaluation:
    """How good a style is."""

    style: str
    """Its name."""
    steps: int
    """Of its training."""
    max_iterations: int
    """Of L-BFGS that were tried."""
    device: str
    """Where the net ran."""
    fastnst: str
    """Version that measured."""
    sizes: tuple[Measured, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; an infinite number of iterations is null."""
        values = asdict(self)
        for size in values["sizes"]:
            for name in ("from_noise", "from_photo"):
                size[name] = [None if math.isinf(k) else k for k in size[name]]
        return values

    def __str__(self) -> str:
        def iterations(k: Quartiles) -> str:
            first, median, third = (
                f"more than {self.max_iterations}" if math.isinf(v) else f"{v:g}" for v in k
            )
            return median if first == third else f"{median} ({first} to {third})"

        rows: dict[str, Callable[[Measured], str]] = {
            "photos": lambda m: f"{m.photos}",
            "objective J": lambda m: f"{m.total:.3f}",
            "  content + style": lambda m: f"{m.content:.3f} + {m.style:.3f}",
            "  of the photo itself": lambda m: f"{m.photo_total:.3f}",
            "  of the optimized photo": lambda m: f"{m.optimized_total:.3f}",
            "L-BFGS iterations from noise": lambda m: iterations(m.from_noise),
            "L-BFGS iterations from the photo": lambda m: iterations(m.from_photo),
            "checkerboard (1 is none)": lambda m: f"{m.checkerboard:.2f}",
            "border (1 is the photo's)": lambda m: f"{m.border:.2f}",
            "flicker": lambda m: f"{m.flicker:.3f}",
            f"ms a picture ({self.device})": lambda m: f"{m.milliseconds:.1f}",
        }
        head = ["", *(f"{m.size} px" for m in self.sizes)]
        table = [head, *([name, *map(cell, self.sizes)] for name, cell in rows.items())]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = (
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in table
        )
        return "\n".join([self.style, *lines])
