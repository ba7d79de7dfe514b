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
    views_style: float
    """Style term, geometric mean over the views, over that of optimization; see `fastnst.evaluation.views`."""
    views_content: float
    """Content term, mean over the views, over that of optimization."""
    repetition: float | None
    """See `fastnst.evaluation.metrics`; median over the flat squares of all photos, None without any."""
    flat_squares: int
    """How many squares of 96 px are flat in the photos."""
    checkerboard: float
    """See `fastnst.evaluation.metrics`, as for the next two."""
    border: float
    flicker: float | None = None
    """Unsteadiness over a pan, over the mean difference between two painted photos.

    This and what follows is None where the views alone were asked for."""
    milliseconds: float | None = None
    """Of painting one, pixels to pixels."""
    content: float | None = None
    """Content term of the painted photos, as weighted."""
    style: float | None = None
    """Style term, as weighted."""
    total: float | None = None
    """The objective J."""
    photo_total: float | None = None
    """J of the photos themselves: what no painting is worth."""
    optimized_total: float | None = None
    """J at the end of the optimization from the photo: the lowest that was found."""
    from_noise: Quartiles | None = None
    """Iterations of L-BFGS from noise that reach the net's J; infinite if more than were tried."""
    from_photo: Quartiles | None = None
    """Iterations of L-BFGS from the photo that reach it."""


@dataclass(frozen=True)
class Evaluation:
    """How good a style is."""

    style: str
    """Its name."""
    steps: int
    """Of its training."""
    max_iterations: int
    """Of L-BFGS that were tried; 0 where the views alone were asked for."""
    device: str
    """Where the net ran."""
    fastnst: str
    """Version that measured."""
    sizes: tuple[Measured, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; what was not measured, and an infinite number of iterations, is null."""
        values = asdict(self)
        for size in values["sizes"]:
            for name in ("from_noise", "from_photo"):
                if size[name] is not None:
                    size[name] = [None if math.isinf(k) else k for k in size[name]]
        return values

    def __str__(self) -> str:
        def number(value: float | None, digits: int) -> str:
            return "-" if value is None else f"{value:.{digits}f}"

        def iterations(k: Quartiles | None) -> str:
            if k is None:
                return "-"
            first, median, third = (
                f"more than {self.max_iterations}" if math.isinf(v) else f"{v:g}" for v in k
            )
            return median if first == third else f"{median} ({first} to {third})"

        rows: dict[str, Callable[[Measured], str]] = {
            "photos": lambda m: f"{m.photos}",
            "views, style (1 is optimization's)": lambda m: number(m.views_style, 2),
            "views, content (1 is optimization's)": lambda m: number(m.views_content, 2),
            "repetition (1 is a lattice)": lambda m: number(m.repetition, 2),
            "  flat squares": lambda m: f"{m.flat_squares}",
            "checkerboard (1 is none)": lambda m: number(m.checkerboard, 2),
            "border (1 is the photo's)": lambda m: number(m.border, 2),
        }
        if any(m.total is not None for m in self.sizes):
            rows |= {
                "flicker": lambda m: number(m.flicker, 3),
                "objective J": lambda m: number(m.total, 3),
                "  content + style": lambda m: f"{number(m.content, 3)} + {number(m.style, 3)}",
                "  of the photo itself": lambda m: number(m.photo_total, 3),
                "  of the optimized photo": lambda m: number(m.optimized_total, 3),
                "L-BFGS iterations from noise": lambda m: iterations(m.from_noise),
                "L-BFGS iterations from the photo": lambda m: iterations(m.from_photo),
                f"ms a picture ({self.device})": lambda m: number(m.milliseconds, 1),
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
