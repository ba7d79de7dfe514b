"""Nets that turn an image into a painting (needs torch)."""

from fastnst.models.config import NetConfig
from fastnst.models.johnson import TransformNet
from fastnst.models.layers import ConditionalInstanceNorm2d
from fastnst.models.nets import NETS, build_net
from fastnst.models.style_net import StyleNet, bounded
from fastnst.models.swift import SwiftNet
from fastnst.models.unet import UNet
from fastnst.models.weights import load_net, save_net

__all__ = [
    "NETS",
    "ConditionalInstanceNorm2d",
    "NetConfig",
    "StyleNet",
    "SwiftNet",
    "TransformNet",
    "UNet",
    "bounded",
    "build_net",
    "load_net",
    "save_net",
]
