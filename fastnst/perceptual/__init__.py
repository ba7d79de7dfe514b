"""What "looks like" means: loss networks and perceptual losses (needs torch)."""

from fastnst.perceptual.encoder import Encoder
from fastnst.perceptual.losses import (
    LossTerms,
    PerceptualLoss,
    content_loss,
    gram,
    style_loss,
    tv_loss,
)

__all__ = [
    "Encoder",
    "LossTerms",
    "PerceptualLoss",
    "content_loss",
    "gram",
    "style_loss",
    "tv_loss",
]
