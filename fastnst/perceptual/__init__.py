"""Perceptual losses: loss networks, and content and style terms on their features (needs torch)."""

from fastnst.perceptual.loss_network import LossNetwork, NetworkName, Pooling, load_loss_network
from fastnst.perceptual.losses import LossTerms, PerceptualLoss
from fastnst.perceptual.targets import GramNorm
from fastnst.perceptual.terms import content_loss, gram, style_loss, tv_loss

__all__ = [
    "GramNorm",
    "LossNetwork",
    "LossTerms",
    "NetworkName",
    "PerceptualLoss",
    "Pooling",
    "content_loss",
    "gram",
    "load_loss_network",
    "style_loss",
    "tv_loss",
]
