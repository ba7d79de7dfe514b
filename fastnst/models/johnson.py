"""The net of Johnson et al. 2016."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models.config import NetConfig
from fastnst.models.layers import ConvNorm, ResidualBlock, Style
from fastnst.models.style_net import StyleNet


class JohnsonNet(StyleNet):
    """`johnson`: the net of Johnson et al. 2016 (supplement, table 1) with the later fixes.

    Conv 9x9, two 3x3 of stride 2, residual blocks, two times up, conv 9x9, tanh. Departures from
    the paper, each the author's own later advice: instance norm instead of batch norm (Ulyanov et
    al. 2016), reflection padding at every convolution, and resizing followed by a convolution instead
    of the transposed one, against checkerboards (Odena et al. 2016). The resizing is bilinear: with
    nearest-neighbour the grid that is left was twice as strong after equal steps.
    """

    multiple_of = 4  # Two halvings.
    minimum = 16

    def __init__(self, config: NetConfig) -> None:
        super().__init__(config)
        width, styles = config.width, config.styles
        self.down = nn.ModuleList(
            [
                ConvNorm(config.channels, width, 9, styles),
                ConvNorm(width, 2 * width, 3, styles, stride=2),
                ConvNorm(2 * width, 4 * width, 3, styles, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(ResidualBlock(4 * width, styles) for _ in range(config.blocks))
        self.up = nn.ModuleList(
            [ConvNorm(4 * width, 2 * width, 3, styles), ConvNorm(2 * width, width, 3, styles)]
        )
        self.out = nn.Conv2d(width, 3, 9, padding=4, padding_mode="reflect")
        # The first outputs are near mid-grey, well inside tanh: started at the usual scale, some
        # pixels saturate at once and stay black or yellow dots for hundreds of steps.
        with torch.no_grad():
            self.out.weight.mul_(0.1)

    def paint(self, x: Tensor, style: Style) -> Tensor:
        """See `StyleNet`."""
        for layer in self.down:
            x = F.relu(layer(x, style))
        for block in self.blocks:
            x = block(x, style)
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.relu(layer(x, style))
        pre_tanh: Tensor = self.out(x)
        return pre_tanh
