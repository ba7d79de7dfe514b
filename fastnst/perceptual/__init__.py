"""What "looks like" means: loss networks and perceptual losses (needs torch)."""

from fastnst.perceptual.encoder import Encoder, Network, Pooling, load_encoder
from fastnst.perceptual.losses import GramNorm, LossTerms, PerceptualLoss
from fastnst.perceptual.terms import content_loss, gram, style_loss, tv_loss

__all__ = [
    "Encoder",
    "GramNorm",
    "LossTerms",
    "Network",
    "PerceptualLoss",
    "Pooling",
    "content_loss",
    "gram",
    "load_encoder",
    "style_loss",
    "tv_loss",
]
