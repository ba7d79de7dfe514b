"""Views: figures of how much of a painting's hand is in a picture, seen from afar and from near."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from fastnst.errors import Diverged, FastnstError, Interrupted
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import read_image
from fastnst.optimization.optimize import optimize
from fastnst.perceptual import PerceptualLoss, load_loss_network
from fastnst.perceptual.image_tensor import image_to_tensor
from fastnst.system.atomic import atomic_write
from fastnst.system.cache import cache_folder
from fastnst.system.progress import Progress
from fastnst.system.torch_device import pick_device

CACHE_VERSION = 1
"""Number that is raised when the pictures of `fastnst optimize` change, so that earlier ones are not used."""
SIDES = (512, 256, 128)
"""Longer sides of the views in pixels; the optimized picture has the first."""
LAYERS = {"relu1_2": 1, "relu2_2": 1, "relu3_3": 1, "relu4_3": 1}
"""Layers of the style term, as in Johnson et al. 2016."""
MIN_SHORT_SIDE = 16
"""Least shorter side of a painting's view in pixels: 2 at relu4_3."""
MIN_TERM = 1e-6
"""Least value of a term, as terms are divided by one another."""


class ViewTerms(NamedTuple):
    """Terms of a picture over all views."""

    style: float
    """Geometric mean of the style terms: 1 for the untouched photo, 0 for the painting's own statistics."""
    content: float
    """Mean of the content terms of relu3_3: 0 for the photo itself, 1 for an unrelated one."""


def nearest_view(photo: Image.Image) -> Image.Image:
    """Scale a photo to the nearest, which is the largest, of the views; smaller photos are enlarged (Lanczos)."""
    return resize_long_edge(photo, SIDES[0])


class Views:
    """Views of a painting, from afar and from near, by which pictures are measured.

    Style terms compare Gram matrices as they are, in float32, whatever the objective of a net's training, and are
    divided by those of the photo in the same view.

    Args:
        painting: File of the painting.

    Raises:
        UnreadableImage: The file is no picture.
    """

    def __init__(self, painting: Path) -> None:
        self._file = painting
        self._painting = read_image(painting).convert("RGB")
        device = pick_device("auto")
        network = load_loss_network()
        slim = MIN_SHORT_SIDE * max(self._painting.size) / min(self._painting.size)
        self._losses: dict[int, PerceptualLoss] = {}
        for side in SIDES:
            loss = PerceptualLoss(
                network, content_layers={"relu3_3": 1}, style_layers=LAYERS,
                content_weight=1, style_weight=1, gram_norm="none",
            ).to(memory_format=torch.channels_last)  # fmt: skip
            loss.to(device)
            loss.set_styles(
                [image_to_tensor(resize_long_edge(self._painting, max(side, round(slim))), device)]
            )
            self._losses[side] = loss
        self._device = device

    @torch.no_grad()
    def terms(self, photo: Image.Image, *pictures: Image.Image) -> list[ViewTerms]:
        """Compute the terms of pictures of a photo.

        Args:
            photo: RGB, as `nearest_view` returns it.
            pictures: RGB, of any size; each is scaled to the photo's views (Lanczos).
        """
        styles: list[list[float]] = [[] for _ in pictures]
        contents: list[list[float]] = [[] for _ in pictures]
        for side, loss in self._losses.items():
            view = resize_long_edge(photo, side)
            pixels = image_to_tensor(view, self._device)
            loss.calibrate(pixels)
            targets = loss.content_targets(pixels)
            for picture, style, content in zip(pictures, styles, contents, strict=True):
                scaled = picture.resize(view.size, Image.Resampling.LANCZOS)
                found = loss(image_to_tensor(scaled, self._device), targets)
                style.append(max(found.style.item(), MIN_TERM))
                content.append(found.content.item())
        return [
            ViewTerms(statistics.geometric_mean(style), statistics.fmean(content))
            for style, content in zip(styles, contents, strict=True)
        ]

    def relative_terms(
        self,
        stylized: Pixels,
        photo: Image.Image,
        on_share: Progress | None = None,
    ) -> ViewTerms:
        """Compute the terms of a stylized photo over those of the optimized one: 1 is as good as optimization.

        Args:
            stylized: RGB uint8 (H, W, 3), of any size.
            photo: RGB, as `nearest_view` returns it.
            on_share: See `optimized`.
        """
        reference = self.optimized(photo, on_share)
        net, best = self.terms(photo, Image.fromarray(stylized), reference)
        return ViewTerms(net.style / best.style, net.content / max(best.content, MIN_TERM))

    def optimized(self, photo: Image.Image, on_share: Progress | None = None) -> Image.Image:
        """Return the picture that `fastnst optimize` paints of a photo by default, cached on disk.

        Args:
            photo: RGB, as `nearest_view` returns it.
            on_share: Called after each iteration; not at all where the picture is cached.

        Raises:
            Interrupted: Ctrl-C; pictures that were cached before stay.
            Diverged: A term became infinite.
        """
        digest = hashlib.sha256(repr((CACHE_VERSION, SIDES[0])).encode())
        for image in (photo, self._painting):
            digest.update(repr(image.size).encode())
            digest.update(image.tobytes())
        file = cache_folder("optimized") / f"{digest.hexdigest()[:32]}.png"
        try:
            cached = read_image(file).convert("RGB")
            if cached.size == photo.size:
                return cached
        except FastnstError:  # There is none, or it is damaged.
            pass
        with tempfile.TemporaryDirectory() as folder, atomic_write(file) as temporary:
            source = Path(folder, "photo.png")
            photo.save(source)
            try:
                return optimize(
                    source, self._file, output=temporary, size=SIDES[0], progress=False, on_share=on_share
                ).image  # fmt: skip
            except Interrupted as error:
                raise Interrupted(
                    "Stopped while a photo was optimized.",
                    f"The pictures that were finished are kept in {file.parent}.",
                ) from error
            except Diverged as error:
                raise Diverged(error.message, "Leave this photo out of --data.") from error
