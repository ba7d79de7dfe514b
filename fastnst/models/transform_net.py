"""Image transformation networks: that of Johnson et al. 2016, and a faster one."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models.layers import ConditionalInstanceNorm2d, ConvNorm, ResidualBlock

HEADROOM = 150.0
"""The output is 127.5 + 150 tanh(.): 22.5 past either end of 0..255 (clamped where it is used), so
that black and white lie where tanh still has a gradient. 150 is the factor of Johnson's own code."""
EDGE = math.atanh(127.5 / HEADROOM)
"""Where the output, before tanh, reaches black (below 0) and white."""


BLOCK = 4
"""Pixels a side that `swift` takes together."""


@dataclass(frozen=True)
class NetConfig:
    """What a net is made of; stored with its weights, so that a file can be loaded by itself."""

    name: Literal["johnson", "swift"] = "johnson"
    """The architecture, a key of `NETS`."""
    width: int = 32
    """Channels of the first layer; 32 in the paper, 16 in most of the models that its author released. Of
    swift, half of those of its blocks."""
    blocks: int = 5
    """Residual blocks."""
    styles: int = 1
    """Rows of scales and shifts: one per style."""
    identity: bool = False
    """Whether the last row stands for the photo itself."""

    def __post_init__(self) -> None:
        for field in ("width", "blocks", "styles"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be 1 or more")

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as stored in a card."""
        return asdict(self)


class StyleNet(nn.Module, ABC):
    """What every net does: from a photo and a mixture of styles to a painting.

    A net with an identity row shows as much of the photo itself as that row weighs: nothing of it at full
    strength, nothing else at strength 0. (Instance norms take the photo's own brightness and contrast
    away, so that no row of scales and shifts could give it back.)
    """

    multiple_of: ClassVar[int]
    """Height and width must be multiples of this."""
    minimum: ClassVar[int]
    """The least height and width."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self._share = 0.0
        """Of the photo, where a mixture with an identity row was folded in."""
        self._centred = True
        """Whether the first convolution takes -1..1, not 0..255."""

    @abstractmethod
    def paint(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """The painting before tanh, (N, 3, H, W), of a photo in -1..1, by (S,) or (N, S) weights."""

    def forward(self, image: Tensor, style_weights: Tensor | None = None) -> Tensor:
        """Paint a batch: `finished` of `unbounded`.

        Args:
            image: RGB (N, 3, H, W), float, 0..255; H and W multiples of `multiple_of`, at least `minimum`.
            style_weights: How much of each style's row, (S,) for the whole batch or (N, S) per image,
                summing to 1. None means the first row.

        Returns:
            RGB of the same shape, float32, -22.5..277.5: clamp it to 0..255 to show it.
        """
        return self.finished(self.unbounded(image, style_weights), image, style_weights)

    def unbounded(self, image: Tensor, style_weights: Tensor | None = None) -> Tensor:
        """The painting before tanh, of the same shape, float32: -EDGE is black and EDGE white."""
        if style_weights is None:
            style_weights = torch.eye(self.config.styles)[0].to(image)
        x = image / 127.5 - 1.0 if self._centred else image
        return self.paint(x, style_weights).float()

    def finished(
        self, painting: Tensor, image: Tensor, style_weights: Tensor | None = None
    ) -> Tensor:
        """What `forward` returns, of what `unbounded` returned."""
        painted = bounded(painting)
        share: Tensor | float = self._share
        if self.config.identity and style_weights is not None:
            share = style_weights[..., -1].reshape(-1, 1, 1, 1)
        elif not share:
            return painted
        return painted + share * (image - painted)

    def folded(self, style_weights: Tensor) -> StyleNet:
        """A copy that paints one style, or one mixture (S,) of them, with plain norms: leaner to export."""
        net = copy.deepcopy(self)
        net.config = replace(self.config, styles=1, identity=False)
        net._share = style_weights[-1].item() if self.config.identity else 0.0
        for module in net.modules():
            if isinstance(module, ConvNorm) and isinstance(module.norm, ConditionalInstanceNorm2d):
                module.norm = module.norm.folded(style_weights)
        return net

    def lean(self) -> StyleNet:
        """A copy whose first convolution takes 0..255: the norm after it takes the shift away by itself."""
        net = copy.deepcopy(self)
        first = next(module for module in net.modules() if isinstance(module, ConvNorm))
        with torch.no_grad():
            first.conv.weight.div_(127.5)
        net._centred = False
        return net


class TransformNet(StyleNet):
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
                ConvNorm(3, width, 9, styles),
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

    def paint(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """See `StyleNet`."""
        for layer in self.down:
            x = F.relu(layer(x, style_weights))
        for block in self.blocks:
            x = block(x, style_weights)
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.relu(layer(x, style_weights))
        painting: Tensor = self.out(x)
        return painting


class SwiftNet(StyleNet):
    """`swift`: the net for real time.

    One convolution takes blocks of 4x4 pixels, with those around them, to channels. Half as large again,
    where a convolution sees far and costs little, they go through residual blocks; shuffled up (Shi et
    al. 2016) and beside what was there before, which has the fine detail, they become pixels again.
    """

    multiple_of = 8
    minimum = 32

    def __init__(self, config: NetConfig) -> None:
        super().__init__(config)
        styles, fine, coarse = config.styles, 3 * config.width // 4, 2 * config.width
        self.head = ConvNorm(3, fine, 3 * BLOCK, styles, stride=BLOCK)
        self.down = ConvNorm(fine, coarse, 3, styles, stride=2)
        self.blocks = nn.ModuleList(ResidualBlock(coarse, styles) for _ in range(config.blocks))
        self.out = nn.Conv2d(coarse // 4 + fine, 3 * BLOCK**2, 3, padding=1, padding_mode="reflect")
        with torch.no_grad():
            # All pixels of a block begin alike, without a checkerboard (Aitken et al. 2017), and near
            # mid-grey, as `TransformNet`'s.
            for values in self.out.parameters():
                values.copy_(0.1 * values[:: BLOCK**2].repeat_interleave(BLOCK**2, 0))

    def paint(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """See `StyleNet`."""
        fine = F.relu(self.head(x, style_weights))
        x = F.relu(self.down(fine, style_weights))
        for block in self.blocks:
            x = block(x, style_weights)
        return F.pixel_shuffle(self.out(torch.cat([F.pixel_shuffle(x, 2), fine], 1)), BLOCK)


def bounded(painting: Tensor) -> Tensor:
    """RGB, -22.5..277.5, from the painting before tanh."""
    return 127.5 + HEADROOM * torch.tanh(painting)


def excess(painting: Tensor) -> Tensor:
    """How far a painting before tanh goes past black and white: mean (max(0, |x| - EDGE))^2, a scalar.

    Early in training nets throw black and yellow spots, far out where tanh is flat and the perceptual
    loss has no gradient left to call them back. This one grows with the distance.
    """
    return F.relu(painting.abs() - EDGE).square().mean()


def lattice(painted: Tensor, period: int = 4) -> Tensor:
    """How much of a pattern that repeats every `period` pixels there is, a scalar: the checkerboard of strided nets.

    Of the painting's fine detail (itself less the mean of the 3x3 around), the mean over all pixels with
    the same place in the lattice: nothing in a photo, whose detail has no such order. The sum of the
    squares over a 4x4 block, in units of the range, so that a pattern of 2 of 255 has about 1e-3.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255; H and W multiples of `period`.
        period: In pixels; what repeats after a divisor of it is found too.
    """
    x = painted / 255.0
    n, c, h, w = x.shape
    detail = (x - _around(x, 1)).reshape(n, c, h // period, period, w // period, period)
    return 16 * detail.mean(dim=(2, 4)).square().mean(dim=(2, 3)).sum(dim=1).mean()


def repeats(painted: Tensor, period: int) -> Tensor:
    """How much of it is one mark set again and again every `period` pixels, a scalar: what fills flat areas.

    Of the detail (the painting less the mean of the `period` pixels around) in windows of 4x4 periods, the
    power of what all 16 have in common, as far as it is more than 0.3 of the detail's whole power: chance
    has 1/16 of it in common, a straight line through the window up to 1/4. A window at a time, because
    marks in one place and in another need not be in step, as those that `lattice` finds are. Photos and
    paintings have about 1e-6, plain rows of marks 1e-4 and more.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255; 0 where H or W is less than 4 periods.
        period: In pixels, even; what repeats after a divisor of it is found too.
    """
    if min(painted.shape[2:]) < 4 * period:
        return painted.new_zeros(())
    x = painted / 255.0
    n, c, h, w = (*x.shape[:2], *(side // (4 * period) for side in x.shape[2:]))
    detail = (x - _around(x, period // 2))[..., : h * 4 * period, : w * 4 * period]
    detail = detail.reshape(n, c, h, 4, period, w, 4, period)
    common = detail.mean(dim=(3, 6)).square().mean(dim=(3, 5)).sum(dim=1)
    whole = detail.square().mean(dim=(3, 4, 6, 7)).sum(dim=1)
    return F.relu(common - 0.3 * whole).mean()


def _around(x: Tensor, reach: int) -> Tensor:
    """The mean of the pixels at most `reach` away, along both sides; what is past the edges is mirrored."""
    size = 2 * reach + 1
    x = F.pad(x, (reach + 1, reach) * 2, mode="reflect")
    for side in (2, 3):  # By running sums: a large window costs no more than a small one.
        sums = x.cumsum(side)
        length = sums.shape[side] - size
        x = (sums.narrow(side, size, length) - sums.narrow(side, 0, length)) / size
    return x
