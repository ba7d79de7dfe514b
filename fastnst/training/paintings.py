"""Paintings to learn from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.styles.card import Credit

DEFAULT_SIZE = 512
"""Pixels on the longer side of a painting."""
SMALLEST_PAINTING = 64
"""Pixels on the shorter side, as given and as scaled: 8 at relu4_3, the deepest style layer."""
SMALLEST_VIEW = 16
"""The same of a painting seen from afar: 2 at relu4_3."""
LEAST_CONTRAST = 2.0
"""Standard deviation, of 255, of the liveliest channel: less is one colour with what a codec does to it."""


@dataclass(frozen=True)
class Painting(Credit):
    """A painting to learn from, and its credit."""

    path: Path = Path()
    """The picture."""
    size: int | None = None
    """Its longer side is scaled to this many pixels, which sets the size of the brush strokes. Of one of
    several, null for that of `painting`. For a net of several levels it is that beside a crop at the coarsest;
    null makes the painting as large as the picture."""
    weight: float = 1.0
    """Of its style term, beside those of others."""

    def load(self, stroke: float = 1.0) -> Tensor:
        """The painting as RGB (1, 3, H, W), float, 0..255.

        Args:
            stroke: Times its size.

        Raises:
            UnreadableImage: It can't be read.
            FastnstError: It is too small.
        """
        size = round((self.size or DEFAULT_SIZE) * stroke)
        if not SMALLEST_PAINTING <= size <= 4096:
            raise FastnstError(
                f"The size of the painting is {size}.",
                f"It is {SMALLEST_PAINTING} to 4096 px.",
            )
        image = resize_long_edge(self._scan(), size)
        self._check(image, f"at --model.painting.size {size} is")
        return image_to_tensor(image)

    def load_like(self, side: int, crop: int) -> Tensor:
        """The painting as large as a square picture, so that its strokes are in proportion, as `load` gives it.

        It is never enlarged: enlarged strokes are blurred ones.

        Args:
            side: Of the picture in pixels.
            crop: Side of a picture in which the painting has its `size`, if it has one.

        Raises:
            UnreadableImage: It can't be read.
            FastnstError: It is too small, or its size is out of range.
        """
        scan = self._scan()
        if self.size is not None and not SMALLEST_PAINTING <= self.size <= 4096:
            raise FastnstError(
                f"The size of the painting is {self.size}.",
                f"It is {SMALLEST_PAINTING} to 4096 px.",
            )
        longer = max(scan.size)
        wanted = self.size / crop if self.size else longer / math.sqrt(math.prod(scan.size))
        # Of a strip there must be something left.
        least = math.ceil(SMALLEST_VIEW * longer / min(scan.size))
        return image_to_tensor(
            resize_long_edge(scan, min(longer, max(least, round(side * wanted))))
        )

    def _scan(self) -> Image.Image:
        stored = read_image(self.path)
        if stored.mode == "RGBA" and stored.getchannel("A").getextrema()[1] == 0:
            raise FastnstError(
                f"The painting {self.path} is fully transparent.", "Give one that can be seen."
            )
        scan = stored.convert("RGB")
        self._check(scan, "is")
        if np.asarray(scan, np.float32).std(axis=(0, 1)).max() < LEAST_CONTRAST:
            raise FastnstError(
                f"The painting {self.path} has one colour all over, so there is no style in it to learn.",
                "Give one with strokes or shapes.",
            )
        return scan

    def _check(self, picture: Image.Image, how: str) -> None:
        if min(picture.size) < SMALLEST_PAINTING:
            raise FastnstError(
                f"The painting {self.path} {how} {picture.width}x{picture.height} px, too small to learn from.",
                f"It needs {SMALLEST_PAINTING} px on its shorter side; 300 and more are good.",
            )


def named_apart(paintings: list[Painting], size: int | None) -> list[Painting]:
    """Paintings with names, by default those of their files, and sizes."""
    named = [
        replace(painting, name=painting.name or painting.path.stem, size=painting.size or size)
        for painting in paintings
    ]
    names = [painting.name for painting in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FastnstError(
            f"Two paintings have the name {twice[0]}.",
            "Give each a name of its own, in a YAML file.",
        )
    odd = [name for name in names if not name or set(name) & set(",:/\\ ")]
    if odd:
        raise FastnstError(
            f"The name {odd[0]!r} of a painting can't be asked for.",
            "Give it one without commas, colons, slashes and blanks, in a YAML file or as that of its file.",
        )
    return named
