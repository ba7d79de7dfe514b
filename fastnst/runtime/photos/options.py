"""Options of a painting besides its style: size, colours, and which parts are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.colors import KeepColor, luminance, match_colors, with_luminance
from fastnst.images.pixels import Pixels, resize_long_edge, to_rgb_array
from fastnst.images.read import read_image
from fastnst.runtime.engine.level_painter import OnShare, part_of
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.photos.compose import banded, filled, mixed
from fastnst.runtime.photos.guided_upsampling import guided_upsample


@dataclass(frozen=True)
class PhotoOptions:
    """Options of a painting besides its style.

    Raises:
        FastnstError: A size is out of range, or a mask can't be read.
    """

    size: int | None = None
    """Longer side of the result in pixels; None keeps the photo's size."""
    max_size: int | None = None
    """Largest allowed longer side in pixels; larger photos are made smaller."""
    _: KW_ONLY
    paint_size: int | None = None
    """Longer side in pixels that the net paints at. The painting is then enlarged with the detail of the photo, so
    that strokes have a size relative to the picture."""
    keep_color: KeepColor | None = None
    """`luminance` keeps the photo's colours and takes the light and dark of the painting; `match` moves the
    painting's palette to the photo's."""
    masks: Sequence[str] = ()
    """Grey pictures, white where to paint: `FILE`, or `FILE=STYLE` for another style there."""
    alpha_mask: bool = False
    """Fade the painting out where the photo is transparent."""
    regions: tuple[tuple[Image.Image, str | None], ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        for name in ("size", "max_size", "paint_size"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise FastnstError(
                    f"The {name.replace('_', ' ')} is {value}.",
                    "It is the longer side in pixels: 1 or more.",
                )
        regions = []
        for words in self.masks:
            file, _, style = words.rpartition("=")
            if not file or Path(words).exists():
                file, style = words, ""
            regions.append((read_image(file).convert("L"), style or None))
        object.__setattr__(self, "regions", tuple(regions))

    def paint(
        self, stylizer: Stylizer, image: Image.Image, *, on_share: OnShare | None = None
    ) -> Image.Image:
        """Paint a picture.

        Args:
            stylizer: Paints.
            image: RGB or RGBA.
            on_share: Called with the share of the work that is done, 0..1, after each tile, where there are tiles.

        Returns:
            The painting, of the same mode.

        Raises:
            FastnstError: There is not enough memory.
            UnknownStyle: The file has no style of a mask's name.
        """
        if self.size is not None:
            image = resize_long_edge(image, self.size)
        if self.max_size is not None and max(image.size) > self.max_size:
            image = resize_long_edge(image, self.max_size)
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        photo = to_rgb_array(image)
        del image  # Of a large picture there are never more copies than are needed.
        if alpha is not None and alpha.getextrema()[0] == 0:
            photo = filled(photo, np.asarray(alpha) > 0)
        painted = self._painted(stylizer, photo, on_share)
        if painted.shape != photo.shape:  # By a net of one fixed size.
            height, width = painted.shape[:2]
            fitting = Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS)
            photo = np.asarray(fitting)
            alpha = alpha.resize((width, height)) if alpha else None
        if self.keep_color == "palette":
            painted = match_colors(painted, photo)
        elif self.keep_color == "luminance":
            painted = banded(lambda a, b: with_luminance(a, luminance(b)), photo, painted)
        if self.alpha_mask and alpha is not None:
            painted = banded(mixed, photo, painted, np.asarray(alpha))
        del photo
        result = Image.fromarray(painted)
        if alpha is not None:
            result.putalpha(alpha)
        return result

    def _painted(self, stylizer: Stylizer, photo: Pixels, on_share: OnShare | None) -> Pixels:
        """Paint by one style, or by each within its mask; where no mask is, the photo stays."""
        if not self.regions:
            return self._in_style(stylizer, photo, None, on_share)
        height, width = photo.shape[:2]
        styles: dict[str | None, Pixels] = {}
        for mask, style in self.regions:
            there = np.asarray(mask.resize((width, height), Image.Resampling.BICUBIC))
            styles[style] = np.maximum(there, styles[style]) if style in styles else there
        # Where masks overlap they share; where they leave something, it stays the photo's.
        whole = np.maximum(255, sum(there.astype(np.uint16) for there in styles.values()))
        changes = np.zeros(photo.shape, np.float32)
        for number, (style, there) in enumerate(styles.items()):
            part = part_of(on_share, number / len(styles), 1 / len(styles))
            painted = self._in_style(stylizer, photo, style, part)
            changes += (there / whole)[..., None] * (painted.astype(np.float32) - photo)
        result: Pixels = np.rint(photo + changes).astype(np.uint8)
        return result

    def _in_style(
        self, stylizer: Stylizer, photo: Pixels, style: str | None, on_share: OnShare | None
    ) -> Pixels:
        """Paint at the paint size, or at the photo's."""
        if self.paint_size is None or max(photo.shape[:2]) <= self.paint_size:
            return stylizer(photo, style, on_share=on_share)
        small = np.asarray(resize_long_edge(Image.fromarray(photo), self.paint_size))
        return guided_upsample(stylizer(small, style, on_share=on_share), small, photo)
