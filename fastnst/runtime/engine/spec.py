"""Specification of a `Stylizer`, which other processes can open."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from fastnst.errors import FastnstError
from fastnst.styles.hub_names import is_hub_name
from fastnst.styles.mix import Blend, StyleMix
from fastnst.styles.painting import is_picture
from fastnst.styles.registry import find_style
from fastnst.system.machine import cpu_count

if TYPE_CHECKING:
    from fastnst.runtime.engine.devices import Device

LEAST_TILE = 64
"""Smallest side of tiles in pixels; in smaller ones most of the work goes into what is around them."""

Tile: TypeAlias = Literal["auto", "off"] | int


@dataclass(frozen=True)
class StylizerSpec:
    """Specification of a `Stylizer`: the arguments that it is made with.

    It can be compared, hashed, pickled and sent to other processes, each of which opens its own session:
    `Stylizer.from_spec(spec)`.

    Raises:
        FastnstError: The tile is out of range, or neither a style nor a model is given.
    """

    mix: StyleMix
    """Style, strength and stroke that are painted unless a call names others."""
    model: Path | None = None
    """The .onnx file; None to find it by the name of the style."""
    fast: bool = False
    """True for the faster net, where a name has two."""
    tile: Tile = "auto"
    """Side of tiles in pixels; `auto` takes tiles where memory is too small for the whole, `off` never."""
    exact: bool = False
    """True if tiles take the norms' statistics from the whole picture, in place of a sample."""
    wrap: bool = False
    """True if the right edge continues at the left one, as in a full panorama."""
    device: Device = "auto"
    """Device that paints."""
    threads: int | None = None
    """Threads of the processor; None for one a core."""
    memory: int | None = None
    """Bytes that fastnst may take, about; None for 1.5 GiB."""

    def __post_init__(self) -> None:
        if self.tile not in ("auto", "off") and (
            isinstance(self.tile, str) or self.tile < LEAST_TILE
        ):
            raise FastnstError(
                f"The tile is {self.tile}.",
                f"Give auto, off, or a side of {LEAST_TILE} px or more.",
            )
        if self.model is None and self.mix.style is None:
            raise FastnstError(
                "No style was given.", "Give the name of a style, or the path of an .onnx file."
            )

    def absolute(self) -> StylizerSpec:
        """Return the specification for a process that may run in another folder."""
        model = None if self.model is None else self.model.absolute()
        return replace(self, mix=self.mix.absolute(), model=model)

    def find(self) -> Path:
        """Return the .onnx file.

        Raises:
            UnknownStyle: There is no such style or file.
        """
        if self.model is not None:
            return find_style(self.model)
        return find_style(str(self.mix.style), fast=self.fast)

    def for_video(self, at_once: int = 1) -> StylizerSpec:
        """Return the specification of the same style by the net for real time.

        Args:
            at_once: Number of frames that are painted at a time; the cores are divided among them.
        """
        threads = self.threads if at_once == 1 else max(1, cpu_count() // at_once)
        return replace(self, fast=True, threads=threads)


def style_and_model(
    style: Blend | StyleMix | os.PathLike[str] | None, model: str | os.PathLike[str] | None
) -> tuple[Blend | StyleMix | None, Path | None]:
    """Tell a style from a file: a path, text that ends in .onnx, or a name of the hub, is the model; a painting is a style.

    Raises:
        FastnstError: There are two files, or a file of the hub can't be had.
    """
    if is_hub_name(style):
        style = str(style)
    elif isinstance(style, os.PathLike):
        style = os.fspath(style)
        if is_picture(style):
            return style, None if model is None else _file(model)
    elif not isinstance(style, str) or not style.lower().endswith(".onnx"):
        return style, None if model is None else _file(model)
    if model is not None:
        raise FastnstError(
            f"Two files were given: {style} and {model}.",
            "Give one file, and the name of one of its styles.",
        )
    return None, _file(style)


def _file(model: str | os.PathLike[str]) -> Path:
    if not is_hub_name(model):
        return Path(model)
    from fastnst.styles.hub import fetch_style  # Seldom needed, and part of every start.

    return fetch_style(model)
