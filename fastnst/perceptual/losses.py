"""The perceptual losses of Gatys et al. 2016 and Johnson et al. 2016, and the objective made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fastnst.perceptual.encoder import Encoder


def gram(features: Tensor) -> Tensor:
    """Gram matrix of features, computed in float32.

    G[c, d] = sum over h, w of F[c, h, w] F[d, h, w] / (C H W): Johnson et al. 2016, equation 3.

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, C), symmetric.
    """
    grams: Tensor = _Gram.apply(features)
    return grams


class _Gram(torch.autograd.Function):
    """The Gram matrix in float32, its gradient in the precision of the features.

    dL/dF = (dL/dG + its transpose) F / (C H W): one product where autograd would make two.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        n, c, h, w = features.shape
        # Positions before channels: a view of channels_last features, which need no copy then.
        flat = features.permute(0, 2, 3, 1).reshape(n, h * w, c)
        ctx.save_for_backward(flat)
        ctx.shape = features.shape
        with torch.autocast(features.device.type, enabled=False):
            return flat.transpose(1, 2).float() @ flat.float() / (c * h * w)

    @staticmethod
    def backward(ctx: Any, dg: Tensor) -> Tensor:
        (flat,) = ctx.saved_tensors
        n, c, h, w = ctx.shape
        both = (dg + dg.transpose(1, 2)) / (c * h * w)
        with torch.autocast(flat.device.type, enabled=False):
            d_flat: Tensor = flat @ both.to(flat.dtype)
        return d_flat.view(n, h, w, c).permute(0, 3, 1, 2)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Feature reconstruction: mean over C, H, W of (F - T)^2, per image (Johnson et al. 2016, equation 2).

    Args:
        features: (N, C, H, W).
        target: The same shape.

    Returns:
        (N,), float32.
    """
    return (features.float() - target.float()).square().mean(dim=(1, 2, 3))


def style_loss(grams: Tensor, target: Tensor) -> Tensor:
    """Style reconstruction: squared Frobenius norm of G - A, per image (Johnson et al. 2016, equation 4).

    Args:
        grams: (N, C, C).
        target: (N, C, C) or (1, C, C).

    Returns:
        (N,).
    """
    return (grams - target).square().sum(dim=(1, 2))


def tv_loss(images: Tensor) -> Tensor:
    """Total variation: mean squared step to the right-hand plus mean squared step to the lower pixel.

    mean (x[i, j + 1] - x[i, j])^2 + mean (x[i + 1, j] - x[i, j])^2, with x in units of the range
    (0..255 becomes 0..1), per image. Mahendran and Vedaldi 2015 with beta = 2.

    Args:
        images: RGB (N, 3, H, W), float, 0..255.

    Returns:
        (N,).
    """
    x = images / 255.0
    across = (x[..., 1:] - x[..., :-1]).square().mean(dim=(1, 2, 3))
    down = (x[..., 1:, :] - x[..., :-1, :]).square().mean(dim=(1, 2, 3))
    return across + down


class LossTerms(NamedTuple):
    """The objective and its parts, each weighted and averaged over the batch: total = content + style + tv."""

    content: Tensor
    style: Tensor
    tv: Tensor

    @property
    def total(self) -> Tensor:
        """The objective J."""
        return self.content + self.style + self.tv


class PerceptualLoss(nn.Module):
    """The objective J = w_c L_content + w_s L_style + w_tv L_tv, in units that mean the same for every painting.

    Raw terms differ tenfold from one painting to the next (even from one scan to another of the same
    one), and so would the weights that suit. Each term is therefore divided by what it is for
    photographs (`calibrate`):

    - style: 1 is an unpainted photo, 0 has the painting's Gram matrices. Each layer's raw term is
      divided by its mean over the photos for that painting; the layers are averaged.
    - content: 1 is another photo, 0 is the photo itself. Each layer's raw term is divided by twice the
      variance of its features, which is the mean squared difference of two unrelated ones.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
        content_weight: float,
        style_weight: float,
        tv_weight: float = 0.0,
    ) -> None:
        """Choose the terms.

        Args:
            encoder: The loss network.
            content_layers: Layers and their shares, which are scaled to sum to 1.
            style_layers: The same for style.
            content_weight: w_c, 0 or more.
            style_weight: w_s, 0 or more.
            tv_weight: w_tv, 0 or more.

        Raises:
            FastnstError: A layer is not one of the encoder's.
            ValueError: A weight is negative, or the shares of the layers sum to 0.
        """
        super().__init__()
        shares = {"content": [*content_layers.values()], "style": [*style_layers.values()]}
        weights = {"content": content_weight, "style": style_weight, "tv": tv_weight}
        for name, values in {**shares, **{k: [v] for k, v in weights.items()}}.items():
            if min(values, default=0) < 0 or (name in shares and sum(shares[name]) == 0):
                raise ValueError(
                    f"the {name} weights are weight {weights[name]:g}, layers {shares.get(name, [])};"
                    " none may be below 0, and the layers' must not sum to 0"
                )
        encoder.check([*content_layers, *style_layers])
        self.encoder = encoder
        self.content_layers = {
            k: v / sum(content_layers.values()) for k, v in content_layers.items()
        }
        self.style_layers = {k: v / sum(style_layers.values()) for k, v in style_layers.items()}
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight
        for name in self.content_layers:
            self.register_buffer(f"content_unit_{name}", torch.ones(()), persistent=False)
        for name in self.style_layers:
            self.register_buffer(f"gram_{name}", torch.zeros(1, 1, 1), persistent=False)
            self.register_buffer(f"style_unit_{name}", torch.ones(1), persistent=False)

    @torch.no_grad()
    def set_styles(self, paintings: list[Tensor]) -> None:
        """Compute the Gram matrices to be reached, once.

        Args:
            paintings: One RGB (1, 3, H, W), float, 0..255, per style; their sizes may differ.
        """
        rows = [self.encoder(painting, self.style_layers) for painting in paintings]
        for name in self.style_layers:
            setattr(self, f"gram_{name}", torch.cat([gram(row[name]) for row in rows]))

    @torch.no_grad()
    def calibrate(self, photos: Tensor) -> None:
        """Measure the units of the terms: what they are for photographs. Call it after `set_styles`.

        Args:
            photos: RGB (N, 3, H, W), float, 0..255; 16 or more are steady to a few percent.
        """
        styles = dict.fromkeys(self.style_layers, 0.0)
        values: dict[str, list[Tensor]] = {name: [] for name in self.content_layers}
        sums: dict[str, Tensor | float] = dict(styles)
        for photo in torch.split(photos, 1):
            features = self.encoder(photo, {*self.style_layers, *self.content_layers})
            for name in self.style_layers:
                target = getattr(self, f"gram_{name}")
                sums[name] = sums[name] + style_loss(gram(features[name]), target) / len(photos)
            for name in self.content_layers:
                values[name].append(features[name].float())
        for name, total in sums.items():
            setattr(self, f"style_unit_{name}", total)
        for name, maps in values.items():
            variance = torch.cat(maps).var(dim=(0, 2, 3), correction=0).mean()
            setattr(self, f"content_unit_{name}", 2 * variance)

    @torch.no_grad()
    def content_targets(self, photos: Tensor) -> dict[str, Tensor]:
        """Features of the photos to be kept, computed to the deepest content layer and without a graph."""
        targets: dict[str, Tensor] = self.encoder(photos, self.content_layers)
        return targets

    def forward(
        self, images: Tensor, targets: Mapping[str, Tensor], styles: Tensor | None = None
    ) -> LossTerms:
        """The terms for painted pictures.

        Args:
            images: RGB (N, 3, H, W), float, 0..255.
            targets: `content_targets` of the photos that they were painted from.
            styles: Row of each picture's style, int64 (N,). None means the first style for all.

        Returns:
            The weighted terms, scalars in float32.
        """
        if styles is None:
            styles = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        features = self.encoder(images, {*self.content_layers, *self.style_layers})
        content = torch.zeros(len(images), device=images.device)
        for name, share in self.content_layers.items():
            unit = getattr(self, f"content_unit_{name}")
            content = content + share * content_loss(features[name], targets[name]) / unit
        style = torch.zeros_like(content)
        for name, share in self.style_layers.items():
            target, unit = (
                getattr(self, f"gram_{name}")[styles],
                getattr(self, f"style_unit_{name}"),
            )
            style = style + share * style_loss(gram(features[name]), target) / unit[styles]
        tv = tv_loss(images) if self.tv_weight else torch.zeros_like(content)
        return LossTerms(
            content=self.content_weight * content.mean(),
            style=self.style_weight * style.mean(),
            tv=self.tv_weight * tv.mean(),
        )

    def extra_repr(self) -> str:
        """Shows the objective with its weights when printed."""
        return (
            f"{self.content_weight:g} content{self.content_layers} + "
            f"{self.style_weight:g} style{self.style_layers} + {self.tv_weight:g} tv"
        )
