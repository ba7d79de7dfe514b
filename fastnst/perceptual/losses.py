"""The objective of Gatys et al. 2016 and Johnson et al. 2016, in units that suit every painting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from fastnst.errors import FastnstError, did_you_mean
from fastnst.perceptual.loss_network import LossNetwork
from fastnst.perceptual.targets import GramNorm, Targets, layer_key
from fastnst.perceptual.terms import (
    content_loss,
    focus,
    gram,
    region_masks,
    style_loss,
    tv_loss,
    within_region,
)

FOCUS_LAYER = "relu4_3"
"""The layer that says which places of a photo matter."""
LEAST_STYLE = 1e-4
"""Offset of a layer's style term before its power is taken; lower than hardly any stylized image reaches."""


class LossTerms(NamedTuple):
    """The objective and its parts, each weighted and averaged over the batch: total = content + style + tv."""

    content: Tensor
    style: Tensor
    tv: Tensor

    @property
    def total(self) -> Tensor:
        """The objective J."""
        return self.content + self.style + self.tv


class ContentTargets(NamedTuple):
    """What stylized images are to keep of their photos."""

    features: Mapping[str, Tensor]
    """Features of the photos, by content layer, without a gradient."""
    weights: Tensor | None
    """How much each place counts, see `terms.focus`; None where all count alike."""


class PerceptualLoss(Targets):
    """The objective J = w_c L_content + w_s L_style + w_tv L_tv, in units that suit every painting.

    Raw terms differ tenfold between paintings, and even between scans of one painting, so no weights would
    suit them all. Each term is therefore divided by its value for photographs (`calibrate`):

    - style: 1 is the photo itself, 0 has the painting's Gram matrices.
    - content: 1 is another photo, 0 is the photo itself. Each layer's raw term is divided by twice the
      variance of its features, which is the mean squared difference of two unrelated ones.

    `gram_norm` says how the style terms of layers compare:

    - `unit`: each layer's term is divided by its own value for the photos, so that shares are equal.
    - `chw`: as in Gatys et al. 2015 and 2016 (equations 4 and 5) and in Johnson et al. 2016 (equation 4).
    - `hw`: Gram matrices are divided by H W alone, which raises a layer's term by C^2, as in Magenta and in
      the code that Gatys et al. released.
    - `none`: Gram matrices are not divided, which raises a layer's term by (C H W)^2.

    A region of the image can have a style of its own: its Gram matrix is the mean over the region's
    positions, as in Gatys et al. 2017 ("Controlling Perceptual Factors in Neural Style Transfer",
    equations 4 to 6), and counts by the region's share of the image.
    """

    def __init__(
        self,
        network: LossNetwork,
        *,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        content_weight: float,
        style_weight: float,
        tv_weight: float = 0.0,
        gram_norm: GramNorm = "unit",
        style_power: float = 1.0,
        content_focus: float = 0.0,
    ) -> None:
        """Set layers and weights.

        Args:
            network: The loss network.
            content_layers: Content layers and their shares, which are scaled to sum to 1.
            style_layers: Style layers and their shares, likewise.
            content_weight: w_c, 0 or more.
            style_weight: w_s, 0 or more.
            tv_weight: w_tv, 0 or more.
            gram_norm: How the style terms of layers compare, see above.
            style_power: Power of each layer's style term, above 0. With 1/2 a small term has as large a
                gradient as a large one, so that all layers come down in proportion.
            content_focus: Share of the content term, 0..1, that is given to places by how much FOCUS_LAYER
                answers to them: faces keep more of the photo, and skies less.

        Raises:
            FastnstError: The network has no such layer, a weight is negative, the power is not above 0, the
                focus is out of range, or the shares of the layers sum to 0.
        """
        for name, value in {
            "content": content_weight, "style": style_weight, "tv": tv_weight,
        }.items():  # fmt: skip
            if not 0 <= value < float("inf"):
                raise FastnstError(f"The {name} weight is {value:g}.", "It must be 0 or more.")
        if gram_norm not in get_args(GramNorm):
            raise FastnstError(
                f"There is no Gram norm {gram_norm!r}.", did_you_mean(gram_norm, get_args(GramNorm))
            )
        if not 0 < style_power < float("inf"):
            raise FastnstError(f"The power of the style term is {style_power:g}.", "It is above 0.")
        if not 0 <= content_focus <= 1:
            raise FastnstError(f"The content focus is {content_focus:g}.", "It is 0 to 1.")
        super().__init__(
            network,
            _shares(network, "content", content_layers),
            _shares(network, "style", style_layers),
            gram_norm,
        )
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight
        self.style_power = style_power
        self.content_focus = content_focus
        self.focus_layer = network.resolve(FOCUS_LAYER) if content_focus else None

    @torch.no_grad()
    def content_targets(self, photos: Tensor) -> ContentTargets:
        """What stylized images are to keep of photos (N, 3, H, W), RGB, 0..255."""
        layer = self.focus_layer
        features = self.network(photos, {*self.content_layers, *([layer] if layer else [])})
        weights = focus(features[layer], self.content_focus) if layer else None
        return ContentTargets({name: features[name] for name in self.content_layers}, weights)

    def forward(
        self,
        images: Tensor,
        targets: ContentTargets,
        styles: Tensor | None = None,
        regions: Tensor | None = None,
        strengths: Tensor | None = None,
    ) -> LossTerms:
        """The terms of stylized images.

        Args:
            images: RGB (N, 3, H, W), float, 0..255.
            targets: `content_targets` of their photos.
            styles: Number of each image's style, int64 (N,). None means the first style for all.
            regions: (R, H, W), 0..1, the place of each of the first R styles; replaces `styles`.
            strengths: Factor of each image's style term, (N,). None means 1.

        Returns:
            The weighted terms, scalars in float32.
        """
        return self.of_features(images, self.features(images), targets, styles, regions, strengths)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The features of images (N, 3, H, W) that all terms look at, by layer."""
        features: dict[str, Tensor] = self.network(
            images, {*self.content_layers, *self.style_layers}
        )
        return features

    def of_features(
        self,
        images: Tensor,
        features: Mapping[str, Tensor],
        targets: ContentTargets,
        styles: Tensor | None = None,
        regions: Tensor | None = None,
        strengths: Tensor | None = None,
    ) -> LossTerms:
        """The terms, as `forward` gives them, of images whose `features` are known."""
        if styles is None:
            styles = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        content = torch.zeros(len(images), device=images.device)
        for name, share in self.content_layers.items():
            unit = getattr(self, layer_key("content_unit", name))
            loss = content_loss(features[name], targets.features[name], targets.weights)
            content = content + share * loss / unit
        style = torch.zeros_like(content)
        for name, share in self.style_layers.items():
            grams = getattr(self, layer_key("gram", name))
            units = getattr(self, layer_key("style_unit", name))
            if regions is None:
                loss = style_loss(gram(features[name]), grams[styles]) / units[styles]
                style = style + share * self._powered(loss)
                continue
            for row, mask in enumerate(region_masks(features[name], regions)):
                loss = style_loss(gram(within_region(features[name], mask)), grams[row : row + 1])
                style = style + share * mask.mean() * self._powered(loss / units[row])
        if strengths is not None:
            style = style * strengths
        tv = tv_loss(images) if self.tv_weight else torch.zeros_like(content)
        return LossTerms(
            content=self.content_weight * content.mean(),
            style=self.style_weight * style.mean(),
            tv=self.tv_weight * tv.mean(),
        )

    def _powered(self, loss: Tensor) -> Tensor:
        """A layer's style term raised to `style_power`; 0 stays 0, and 1 about 1."""
        if self.style_power == 1:
            return loss
        # The slope of the root is infinite at 0.
        powered: Tensor = (loss + LEAST_STYLE) ** self.style_power - LEAST_STYLE**self.style_power
        return powered

    def extra_repr(self) -> str:
        """The objective with its weights, as `repr` shows it."""
        power = "" if self.style_power == 1 else f"^{self.style_power:g}"
        return (
            f"{self.content_weight:g} content{self.content_layers} + "
            f"{self.style_weight:g} style{self.style_layers}{power} + {self.tv_weight:g} tv"
        )


def _shares(network: LossNetwork, term: str, layers: Mapping[str, float]) -> dict[str, float]:
    """Shares by the network's own names of layers, scaled to sum to 1."""
    for name, share in layers.items():
        if not 0 <= share < float("inf"):
            raise FastnstError(
                f"The weight of the {term} layer {name} is {share:g}.", "It must be 0 or more."
            )
    total = sum(layers.values())
    if total == 0:
        raise FastnstError(
            f"The weights of the {term} layers sum to 0: {dict(layers)}.",
            f"Give at least one layer; to leave the term out, set the {term} weight to 0.",
        )
    return {network.resolve(name): share / total for name, share in layers.items()}
