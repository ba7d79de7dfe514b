"""The objective of a training: the perceptual loss of a picture as it is, and as it looks from afar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.perceptual import LossNetwork, LossTerms, PerceptualLoss
from fastnst.training.options import ObjectiveOptions


def seen_from_afar(pictures: Tensor, times: int) -> Tensor:
    """Pictures (N, 3, H, W) from `times` as far away: the mean of each `times` x `times` pixels."""
    return pictures if times == 1 else F.avg_pool2d(pictures, times)


class MultiViewObjective(nn.Module):
    """The weighted mean of the perceptual losses of several views, each from twice as far as the one before.

    There is one `PerceptualLoss` for each size of picture, since a painting is shown at the picture's size.
    Sizes are told by octaves: pictures of octave k have the side of a crop, the coarsest level's picture,
    times 2^k. Level l looks at octaves l, l - 1 and so on, as many as there are views.
    """

    def __init__(self, network: LossNetwork, options: ObjectiveOptions, levels: int) -> None:
        """Build the losses; `prepare` makes them ready.

        Args:
            network: The loss network, which all views share.
            options: Layers and weights.
            levels: Levels of the net. With one, pictures are seen as they are alone.

        Raises:
            FastnstError: A layer is not one of the network's, or a weight is out of range.
        """
        super().__init__()
        self.view_weights = options.view_weights if levels > 1 else (1.0,)
        self.lowest = 1 - len(self.view_weights)
        """The octave of the smallest pictures: the coarsest level's, from furthest away."""
        whole = min(1, levels - 1)  # From this octave on, the style has the whole of its weight.
        self.losses = nn.ModuleList(
            PerceptualLoss(
                network,
                content_layers=options.content_layers,
                style_layers=options.style_layers,
                content_weight=options.content_weight,
                style_weight=options.style_weight * options.far_style ** max(0, whole - octave),
                style_power=options.style_power,
                content_focus=options.content_focus,
            )
            for octave in range(self.lowest, levels)
        )
        """From the lowest octave up."""

    def at(self, octave: int) -> PerceptualLoss:
        """The loss for pictures of an octave."""
        loss = self.losses[octave - self.lowest]
        assert isinstance(loss, PerceptualLoss)
        return loss

    def prepare(
        self, calibration: Sequence[Tensor], paintings: Callable[[float], Sequence[Tensor]]
    ) -> None:
        """Compute the paintings' Gram matrices and the units of the terms.

        Args:
            calibration: For each level, crops out of pictures of its size, RGB (N, 3, crop, crop), 0..255.
            paintings: Loads the painting of each style, RGB (1, 3, H, W), 0..255, for pictures whose side is
                this many times that of a crop.
        """
        device = next(self.parameters()).device
        for octave, loss in self.by_octave.items():
            photos = calibration[max(0, octave)].to(device).float()
            loss.set_styles([painting.to(device) for painting in paintings(2.0**octave)])
            loss.calibrate(seen_from_afar(photos, 2 ** max(0, -octave)))

    def octaves(self, level: int) -> range:
        """The octaves that a level's pictures are looked at in."""
        return range(level - len(self.view_weights) + 1, level + 1)

    @property
    def by_octave(self) -> dict[int, PerceptualLoss]:
        """The losses by octave, from the lowest up."""
        return {
            octave: self.at(octave) for octave in range(self.lowest, self.lowest + len(self.losses))
        }

    def forward(
        self, stylized: Tensor, photos: Tensor, level: int, styles: Tensor, factors: Tensor
    ) -> LossTerms:
        """The terms of a batch, weighted over the views.

        Args:
            stylized: RGB (N, 3, H, W), float, 0..255.
            photos: RGB of the same shape, from which they were painted.
            level: The net's level that painted them.
            styles: Style of each picture, int64 (N,).
            factors: Factor of each picture's style term, (N,).

        Returns:
            The weighted terms, scalars in float32.
        """
        views: list[LossTerms] = []
        for halvings, weight in enumerate(self.view_weights):
            loss = self.at(level - halvings)
            shown, seen = (seen_from_afar(each, 2**halvings) for each in (stylized, photos))
            terms: LossTerms = loss(shown, loss.content_targets(seen), styles, strengths=factors)
            share = weight / sum(self.view_weights)
            views.append(LossTerms(*(share * value for value in terms)))
        return LossTerms(*(torch.stack(values).sum() for values in zip(*views, strict=True)))
