"""The wall: a visitor's photo, small, in every style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge
from fastnst.images.write import write_image
from fastnst.runtime.engine.devices import Device
from fastnst.styles.mix import StyleMix
from fastnst.styles.registry import list_styles
from fastnst.web.painting import Choice, load_net
from fastnst.web.sessions import Session

TILE_SIZE = 176
"""Longer side of a picture of the wall in pixels."""

Tile = tuple[str, str]
"""Picture's file, and the name of its style."""


def paint_wall(photo: Image.Image, session: Session, device: Device) -> list[Tile]:
    """Paint a photo, small, in every style by the net for real time: the visitor's own styles first.

    Args:
        photo: RGB.
        session: Session of the visitor, whose folder the pictures are written to.
        device: Device that paints.

    Returns:
        A picture and a name for each style, in the order of `style_names`.
    """
    photo = resize_long_edge(photo, TILE_SIZE)
    folder = session.new_folder("wall")
    own = {name: _paint_own(photo, name, session, device) for name in session.styles}
    tiles = {**{name: image for name, image in own.items() if image}, **_paint_all(photo, device)}
    return [
        _written(image, folder / f"{number}.jpg", name)
        for number, (name, image) in enumerate(tiles.items())
    ]


def _paint_all(photo: Image.Image, device: Device) -> dict[str, Image.Image]:
    """Paint a photo in the styles of all files, those of a file together."""
    styles = list_styles(fast=True)
    found: dict[str, Image.Image] = {}
    for path in dict.fromkeys(styles.values()):
        names = [name for name, file in styles.items() if file == path]
        try:
            stylizer = load_net(path, device)
            mixes = [StyleMix(name if len(stylizer.styles) > 1 else None) for name in names]
            photos = np.broadcast_to(np.asarray(photo), (len(names), photo.height, photo.width, 3))
            painted = stylizer.paint_batch(np.ascontiguousarray(photos), mixes)
        except FastnstError:
            continue  # Some other .onnx file that lies in one of the folders.
        found |= dict(zip(names, map(Image.fromarray, painted), strict=True))
    return {name: found[name] for name in styles if name in found}


def _paint_own(
    photo: Image.Image, name: str, session: Session, device: Device
) -> Image.Image | None:
    try:
        return Choice(name).stylizer(session, device, fast=True)(photo)
    except FastnstError:
        return None


def _written(image: Image.Image, path: Path, name: str) -> Tile:
    write_image(path, image, quality=85)
    return str(path), name
