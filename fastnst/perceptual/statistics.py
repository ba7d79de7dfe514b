"""The statistics of a painting that a style is predicted from."""

from __future__ import annotations

import torch
from torch import Tensor

from fastnst.perceptual.loss_network import LossNetwork

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
"""The style layers of Johnson et al. 2016."""


def statistics(network: LossNetwork, painting: Tensor) -> Tensor:
    """Means, then standard deviations, of the channels of the style layers.

    Args:
        network: VGG-16.
        painting: RGB (1, 3, H, W), float, 0..255.

    Returns:
        (1920,), float32.
    """
    maps = network(painting, LAYERS)
    features = [maps[name].float() for name in LAYERS]
    deviations, means = zip(
        *(torch.std_mean(f[0], (1, 2), correction=0) for f in features), strict=True
    )
    return torch.cat([*means, *deviations])
