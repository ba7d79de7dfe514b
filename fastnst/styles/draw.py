"""Draws of styles by chance, the same ones whenever seed, image and epoch are the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fastnst.errors import FastnstError
from fastnst.styles.mix import StyleMix

Range: TypeAlias = float | tuple[float, float]
"""Number, or the least and the largest of numbers that are drawn."""
RANDOM = "random"
"""Word for random blends of all styles of a file."""
MOST_BLENDED = 3
"""Largest number of styles in a random blend."""


@dataclass(frozen=True)
class StyleDraws:
    """Rules by which a style, a strength and a stroke are drawn for an image.

    Each draw depends on the seed, the key of the image and the epoch alone, so neither the order of the images nor the
    number of processes changes it.

    Raises:
        FastnstError: There is no style, or a number is out of range.
    """

    styles: tuple[str | None, ...]
    """Names or blends, one of which is drawn; None is the first style of a file."""
    blends: bool = False
    """True if up to `MOST_BLENDED` of the styles are drawn and mixed."""
    strength: Range = (0.3, 1.0)
    """Strength of the style: 0..1."""
    stroke: Range | None = None
    """Size of the strokes: 0..1; None for the default of the net."""
    share: float = 0.5
    """Probability that an image is painted, 0..1."""
    seed: int = 0
    """Seed of all draws."""

    def __post_init__(self) -> None:
        if not self.styles:
            raise FastnstError("No style was given.", "Give the names of styles, or random.")
        check_range(self.strength, "strength")
        if self.stroke is not None:
            check_range(self.stroke, "stroke")
        check_range(self.share, "share of the images that are painted")

    def draw(self, key: bytes, epoch: int = 0) -> tuple[int, StyleMix] | None:
        """Draw the style of an image.

        Args:
            key: Identity of the image, such as `content_key` gives.
            epoch: Number of the pass over the data, or of the copy.

        Returns:
            Number of the first style that was drawn, and the mix; None if the image stays as it is.
        """
        digest = _hash(f"{self.seed} {epoch} ".encode(), key)
        # Python keeps what `random()` gives for a seed the same from version to version.
        chance = random.Random(int.from_bytes(digest)).random
        painted = chance() < self.share
        strength = round(_between(self.strength, chance()), 3)
        stroke = None if self.stroke is None else round(_between(self.stroke, chance()), 2)
        count = 1
        if self.blends:
            count += int(chance() * min(MOST_BLENDED, len(self.styles)))
        left = list(range(len(self.styles)))
        numbers = [left.pop(int(chance() * len(left))) for _ in range(count)]
        style = self.styles[numbers[0]]
        if count > 1:
            # The parts of a line that is cut at random places: each share is as likely as any other.
            cuts = [0.0, *sorted(chance() for _ in range(count - 1)), 1.0]
            shares = (max(0.01, round(cuts[k + 1] - cuts[k], 2)) for k in range(count))
            blend = zip(numbers, shares, strict=True)
            style = ",".join(f"{self.styles[number]}:{share:g}" for number, share in blend)
        return (numbers[0], StyleMix(style, strength, stroke=stroke)) if painted else None


def content_key(shape: Sequence[int], pixels: bytes | memoryview) -> bytes:
    """Return the key of an image by its content: a hash of its shape and its pixels."""
    return _hash(" ".join(map(str, shape)).encode(), b"\0", pixels)


def _hash(*parts: bytes | memoryview) -> bytes:
    """Return 128 bits of BLAKE2b."""
    from hashlib import blake2b  # Brings OpenSSL, and this module is part of every start.

    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


def check_range(value: Range, name: str) -> None:
    """Check that a number, or both ends of a range, are in 0..1.

    Args:
        value: Number or range.
        name: Name of the value, for the error.

    Raises:
        FastnstError: They are not, or the ends are in the wrong order.
    """
    low, high = _ends(value)
    if not 0 <= low <= high <= 1:
        given = f"{low:g}" if low == high else f"{low:g}:{high:g}"
        raise FastnstError(
            f"The {name} is {given}.", "It is a number from 0 to 1, or a range such as 0.3:1."
        )


def parse_range(text: str, name: str) -> Range:
    """Return the number or the range that a text such as `0.7` or `0.3:1` stands for.

    Raises:
        FastnstError: The text holds something else, or numbers that are not in 0..1.
    """
    try:
        numbers = [float(part) for part in text.split(":")]
        value = numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])
        if len(numbers) > 2:
            raise ValueError
    except ValueError:
        raise FastnstError(
            f"The {name} is {text!r}.", "It is a number from 0 to 1, or a range such as 0.3:1."
        ) from None
    check_range(value, name)
    return value


def _ends(value: Range) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def _between(value: Range, share: float) -> float:
    low, high = _ends(value)
    return low + (high - low) * share
