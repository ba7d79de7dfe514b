"""Nets that turn an image into a painting (needs torch)."""

from fastnst.models.transform_net import (
    ConditionalInstanceNorm2d,
    NetConfig,
    TransformNet,
    bounded,
    excess,
    lattice,
)
from fastnst.models.weights import load_net, save_net

NETS = {"johnson": TransformNet}
"""Architecture by the name that a card stores."""


def build_net(config: NetConfig) -> TransformNet:
    """A net with fresh weights."""
    return NETS[config.name](config)


__all__ = [
    "NETS",
    "ConditionalInstanceNorm2d",
    "NetConfig",
    "TransformNet",
    "bounded",
    "build_net",
    "excess",
    "lattice",
    "load_net",
    "save_net",
]
