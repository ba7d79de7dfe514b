"""The nets there are."""

from __future__ import annotations

from fastnst.models.config import NetConfig
from fastnst.models.johnson import TransformNet
from fastnst.models.style_net import StyleNet
from fastnst.models.swift import SwiftNet
from fastnst.models.unet import UNet

NETS: dict[str, type[StyleNet]] = {"johnson": TransformNet, "swift": SwiftNet, "unet": UNet}
"""Architecture by the name that a card stores."""


def build_net(config: NetConfig) -> StyleNet:
    """A net with fresh weights."""
    return NETS[config.name](config)
