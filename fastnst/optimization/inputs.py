"""Inputs of `optimize`: photo, paintings, regions and colours, at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.colors import (
    KeepColor,
    luminance,
    match_colors,
    match_luminance,
    with_luminance,
)
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.perceptual.image_tensor import image_to_tensor

SMALLEST = 32
"""Least pixels on the shorter side of photos and paintings: 2 at relu5_1."""


class InputsAtSize(NamedTuple):
    """Inputs at one size, as tensors."""

    content: Tensor
    """Photo, (1, 3, H, W), 0..255; (1, 1, H, W) where only the luminance is painted."""
    paintings: list[Tensor]
    """Paintings, (1, 3, h, w) each, 0..255."""
    regions: Tensor | None
    """Masks, (styles, H, W), 0..1, or None where one style covers all."""


@dataclass(frozen=True)
class Inputs:
    """Photo and paintings, with the regions of the photo that the paintings belong to."""

    content: Image.Image
    """Photo, RGB, or RGBA, whose transparency the result keeps."""
    paintings: Sequence[Image.Image]
    """Paintings, RGB."""
    blends: Tensor
    """Share of each painting in each style, (styles, paintings); rows sum to 1."""
    regions: Sequence[Image.Image] = ()
    """Mask of each style, mode L, of the photo's size; empty where the first style covers all."""
    style_size: int | None = None
    """Longer side of the paintings in pixels where the picture has its full size; None for that of the picture."""
    keep_color: KeepColor | None = None
    """Colours to keep: `luminance` paints the luminance alone, `palette` gives the paintings the photo's colours."""

    def at(self, size: int, full: int) -> InputsAtSize:
        """Return the inputs for a longer side of `size` pixels, where the full picture has `full`."""
        content = resize_long_edge(self.content.convert("RGB"), size)
        pixels = np.asarray(content)
        paintings = [np.asarray(self._painting(image, size, full)) for image in self.paintings]
        if self.keep_color == "palette":
            paintings = [match_colors(painting, pixels) for painting in paintings]
        regions = None
        if self.regions:
            masks = [
                np.asarray(mask.resize(content.size, Image.Resampling.BOX)) for mask in self.regions
            ]
            shares = torch.from_numpy(np.stack(masks)).float() / 255
            regions = shares / shares.sum(dim=0).clamp_min(1)
        if self.keep_color == "luminance":
            y = luminance(pixels)
            greys = [match_luminance(luminance(painting), y) for painting in paintings]
            return InputsAtSize(
                torch.from_numpy(y)[None, None],
                [torch.from_numpy(grey).expand(1, 3, -1, -1) for grey in greys],
                regions,
            )
        return InputsAtSize(
            image_to_tensor(pixels), [image_to_tensor(painting) for painting in paintings], regions
        )

    def _painting(self, image: Image.Image, size: int, full: int) -> Image.Image:
        # Paintings are not enlarged unasked: their strokes would be blurred.
        target = (self.style_size or min(full, max(image.size))) * size / full
        # The shorter side decides for a scroll.
        return resize_long_edge(
            image, round(max(target, SMALLEST * max(image.size) / min(image.size)))
        )

    def start(self, init: str, sized: InputsAtSize, seed: int) -> Tensor:
        """Return the pixels to start from, of the content's shape.

        Args:
            init: `content`; `style`, the first painting cut to the photo's shape; `noise`, grey with a
                deviation of 1 level, as in neural-style; or a file, cut to the photo's shape.
            sized: Inputs at the first size.
            seed: Seed of the noise.
        """
        if init == "content":
            return sized.content.clone()
        if init == "noise":
            noise = torch.randn(sized.content.shape, generator=torch.Generator().manual_seed(seed))
            return 127.5 + noise
        height, width = sized.content.shape[-2:]
        image = self.paintings[0] if init == "style" else read_image(init).convert("RGB")
        pixels = np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))
        if self.keep_color == "luminance":
            return torch.from_numpy(luminance(pixels))[None, None]
        return image_to_tensor(pixels)

    def finish(self, pixels: Tensor, size: int) -> Image.Image:
        """Return the picture as people get it: 8 bit, with the photo's transparency, and its colours if kept.

        Args:
            pixels: Painted pixels, (1, C, H, W), 0..255, of this or a smaller size.
            size: Longer side of the picture in pixels.
        """
        content = resize_long_edge(self.content, size)
        values = pixels[0].permute(1, 2, 0).cpu().clamp(0, 255)
        image: Image.Image
        if self.keep_color == "luminance":
            grey = Image.fromarray(values[..., 0].numpy(), mode="F")
            y = np.asarray(grey.resize(content.size, Image.Resampling.BICUBIC)).clip(0, 255)
            image = Image.fromarray(with_luminance(np.asarray(content.convert("RGB")), y))
        else:
            image = Image.fromarray(values.round().byte().numpy())
            if image.size != content.size:
                image = image.resize(content.size, Image.Resampling.BICUBIC)
        if content.mode == "RGBA":
            image.putalpha(content.getchannel("A"))
        return image


def read_inputs(
    content: str | Path,
    style: Sequence[str],
    mask: Sequence[str],
    *,
    style_size: int | None,
    keep_color: KeepColor | None,
) -> Inputs:
    """Read the files that the command line names.

    Args:
        content: File of the photo.
        style: Paintings, `FILE` or `FILE:WEIGHT`. Those without a mask are blended by their weights, and painted where
            no mask is.
        mask: Masks, `MASK=PAINTING`: white where the painting belongs, grey for partly. The painting may be one of
            `style`, or another.
        style_size: See `Inputs`.
        keep_color: See `Inputs`.

    Raises:
        UnreadableImage: One of the files is no image.
        FastnstError: A picture is too small, a weight is no share, a mask has another size than the photo.
    """
    photo = _read(content, "photo")
    weights = dict(_weighted(word) for word in style)
    masked: dict[Path, list[Image.Image]] = {}
    for pair in mask:
        file, _, painting = pair.rpartition("=")
        if not file or not painting:
            raise FastnstError(
                f"The mask {pair!r} does not say which painting it is for.",
                "Write it as --mask MASK.png=PAINTING.jpg.",
            )
        region = read_image(file).convert("L")
        if region.size != photo.size:
            raise FastnstError(
                f"The mask {file} is {region.width}x{region.height} px, but the photo {content} is"
                f" {photo.width}x{photo.height} px.",
                "Give a mask of the photo's size.",
            )
        if region.getextrema() == (0, 0):
            raise FastnstError(
                f"The mask {file} is black all over.", "Make it white where the painting belongs."
            )
        masked.setdefault(_as_given(Path(painting), weights), []).append(region)
    free = {path: weight for path, weight in weights.items() if path not in masked}
    if free and sum(free.values()) == 0:
        raise FastnstError("The weights of the paintings sum to 0.", "Give one a weight above 0.")
    files = [*free, *masked]
    if not files:
        raise FastnstError(
            "No painting was given.", "Say: fastnst optimize PHOTO PAINTING -o OUTPUT"
        )
    rows = (
        [[weight / sum(free.values()) for weight in free.values()] + [0.0] * len(masked)]
        if free
        else []
    )
    rows += [[float(file == path) for file in files] for path in masked]
    regions = [np.stack([np.asarray(m) for m in masks]).max(axis=0) for masks in masked.values()]
    if regions and free:
        regions.insert(
            0, 255 - np.stack(regions).astype(np.int32).sum(axis=0).clip(0, 255).astype(np.uint8)
        )
    return Inputs(
        photo,
        [_read(file, "painting").convert("RGB") for file in files],
        torch.tensor(rows),
        [Image.fromarray(region) for region in regions],
        style_size,
        keep_color,
    )


def _weighted(word: str) -> tuple[Path, float]:
    """Return a painting and its weight; a colon without a number after it is part of the name."""
    file, _, number = str(word).rpartition(":")
    if not file or Path(word).exists():
        return Path(word), 1.0
    try:
        weight = float(number)
    except ValueError:
        return Path(word), 1.0
    if not 0 <= weight < float("inf"):
        raise FastnstError(f"The weight of {file} is {number}.", "It must be 0 or more.")
    return Path(file), weight


def _as_given(path: Path, others: dict[Path, float]) -> Path:
    """Return the path of the same file among others, if it is there, however it is written."""
    return next((other for other in others if other.resolve() == path.resolve()), path)


def _read(path: str | Path, kind: str) -> Image.Image:
    image = read_image(path)
    if min(image.size) < SMALLEST:
        raise FastnstError(
            f"The {kind} {path} is {image.width}x{image.height} px.",
            f"It must have {SMALLEST} px or more on its shorter side.",
        )
    return image
