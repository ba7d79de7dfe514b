"""Overviews of the styles: their facts, and a contact sheet of all of them on one photo."""

from __future__ import annotations

import math
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
from fastnst.styles.onnx_metadata import read_card
from fastnst.styles.registry import REALTIME_NET, list_styles

if TYPE_CHECKING:
    from fastnst.system.progress import Progress

GAP = 8
"""Pixels between images."""


def write_contact_sheet(
    photo: str | Path,
    output: str | Path,
    *,
    size: int = 320,
    fast: bool = False,
    device: Device = "auto",
    report: Progress | None = None,
) -> Image.Image:
    """Paint a photo in every style and write all side by side, the photo itself first.

    Args:
        photo: Photo to paint.
        output: Image to write.
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
    styles = list_styles(fast=fast)
    loaded: dict[Path, Stylizer | None] = {}
    pictures = {Path(photo).stem: image}
    for number, (name, path) in enumerate(styles.items(), start=1):
        if path not in loaded:
            try:
                loaded[path] = Stylizer(path, device=device)
            except FastnstError:
                loaded[path] = None  # Some other .onnx file that lies in one of the folders.
        stylizer = loaded[path]
        if stylizer is not None and stylizer.fixed_size is None:
            many = len(stylizer.styles) > 1
            pictures[name] = stylizer(image, name if many else None)
        if report:
            report(number / len(styles), name)
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
    quick = list_styles(fast=True)
    for name, path in list_styles().items():
        card = read_card(path)
        if card is None:
            try:
                Stylizer(path, device="cpu")
            except FastnstError:
                continue  # Some other .onnx file that lies in one of the folders.
        credits = (
            {credit.name: credit for credit in card.styles} if card else {"": PaintingCredit()}
        )
        credit = credits.get(name, next(iter(credits.values())))
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
