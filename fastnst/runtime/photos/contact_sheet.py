"""Overviews of the styles: their facts, and a contact sheet of all of them on one photo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from fastnst.errors import FastnstError
from fastnst.images.formats import check_writable
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.card import PaintingCredit
from fastnst.styles.kept import kept_painting, kept_styles
from fastnst.styles.onnx_metadata import read_card
from fastnst.styles.painting import is_picture
from fastnst.styles.registry import REALTIME_NET, find_style, list_styles

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

GAP = 8
"""Pixels between images."""


def write_contact_sheet(
    photo: str | Path,
    output: str | Path,
    *,
    styles: Sequence[str] = (),
    size: int = 320,
    fast: bool = False,
    device: Device = "auto",
    report: Progress | None = None,
) -> Image.Image:
    """Paint a photo in every style and write all side by side, the photo itself first.

    Args:
        photo: Photo to paint.
        output: Image to write.
        styles: Names of styles, blends and paths of paintings; empty for all styles that are listed.
        size: Longer side of each image in pixels.
        fast: Prefer the net for real time, where two nets have a style.
        device: Device that paints.
        report: Called after each style, with its name as the note.

    Returns:
        The sheet, RGB.

    Raises:
        FastnstError: The photo can't be read, there is no style, or the output can't be written.
    """
    check_writable(Path(output))
    image = resize_long_edge(read_image(Path(photo)).convert("RGB"), size)
    files = (
        {name: find_style(name, fast=fast) for name in styles} if styles else list_styles(fast=fast)
    )
    loaded: dict[Path, Stylizer | None] = {}
    pictures = {Path(photo).stem: image}
    for number, (name, path) in enumerate(files.items(), start=1):
        if path not in loaded:
            try:
                loaded[path] = Stylizer(path, device=device)
            except FastnstError:
                loaded[path] = None  # Some other .onnx file that lies in one of the folders.
        stylizer = loaded[path]
        if stylizer is not None and stylizer.fixed_size is None:
            many = len(stylizer.styles) > 1 or bool(styles)
            label = Path(name).stem if is_picture(name) else name
            pictures[label] = stylizer(image, name if many else None)
        if report:
            report(number / len(files), name)
    if len(pictures) == 1:
        raise FastnstError(
            "No styles were found.", "Train one with: fastnst train PAINTING --data FOLDER"
        )
    sheet = _labelled(pictures, image.size)
    write_image(Path(output), sheet)
    return sheet


def _labelled(pictures: dict[str, Image.Image], size: tuple[int, int]) -> Image.Image:
    width, height = size
    columns = math.ceil(math.sqrt(len(pictures) * height / width))
    line = max(12, width // 20)
    font = ImageFont.load_default(line)
    rows = math.ceil(len(pictures) / columns)
    cell = (width + GAP, height + GAP + round(1.5 * line))
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(pictures.items()):
        left, top = (
            GAP + place * side
            for place, side in zip((number % columns, number // columns), cell, strict=True)
        )
        sheet.paste(picture, (left, top))
        draw.text((left, top + height + line // 4), name, "black", font)
    return sheet


def describe_styles() -> list[dict[str, Any]]:
    """Return the facts of every style that can be used: name, title, artist, year, licence, net, size in MB.

    `fast` says whether the style has a net for real time, see `--fast`.
    """
    rows = []
    quick, kept = list_styles(fast=True), kept_styles()
    for name, path in list_styles().items():
        card = read_card(path)
        if card is None:
            try:
                Stylizer(path, device="cpu")
            except FastnstError:
                continue  # Some other .onnx file that lies in one of the folders.
        credits = {each.name: each for each in card.styles} if card else {}
        if name in kept:
            credit = PaintingCredit(title=f"like {kept_painting(kept[name])}")
        else:
            credit = credits.get(name) or next(iter(credits.values()), PaintingCredit())
        rows.append(
            {
                "name": name,
                "title": credit.title,
                "artist": credit.artist,
                "year": credit.year,
                "licence": credit.licence,
                "net": card.net["name"] if card else "",
                "fast": _net_of(quick[name]) == REALTIME_NET,
                "size_mb": round(path.stat().st_size / 1e6, 1),
            }
        )
    return rows


def _net_of(path: Path) -> str:
    card = read_card(path)
    return str(card.net["name"]) if card else ""
