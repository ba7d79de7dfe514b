"""Perceptual losses: loss networks, and content and style terms on their features (needs torch)."""

from fastnst.perceptual.loss_network import LossNetwork, NetworkName, Pooling, load_loss_network
from fastnst.perceptual.losses import ContentTargets, LossTerms, PerceptualLoss
from fastnst.perceptual.targets import GramNorm
from fastnst.perceptual.terms import content_loss, focus, gram, style_loss, tv_loss

__all__ = [
    "ContentTargets",
    "GramNorm",
    "LossNetwork",
    "LossTerms",
    "NetworkName",
    "PerceptualLoss",
    "Pooling",
    "content_loss",
    "focus",
    "gram",
    "load_loss_network",
    "style_loss",
    "tv_loss",
]
