"""An exported net beside the one in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from fastnst.errors import BadStyleFile
from fastnst.models import StyleNet
from fastnst.runtime.engine.net_session import NetSession

CHECKED_SIZES = ((64, 48), (200, 136), (256, 256))
"""Heights and widths that it is compared at: none of them the one that it was exported with."""


class Clamped(torch.nn.Module):
    """The net as users get it: what lies outside 0..255 is cut off."""

    def __init__(self, net: StyleNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, image: torch.Tensor, style_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What the net paints, clamped to 0..255."""
        painted: torch.Tensor = self.net(image, style_weights)
        return painted.clamp(0.0, 255.0)


class ClampedOver(Clamped):
    """A net of several levels as users get it, its canvas after the image."""

    def forward(  # type: ignore[override]
        self, image: torch.Tensor, canvas: torch.Tensor, style_weights: torch.Tensor
    ) -> torch.Tensor:
        """What the net paints over the canvas, clamped to 0..255."""
        painted: torch.Tensor = self.net(image, style_weights, canvas)
        return painted.clamp(0.0, 255.0)


def clamped(net: StyleNet) -> Clamped:
    """A net as users get it, with the inputs of its file in their order."""
    return ClampedOver(net) if net.config.levels > 1 else Clamped(net)


def difference_to_torch(net: StyleNet, path: Path) -> float:
    """The largest difference between the file, run as users run it, and torch, over sizes and a batch."""
    session = NetSession(path, device="cpu")
    rng = np.random.default_rng(0)
    largest = 0.0
    rows = rng.dirichlet(np.ones(net.config.styles)).astype(np.float32)
    weights = [torch.from_numpy(rows)] if net.config.styles > 1 else []
    for height, width in CHECKED_SIZES:
        pictures = [
            rng.uniform(0, 255, (2, 3, height, width)).astype(np.float32)
            for _ in range(net.config.channels // 3)
        ]
        with torch.inference_mode():
            expected = clamped(net)(*map(torch.from_numpy, pictures), *weights).numpy()
        if not np.isfinite(expected).all():
            raise BadStyleFile(
                "The trained net gives values that are no numbers: its training went wrong.",
                "Train it again, with a lower --model.learning_rate.",
            )
        largest = max(largest, float(np.abs(session.run(*pictures, rows=rows) - expected).max()))
    return largest
