"""Paintings to learn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.styles.card import PaintingCredit

DEFAULT_SIZE = 512
"""Pixels on the longer side of a painting for a net of one level."""
SMALLEST_PAINTING = 64
"""Least shorter side in pixels, as given and as scaled: 8 at relu4_3, the deepest style layer."""
SMALLEST_VIEW = 16
"""Pixels on the shorter side of a painting as seen from afar: 2 at relu4_3."""
LEAST_CONTRAST = 2.0
"""Least standard deviation of some channel, of 255; below it a painting is one colour, blurred by its codec."""


@dataclass(frozen=True)
class Painting(PaintingCredit):
    """A painting to learn from, and its credit."""

    path: str | Path = ""
    """The picture file."""
    size: int | None = None
    """Longer side in pixels beside a crop at the coarsest level, which sets the size of the strokes; null makes
    the painting as large as the crop, and 512 px for a net of one level. One of several paintings takes that of
    `painting` if it has none."""
    weight: float = 1.0
    """Factor of the style term, beside the other paintings'."""

    @property
    def file(self) -> Path:
        """The picture file, `.` if none is given."""
        return Path(self.path)

    @property
    def credit(self) -> PaintingCredit:
        """The credit alone, as a card keeps it."""
        return PaintingCredit(**{f.name: getattr(self, f.name) for f in fields(PaintingCredit)})

    def load(self, stroke: float = 1.0) -> Tensor:
        """Read the painting for a net of one level, as RGB (1, 3, H, W), float, 0..255.

        Args:
            stroke: Factor of its size.

        Raises:
            UnreadableImage: The file can't be read.
            FastnstError: The painting is too small, or has no style to learn.
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
        """Read the painting as large as a square picture, so that its strokes are in proportion.

        It is never enlarged: enlarged strokes are blurred.

        Args:
            side: Side of the picture in pixels.
            crop: Side of the picture beside which the painting has its `size`, if it has one.

        Returns:
            RGB (1, 3, H, W), float, 0..255.

        Raises:
            UnreadableImage: The file can't be read.
            FastnstError: The painting is too small, or its size is out of range.
        """
        scan = self._scan()
        if self.size is not None and not SMALLEST_PAINTING <= self.size <= 4096:
            raise FastnstError(
                f"The size of the painting is {self.size}.",
                f"It is {SMALLEST_PAINTING} to 4096 px.",
            )
        longer = max(scan.size)
        wanted = self.size / crop if self.size else longer / math.sqrt(math.prod(scan.size))
        # The shorter side of a strip must not vanish.
        least = math.ceil(SMALLEST_VIEW * longer / min(scan.size))
        return image_to_tensor(
            resize_long_edge(scan, min(longer, max(least, round(side * wanted))))
        )

    def _scan(self) -> Image.Image:
        stored = read_image(self.file)
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


NO_PAINTING = Painting()


def named_paintings(paintings: Sequence[Painting], size: int | None) -> list[Painting]:
    """Give paintings names, by default those of their files, and sizes.

    Raises:
        FastnstError: Two have one name, or a name can't be used in a blend.
    """
    named = [
        replace(painting, name=painting.name or painting.file.stem, size=painting.size or size)
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
