"""The net for real time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models.config import NetConfig
from fastnst.models.layers import ConvNorm, ResidualBlock, Style
from fastnst.models.style_net import StyleNet

BLOCK = 4
"""Pixels a side that `swift` takes together."""


class SwiftNet(StyleNet):
    """`swift`: the net for real time.

    One convolution takes blocks of 4x4 pixels, with those around them, to channels. Half as large again,
    where a convolution sees far and costs little, they go through residual blocks; shuffled up (Shi et
    al. 2016) and beside what was there before, which has the fine detail, they become pixels again.
    """

    multiple_of = 8
    block = BLOCK
    needs_even_width = True
    minimum = 32

    def __init__(self, config: NetConfig) -> None:
        super().__init__(config)
        styles, fine, coarse = config.styles, 3 * config.width // 4, 2 * config.width
        self.head = ConvNorm(config.channels, fine, 3 * BLOCK, styles, stride=BLOCK)
        self.down = ConvNorm(fine, coarse, 3, styles, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(coarse, styles) for _ in range(config.blocks))
        self.out = nn.Conv2d(coarse // 4 + fine, 3 * BLOCK**2, 3, padding=1, padding_mode="reflect")
        with torch.no_grad():
            # All pixels of a block begin alike, without a checkerboard (Aitken et al. 2017), and near
            # mid-grey, as `JohnsonNet`'s.
            for values in self.out.parameters():
                values.copy_(0.1 * values[:: BLOCK**2].repeat_interleave(BLOCK**2, 0))

    def paint(self, x: Tensor, style: Style) -> Tensor:
        """See `StyleNet`."""
        fine = F.relu(self.head(x, style))
        x = F.relu(self.down(fine, style))
        for block in self.blocks:
            x = block(x, style)
        pre_tanh: Tensor = self.out(torch.cat([F.pixel_shuffle(x, 2), fine], 1))
        return pre_tanh
