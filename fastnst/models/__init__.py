"""Nets that stylize images (needs torch)."""

from fastnst.models.config import NetConfig
from fastnst.models.johnson import JohnsonNet
from fastnst.models.layers import ConditionalInstanceNorm2d
from fastnst.models.nets import NETS, build_net
from fastnst.models.style_net import StyleNet, to_rgb
from fastnst.models.swift import SwiftNet
from fastnst.models.unet import UNet
from fastnst.models.weights import load_net, save_net

__all__ = [
    "NETS",
    "ConditionalInstanceNorm2d",
    "JohnsonNet",
    "NetConfig",
    "StyleNet",
    "SwiftNet",
    "UNet",
    "build_net",
    "load_net",
    "save_net",
    "to_rgb",
]
