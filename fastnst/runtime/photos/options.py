"""Options of a stylized image besides its style: size, colours, and masks."""

from __future__ import annotations

import math
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
from fastnst.runtime.engine.levels import resized
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.photos.compose import blend_by_mask, fill_transparent, in_row_bands
from fastnst.runtime.photos.guided_upsampling import guided_upsample
from fastnst.styles.mix import StyleMix


@dataclass(frozen=True)
class PhotoOptions:
    """Options of a stylized image besides its style.

    Raises:
        FastnstError: A size is out of range, or a mask can't be read.
    """

    size: int | None = None
    """Longer side of the result in pixels; None keeps the photo's size."""
    max_size: int | None = None
    """Largest allowed longer side in pixels; larger photos are made smaller."""
    _: KW_ONLY
    paint_size: int | None = None
    """Longer side in pixels that the net paints at. The result is then enlarged with the detail of the photo, so that
    strokes have a size relative to the image."""
    keep_color: KeepColor | None = None
    """Colours of the photo to keep: `luminance` keeps all and paints light and dark alone; `palette` moves the
    result's palette to the photo's."""
    masks: Sequence[str] = ()
    """Grey images, white where to paint: `FILE`, or `FILE=STYLE` for another style there."""
    alpha_mask: bool = False
    """Fade the style out where the photo is transparent."""
    regions: tuple[tuple[Image.Image, str | None], ...] = field(init=False, default=(), repr=False)
    """Masks, as images of mode L, with the style of each; None for the stylizer's own."""

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
        self,
        stylizer: Stylizer,
        image: Image.Image,
        *,
        style: StyleMix | None = None,
        on_share: OnShare | None = None,
    ) -> Image.Image:
        """Paint an image.

        Args:
            stylizer: Stylizer that paints it.
            image: RGB or RGBA.
            style: Style of the stylizer's file where no mask names another; None for the stylizer's own.
            on_share: Called with the share of the work that is done, 0..1, after each tile, where there are tiles.

        Returns:
            The stylized image, of the same mode.

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
        del image  # Large images have no more copies than are needed.
        if alpha is not None and alpha.getextrema()[0] == 0:
            photo = fill_transparent(photo, np.asarray(alpha) > 0)
        painted = self._paint_regions(stylizer, photo, style, on_share)
        if painted.shape != photo.shape:  # By a net of one fixed size.
            height, width = painted.shape[:2]
            larger = Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS)
            photo = np.asarray(larger)
            alpha = alpha.resize((width, height)) if alpha else None
        if self.keep_color == "palette":
            painted = match_colors(painted, photo)
        elif self.keep_color == "luminance":
            painted = in_row_bands(lambda a, b: with_luminance(a, luminance(b)), photo, painted)
        if self.alpha_mask and alpha is not None:
            painted = in_row_bands(blend_by_mask, photo, painted, np.asarray(alpha))
        del photo
        result = Image.fromarray(painted)
        if alpha is not None:
            result.putalpha(alpha)
        return result

    def paint_frame(self, stylizer: Stylizer, pixels: Pixels) -> Pixels:
        """Paint a frame of a video, uint8 RGB (H, W, 3), as `paint` does, without copies where none are needed."""
        kept = self.size is None and (self.max_size or math.inf) >= max(pixels.shape[:2])
        if kept and self.keep_color is None:
            return self._paint_regions(stylizer, pixels, None, None)
        return to_rgb_array(self.paint(stylizer, Image.fromarray(pixels)))

    def _paint_regions(
        self, stylizer: Stylizer, photo: Pixels, style: StyleMix | None, on_share: OnShare | None
    ) -> Pixels:
        """Paint by one style, or by each within its mask; where no mask is, the photo stays."""
        if not self.regions:
            return self._paint_style(stylizer, photo, style, on_share)
        height, width = photo.shape[:2]
        masks: dict[str | StyleMix | None, Pixels] = {}
        for image, named in self.regions:
            mask = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
            own = named or style
            masks[own] = np.maximum(mask, masks[own]) if own in masks else mask
        # Where masks overlap they share; where they leave something, it stays the photo's.
        total = np.maximum(255, sum(mask.astype(np.uint16) for mask in masks.values()))
        changes = np.zeros(photo.shape, np.float32)
        for number, (own, mask) in enumerate(masks.items()):
            part = part_of(on_share, number / len(masks), 1 / len(masks))
            painted = self._paint_style(stylizer, photo, own, part)
            changes += (mask / total)[..., None] * (painted.astype(np.float32) - photo)
        result: Pixels = np.rint(photo + changes).astype(np.uint8)
        return result

    def _paint_style(
        self,
        stylizer: Stylizer,
        photo: Pixels,
        style: str | StyleMix | None,
        on_share: OnShare | None,
    ) -> Pixels:
        """Paint at the paint size, or at the photo's."""
        if self.paint_size is None or max(photo.shape[:2]) <= self.paint_size:
            return stylizer(photo, style, on_share=on_share)
        height, width = photo.shape[:2]
        scale = self.paint_size / max(height, width)
        small = resized(photo, (max(1, round(height * scale)), max(1, round(width * scale))))
        return guided_upsample(stylizer(small, style, on_share=on_share), small, photo)
