"""Paintings to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.styles.card import PaintingCredit
from fastnst.styles.painting import SMALLEST_PAINTING, check_size, read_painting, scaled_like

DEFAULT_SIZE = 512
"""Pixels on the longer side of a painting for a net of one level."""


@dataclass(frozen=True)
class Painting(PaintingCredit):
    """A painting to learn from, and its credit."""

    path: str | Path = ""
    """The picture file."""
    size: int | None = None
    """Longer side in pixels beside a picture at the coarsest level, which sets the size of the strokes; null makes
    the painting as large as the picture, and 512 px for a net of one level. One of several paintings takes that of
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
        image = resize_long_edge(read_painting(self.path), size)
        check_size(image, self.path, f"at --model.painting.size {size} is")
        return image_to_tensor(image)

    def load_like(self, side: int, base: int) -> Tensor:
        """Read the painting as large as a square picture, so that its strokes are in proportion.

        It is never enlarged: enlarged strokes are blurred.

        Args:
            side: Side of the picture in pixels.
            base: Side of the picture beside which the painting has its `size`, if it has one.

        Returns:
            RGB (1, 3, H, W), float, 0..255.

        Raises:
            UnreadableImage: The file can't be read.
            FastnstError: The painting is too small, or its size is out of range.
        """
        if self.size is not None and not SMALLEST_PAINTING <= self.size <= 4096:
            raise FastnstError(
                f"The size of the painting is {self.size}.",
                f"It is {SMALLEST_PAINTING} to 4096 px.",
            )
        longer = self.size / base if self.size else None
        return image_to_tensor(scaled_like(read_painting(self.path), side, longer))


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
