"""The image transformation network of Johnson et al. 2016, with conditional instance normalisation."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADROOM = 150.0
"""The output is 127.5 + 150 tanh(.): 22.5 past either end of 0..255 (clamped where it is used), so
that black and white lie where tanh still has a gradient. 150 is the factor of Johnson's own code."""
EDGE = math.atanh(127.5 / HEADROOM)
"""Where the output, before tanh, reaches black (below 0) and white."""


EPSILON = 1e-5
"""Added to the variance before the square root, as in Ulyanov et al. 2016."""


@dataclass(frozen=True)
class NetConfig:
    """What a net is made of; stored with its weights, so that a file can be loaded by itself."""

    name: Literal["johnson"] = "johnson"
    """The architecture, a key of `NETS`."""
    width: int = 32
    """Channels of the first layer; 32 in the paper, 16 in most of the models that its author released."""
    blocks: int = 5
    """Residual blocks."""
    styles: int = 1
    """Rows of scales and shifts: one per style."""

    def __post_init__(self) -> None:
        for field in ("width", "blocks", "styles"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; it must be 1 or more")

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as stored in a card."""
        return asdict(self)


class _InstanceNorm(torch.autograd.Function):
    """(x - mu) / sigma * scale + shift, for x (N, C, H, W) and scale and shift (N, C) in float32.

    Group norm with one channel a group has a fast channels_last forward, with statistics in float32,
    but a slow backward (half of a training step on a CPU). This one needs two sums over the pixels,
    which also are the gradients of scale and shift.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        n, c, h, w = x.shape
        with torch.autocast(x.device.type, enabled=False):
            if x.device.type == "cpu":
                # Its statistics have the precision of the weights that it is given.
                wide = torch.promote_types(x.dtype, torch.float32)
                one, zero = x.new_ones(c, dtype=wide), x.new_zeros(c, dtype=wide)
                y, _, rstd = torch.native_group_norm(x, one, zero, n, c, h * w, c, EPSILON)
            else:  # There it is slower than this, and gives up channels_last.
                var, mean = torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)
                rstd = (var + EPSILON).rsqrt()
                y, rstd = ((x - mean) * rstd).to(x.dtype), rstd.flatten(1)
        ctx.save_for_backward(y, rstd, scale)
        return torch.addcmul(_per_channel(shift, x), y, _per_channel(scale, x))

    @staticmethod
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, rstd, scale = ctx.saved_tensors
        pixels = y.shape[2] * y.shape[3]
        d_shift = dz.sum((2, 3), dtype=torch.float32)
        d_scale = (dz * y).sum((2, 3), dtype=torch.float32)
        # dx = scale rstd (dz - <dz> - y <dz y>), < > being means over the pixels.
        a = scale * rstd
        dx = torch.addcmul(
            _per_channel(-a * d_shift / pixels, y), y, _per_channel(-a * d_scale / pixels, y)
        )
        return torch.addcmul(dx, dz, _per_channel(a, y)), d_scale, d_shift


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype)[:, :, None, None]


class ConditionalInstanceNorm2d(nn.Module):
    """Instance normalisation whose scale and shift are rows of a table, one per style.

    Dumoulin et al. 2017, equation 5: z = gamma_s (x - mu) / sigma + beta_s. The rows are mixed by a
    weight vector rather than picked by an index, so that a blend of styles is a blend of rows, and
    so that it exports. The statistics are those of each image (none are kept), in float32 whatever
    the precision around them.
    """

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(styles, channels))
        self.bias = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """Normalise `x` (N, C, H, W) with the rows mixed by `style_weights` (S,) or (N, S)."""
        # Written out, since autocast would run a matrix product in bfloat16.
        scale, shift = (
            (style_weights[..., None] * rows).sum(-2) for rows in (self.weight, self.bias)
        )
        rows = (x.shape[0], x.shape[1])
        y: Tensor = _InstanceNorm.apply(x, scale.expand(rows), shift.expand(rows))
        return y

    def folded(self, style_weights: Tensor) -> FoldedNorm:
        """A plain instance norm with the mixture that `style_weights` (S,) asks for."""
        scale, shift = (style_weights @ rows.detach() for rows in (self.weight, self.bias))
        return FoldedNorm(scale, shift)

    def extra_repr(self) -> str:
        """Shown when printed."""
        styles, channels = self.weight.shape
        return f"{channels}, styles={styles}"


class FoldedNorm(nn.InstanceNorm2d):
    """Instance norm with one scale and shift, in the place of a conditional one."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__(len(scale), eps=EPSILON, affine=True)
        self.weight, self.bias = nn.Parameter(scale), nn.Parameter(shift)

    def forward(self, x: Tensor, style_weights: Tensor | None = None) -> Tensor:
        """Normalise `x` (N, C, H, W); `style_weights` are folded in already."""
        return super().forward(x)


class ConvNorm(nn.Module):
    """Convolution with reflection padding ("zero padding gives bad border artifacts"), then the norm."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, stride: int = 1
    ) -> None:
        super().__init__()
        # The norm subtracts the mean, so a bias here would be subtracted with it.
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect"
        )
        self.norm: ConditionalInstanceNorm2d | FoldedNorm
        self.norm = ConditionalInstanceNorm2d(outputs, styles)

    def forward(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """`x` (N, C, H, W), H and W more than half the kernel, to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x), style_weights)
        return y


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, with no ReLU after the sum (Gross and Wilber 2016)."""

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3, styles)
        self.second = ConvNorm(channels, channels, 3, styles)

    def forward(self, x: Tensor, style_weights: Tensor) -> Tensor:
        """`x` (N, C, H, W), H and W at least 2, to the same."""
        y: Tensor = self.second(F.relu(self.first(x, style_weights)), style_weights)
        return x + y


class TransformNet(nn.Module):
    """`johnson`: the net of Johnson et al. 2016 (supplement, table 1) with the later fixes.

    Conv 9x9, two 3x3 of stride 2, residual blocks, two times up, conv 9x9, tanh. Departures from
    the paper, each the author's own later advice: instance norm instead of batch norm (Ulyanov et
    al. 2016), reflection padding at every convolution, and resizing followed by a convolution instead
    of the transposed one, against checkerboards (Odena et al. 2016). The resizing is bilinear: with
    nearest-neighbour the grid that is left was twice as strong after equal steps.
    """

    multiple_of = 4
    """Height and width must be multiples of this: two halvings."""
    minimum = 16
    """The least height and width."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
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

    def folded(self, style_weights: Tensor) -> TransformNet:
        """A copy that paints one style, or one mixture (S,) of them, with plain norms: leaner to export."""
        net = copy.deepcopy(self)
        for module in net.modules():
            if isinstance(module, ConvNorm) and isinstance(module.norm, ConditionalInstanceNorm2d):
                module.norm = module.norm.folded(style_weights)
        return net

    def forward(self, image: Tensor, style_weights: Tensor | None = None) -> Tensor:
        """Paint a batch: `bounded` of `unbounded`.

        Args:
            image: RGB (N, 3, H, W), float, 0..255; H and W multiples of `multiple_of`, at least `minimum`.
            style_weights: How much of each style's row, (S,) for the whole batch or (N, S) per image,
                summing to 1. None means the first style.

        Returns:
            RGB of the same shape, float32, -22.5..277.5: clamp it to 0..255 to show it.
        """
        return bounded(self.unbounded(image, style_weights))

    def unbounded(self, image: Tensor, style_weights: Tensor | None = None) -> Tensor:
        """The painting before tanh, of the same shape, float32: -EDGE is black and EDGE white."""
        if style_weights is None:
            style_weights = image.new_zeros(self.config.styles)
            style_weights[0] = 1.0
        x = image / 127.5 - 1.0
        for layer in self.down:
            x = F.relu(layer(x, style_weights))
        for block in self.blocks:
            x = block(x, style_weights)
        for layer in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.relu(layer(x, style_weights))
        painted: Tensor = self.out(x)
        return painted.float()


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
    squares, in units of the range, so that a pattern of 2 of 255 has about 1e-3.

    Args:
        painted: RGB (N, 3, H, W), float, 0..255; H and W multiples of `period`.
        period: In pixels; what repeats after a divisor of it is found too.
    """
    x = painted / 255.0
    around = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    n, c, h, w = x.shape
    detail = (x - around).reshape(n, c, h // period, period, w // period, period)
    return detail.mean(dim=(2, 4)).square().sum(dim=(1, 2, 3)).mean()
