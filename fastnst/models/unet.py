"""The net for photos."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models.config import NetConfig
from fastnst.models.layers import ConvNorm, ResidualBlock, Style
from fastnst.models.style_net import StyleNet


class UNet(StyleNet):
    """`unet`: three halvings, residual blocks, and up again with skip connections.

    Most of the work is at an eighth of the size, where a convolution sees far; but unlike in `swift` there
    are convolutions and ReLUs at a quarter and at half of it too, which give strokes crisp and curved edges.
    The form is that of Ronneberger et al. 2015, with one convolution where theirs has two, strides in place
    of pooling, and pixel shuffles (Shi et al. 2016) on the way up. A quarter of the multiplications of
    `johnson`.
    """

    multiple_of = 8
    block = 2
    needs_even_width = True
    minimum = 32

    def __init__(self, config: NetConfig) -> None:
        super().__init__(config)
        width, rows = config.width, config.styles
        self.down = nn.ModuleList(
            [
                ConvNorm(config.channels, width, 6, rows, stride=2),
                ConvNorm(width, 2 * width, 4, rows, stride=2),
                ConvNorm(2 * width, 4 * width, 4, rows, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(ResidualBlock(4 * width, rows) for _ in range(config.blocks))
        self.up = nn.ModuleList(
            [
                ConvNorm(3 * width, 2 * width, 3, rows),
                ConvNorm(width // 2 + width, width, 3, rows),
            ]
        )
        self.detail = ResidualBlock(2 * width, rows)
        self.out = nn.Conv2d(width, 12, 3, padding=1, padding_mode="reflect")
        with torch.no_grad():
            # As those of `SwiftNet`: the four pixels of a block begin alike, and near mid-grey.
            for values in self.out.parameters():
                values.copy_(0.1 * values[::4].repeat_interleave(4, 0))

    def paint(self, x: Tensor, style: Style) -> Tensor:
        """See `StyleNet`."""
        half = F.relu(self.down[0](x, style))
        quarter = F.relu(self.down[1](half, style))
        x = F.relu(self.down[2](quarter, style))
        for block in self.blocks:
            x = block(x, style)
        x = torch.cat([F.pixel_shuffle(x, 2), quarter], 1)
        x = self.detail(F.relu(self.up[0](x, style)), style)
        x = torch.cat([F.pixel_shuffle(x, 2), half], 1)
        pre_tanh: Tensor = self.out(F.relu(self.up[1](x, style)))
        return pre_tanh
