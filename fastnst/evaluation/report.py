"""Result of `evaluate`, as a table and as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Quartiles = tuple[float, float, float]
"""First quartile, median, third quartile."""


@dataclass(frozen=True)
class SizeReport:
    """Figures at one size, as medians over the photos; those with a default are None in a result of the views alone."""

    size: int
    """Longer side of the photos in pixels."""
    photos: int
    """Number of photos."""
    views_style: float
    """Style term over that of optimization, geometric mean over the views; see `fastnst.evaluation.views`."""
    views_content: float
    """Content term over that of optimization, means over the views."""
    repetition: float | None
    """Repetition, see `fastnst.evaluation.metrics`: median over the flat squares of all photos, None without any."""
    flat_squares: int
    """Number of squares of 96 px that are flat in the photos."""
    checkerboard: float
    """Checkerboard, see `fastnst.evaluation.metrics`."""
    border: float
    """Difference at the border, see `fastnst.evaluation.metrics`."""
    flicker: float | None = None
    """Flicker of a pan over the mean difference between two stylized photos."""
    milliseconds: float | None = None
    """Time to paint one photo, from pixels to pixels."""
    content: float | None = None
    """Weighted content term of the stylized photos."""
    style: float | None = None
    """Weighted style term of the stylized photos."""
    total: float | None = None
    """Objective J of the stylized photos."""
    photo_total: float | None = None
    """J of the unpainted photos: the upper bound."""
    optimized_total: float | None = None
    """J after optimizing the pixels from the photo: the best value that was reached."""
    from_noise: Quartiles | None = None
    """Iterations of L-BFGS from noise that reach the net's J; infinite if more than were tried."""
    from_photo: Quartiles | None = None
    """Iterations of L-BFGS from the photo that reach the net's J; infinite if more than were tried."""


@dataclass(frozen=True)
class EvaluateResult:
    """Figures of a style at all sizes."""

    style: str
    """Name of the style."""
    steps: int
    """Number of optimizer steps of its training."""
    max_iterations: int
    """Most iterations of L-BFGS; 0 in a result of the views alone."""
    device: str
    """Device of the net."""
    fastnst: str
    """Version of fastnst that measured."""
    sizes: tuple[SizeReport, ...]
    """Figures at each size."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what was not measured, and an infinite number of iterations, is null."""
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

        rows: dict[str, Callable[[SizeReport], str]] = {
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
