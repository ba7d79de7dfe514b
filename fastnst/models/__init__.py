"""Nets that turn an image into a painting (needs torch)."""

from fastnst.models.layers import ConditionalInstanceNorm2d
from fastnst.models.transform_net import (
    NetConfig,
    StyleNet,
    SwiftNet,
    TransformNet,
    bounded,
    excess,
    lattice,
    repeats,
)
from fastnst.models.weights import load_net, save_net

NETS: dict[str, type[StyleNet]] = {"johnson": TransformNet, "swift": SwiftNet}
"""Architecture by the name that a card stores."""


def build_net(config: NetConfig) -> StyleNet:
    """A net with fresh weights."""
    return NETS[config.name](config)


__all__ = [
    "NETS",
    "ConditionalInstanceNorm2d",
    "NetConfig",
    "StyleNet",
    "SwiftNet",
    "TransformNet",
    "bounded",
    "build_net",
    "excess",
    "lattice",
    "load_net",
    "repeats",
    "save_net",
]
