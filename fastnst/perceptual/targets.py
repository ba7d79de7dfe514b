"""What the terms of an objective are measured against: Gram matrices of paintings, and the terms' values for photos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from fastnst.errors import FastnstError
from fastnst.perceptual.loss_network import LossNetwork
from fastnst.perceptual.terms import gram, region_masks, style_loss, within_region

GramNorm: TypeAlias = Literal["unit", "chw", "hw", "none"]
"""Ways in which the style terms of layers compare, see `PerceptualLoss`."""


class Targets(nn.Module):
    """Gram matrices of the styles, and the units that the terms are divided by; see `PerceptualLoss`."""

    def __init__(
        self,
        network: LossNetwork,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        gram_norm: GramNorm,
    ) -> None:
        """Set the layers; all units are 1, and there is one style without Gram matrices.

        Args:
            network: The loss network.
            content_layers: Shares of content layers, by the network's own names.
            style_layers: Shares of style layers, likewise.
            gram_norm: How the style terms of layers compare.
        """
        super().__init__()
        self.network = network
        self.content_layers, self.style_layers = content_layers, style_layers
        self.gram_norm = gram_norm
        self._photo_grams: dict[str, Tensor] = {}
        for name in content_layers:
            self.register_buffer(layer_key("content_unit", name), torch.ones(()), persistent=False)
        for name in style_layers:
            self.register_buffer(layer_key("gram", name), torch.zeros(1, 1, 1), persistent=False)
            self.register_buffer(layer_key("style_unit", name), torch.ones(1), persistent=False)

    @torch.no_grad()
    def set_styles(self, paintings: list[Tensor], blends: Tensor | None = None) -> None:
        """Compute the paintings' Gram matrices.

        Args:
            paintings: RGB (1, 3, H, W), float, 0..255; their sizes may differ.
            blends: (styles, paintings), the share of each painting in each style; rows sum to 1. The squared
                distance to a mean of Gram matrices differs by a constant alone from the mean of the squared
                distances. None makes each painting a style.
        """
        rows = [self.network(painting, self.style_layers) for painting in paintings]
        for name in self.style_layers:
            grams = torch.cat([gram(row[name]) for row in rows])
            if blends is not None:
                grams = torch.einsum("sp,pcd->scd", blends.to(grams), grams)
            setattr(self, layer_key("gram", name), grams)

    @torch.no_grad()
    def grams(self, painting: Tensor) -> dict[str, Tensor]:
        """The Gram matrices (C, C) of a painting, RGB (1, 3, H, W), float, 0..255, by style layer."""
        features = self.network(painting, self.style_layers)
        return {name: gram(features[name])[0] for name in self.style_layers}

    @torch.no_grad()
    def reserve(self, count: int) -> int:
        """Add places for styles that change from step to step, see `place`; return the number of the first."""
        for name in self.style_layers:
            for kind in ("gram", "style_unit"):
                kept = getattr(self, layer_key(kind, name))
                setattr(
                    self,
                    layer_key(kind, name),
                    torch.cat([kept, kept[:1].expand(count, *kept.shape[1:])]),
                )
        return len(kept)

    @torch.no_grad()
    def place(self, number: int, grams: Mapping[str, Tensor]) -> None:
        """Replace a style by one with these Gram matrices (C, C), by layer; call it after `calibrate`.

        Its units are those of `gram_norm="unit"`.
        """
        for name, target in grams.items():
            getattr(self, layer_key("gram", name))[number] = target
            getattr(self, layer_key("style_unit", name))[number] = self.unit(name, target)

    def unit(self, name: str, target: Tensor) -> Tensor:
        """The raw term of photos for a painting's Gram matrix (C, C), a scalar."""
        return _at_least(style_loss(self._photo_grams[name], target[None]).mean(), target)

    @torch.no_grad()
    def calibrate(self, photos: Tensor, regions: Tensor | None = None) -> None:
        """Measure the units of the terms, their values for photographs; call it after `set_styles`.

        Args:
            photos: RGB (N, 3, H, W), float, 0..255; 16 or more are steady to a few percent.
            regions: As for `forward`.
        """
        raw: dict[str, Tensor] = {}
        values: dict[str, list[Tensor]] = {name: [] for name in self.content_layers}
        kept: dict[str, list[Tensor]] = {name: [] for name in self.style_layers}
        for photo in torch.split(photos, 1):
            features = self.network(photo, {*self.style_layers, *self.content_layers})
            for name in self.style_layers:
                targets = getattr(self, layer_key("gram", name))
                masks = (
                    region_masks(features[name], regions)
                    if regions is not None
                    else [None] * len(targets)
                )
                rows = [
                    style_loss(gram(within_region(features[name], mask)), target[None])
                    for target, mask in zip(targets, masks, strict=True)
                ]
                raw[name] = raw.get(name, 0) + torch.cat(rows) / len(photos)
                kept[name].append(gram(features[name]))
            for name in self.content_layers:
                values[name].append(features[name].float())
        norms: dict[str, Tensor] = {}
        for name, value in raw.items():
            norms[name] = _at_least(value, getattr(self, layer_key("gram", name)))
        self._photo_grams = {name: torch.cat(each) for name, each in kept.items()}
        factors = {name: self._factor(name, features[name].shape) for name in self.style_layers}
        whole = sum(
            share * factors[name] * norms[name] for name, share in self.style_layers.items()
        )
        for name, norm in norms.items():
            unit = norm if self.gram_norm == "unit" else whole / factors[name]
            setattr(self, layer_key("style_unit", name), unit)
        for name, maps in values.items():
            joined = torch.cat(maps)
            variance = joined.var(dim=(0, 2, 3), correction=0).mean()
            floor = 1e-6 * joined.square().mean() + 1e-12  # Of a photo of one colour.
            setattr(self, layer_key("content_unit", name), 2 * variance.clamp_min(floor))

    def _factor(self, name: str, shape: torch.Size) -> float:
        """Factor of the layer's raw term over that with Gram matrices divided by C H W."""
        c, h, w = shape[1:]
        return float({"unit": 1, "chw": 1, "hw": c * c, "none": (c * h * w) ** 2}[self.gram_norm])

    def units(self, style: int = 0) -> dict[str, float]:
        """The divisor of each layer's raw term for one of the styles, by names such as "style relu1_1"."""
        return {
            _unit_name(name): value.flatten()[style if "style" in name else 0].item()
            for name, value in self.named_buffers()
            if "_unit_" in name
        }

    def set_units(self, units: Mapping[str, float]) -> None:
        """Set the units, as `units` gives them, for every style, in place of a calibration.

        Raises:
            FastnstError: One is missing, so the units belong to another objective.
        """
        for name, value in list(self.named_buffers()):
            if "_unit_" in name:
                key = _unit_name(name)
                if key not in units:
                    raise FastnstError(
                        f"The units have none for {key}, but for {', '.join(units)}."
                    )
                setattr(self, name, torch.full_like(value, units[key]))


def _at_least(raw: Tensor, target: Tensor) -> Tensor:
    """The raw term of photos, above 0: a photo that has the painting's Gram matrices already is the painting."""
    return raw.clamp_min(1e-6 * target.square().sum(dim=(-2, -1))).clamp_min(1e-12)


def layer_key(kind: str, layer: str) -> str:
    """The name of a layer's buffer, which must not contain a dot."""
    return f"{kind}_{layer.replace('.', '-')}"


def _unit_name(buffer: str) -> str:
    """The name of a unit for people, such as "style relu1_1"."""
    return buffer.replace("_unit_", " ").replace("-", ".")
