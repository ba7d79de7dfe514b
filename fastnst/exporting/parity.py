"""Parity of an exported net with the net in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from fastnst.errors import BadStyleFile
from fastnst.models import StyleNet
from fastnst.runtime.engine.net_session import NetSession
from fastnst.styles.mix import STATISTICS

CHECKED_SIZES = ((64, 48), (200, 136), (256, 256))
"""Heights and widths of the comparison: none of them the one of the export."""


class ClampedNet(torch.nn.Module):
    """Net whose output is clamped to 0..255, as users get it."""

    def __init__(self, net: StyleNet) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        image: torch.Tensor,
        style_weights: torch.Tensor | None = None,
        statistics: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Paint an image, clamped to 0..255."""
        painted: torch.Tensor = self.net(image, style_weights, None, statistics)
        return painted.clamp(0.0, 255.0)


class ClampedCanvasNet(ClampedNet):
    """Net of several levels whose output is clamped; its canvas comes after the image."""

    def forward(  # type: ignore[override]
        self,
        image: torch.Tensor,
        canvas: torch.Tensor,
        style_weights: torch.Tensor,
        statistics: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Paint over a canvas, clamped to 0..255."""
        painted: torch.Tensor = self.net(image, style_weights, canvas, statistics)
        return painted.clamp(0.0, 255.0)


def clamped(net: StyleNet) -> ClampedNet:
    """Return a net as users get it: clamped, with the inputs in the order of its file."""
    return ClampedCanvasNet(net) if net.config.levels > 1 else ClampedNet(net)


def difference_to_torch(net: StyleNet, path: Path) -> float:
    """Return the largest difference between the file and torch, over sizes and a batch, in levels of 255.

    Raises:
        BadStyleFile: The net gives values that are infinite or not a number.
    """
    session = NetSession(path, device="cpu")
    rng = np.random.default_rng(0)
    largest = 0.0
    rows = rng.dirichlet(np.ones(net.config.styles)).astype(np.float32)
    style = [rows]
    if net.config.predicted:
        style.append(rng.uniform(0, 50, STATISTICS).astype(np.float32))
    weights = [torch.from_numpy(part) for part in style] if net.config.styles > 1 else []
    for height, width in CHECKED_SIZES:
        pictures = [
            rng.uniform(0, 255, (2, 3, height, width)).astype(np.float32)
            for _ in range(net.config.channels // 3)
        ]
        with torch.inference_mode():
            expected = clamped(net)(*map(torch.from_numpy, pictures), *weights).numpy()
        if not np.isfinite(expected).all():
            raise BadStyleFile(
                "The trained net gives values that are infinite or not a number: its training went wrong.",
                "Train it again, with a lower --model.learning_rate.",
            )
        largest = max(
            largest,
            float(np.abs(session.run(*pictures, rows=np.concatenate(style)) - expected).max()),
        )
    return largest
