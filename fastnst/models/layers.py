"""Parts of nets: convolutions with conditional instance normalisation."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5
"""Added to the variance before the square root, as in Ulyanov et al. 2016."""


def _cubic(distance: float) -> float:
    """The cubic curve of Keys 1981 (a = -0.5), by which Pillow enlarges too."""
    t = abs(distance)
    if t >= 2:
        return 0.0
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t < 1 else -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2


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


class Style(NamedTuple):
    """A mixture of styles, as norms take it."""

    weights: Tensor
    """Weight of each row, (S,), or (N, S) for a mixture per image."""
    offsets: Tensor | None = None
    """Offsets that are added to the scales and shifts of all norms, one norm after the other, (V,) or (N, V): the share of a
    painting whose style was predicted."""


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
        self.first = 0
        """Place of its first offset among those of all norms."""

    def forward(self, x: Tensor, style: Style) -> Tensor:
        """Normalise `x` (N, C, H, W) with the rows that a style mixes."""
        weights = style.weights
        if torch.compiler.is_exporting():  # To the one ONNX operator that there is for it.
            scale, shift = self._moved(style, weights @ self.weight, weights @ self.bias)
            return F.instance_norm(x, weight=scale, bias=shift, eps=EPSILON)
        # Written out, since autocast would run a matrix product in bfloat16.
        table = ((weights[..., None] * rows).sum(-2) for rows in (self.weight, self.bias))
        scale, shift = self._moved(style, *table)
        rows = (x.shape[0], x.shape[1])
        y: Tensor = _InstanceNorm.apply(x, scale.expand(rows), shift.expand(rows))
        return y

    def _moved(self, style: Style, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Scales and shifts (..., C) with the style's offsets."""
        if style.offsets is None:
            return scale, shift
        size = scale.shape[-1]
        own = style.offsets[..., self.first : self.first + 2 * size]
        return scale + own[..., :size], shift + own[..., size:]

    def folded(self, style: Style) -> FoldedNorm | ConditionalInstanceNorm2d:
        """A norm with the mixture of a style alone: plain of weights (S,), with L rows of (L, S)."""
        table = (style.weights @ rows.detach() for rows in (self.weight, self.bias))
        scale, shift = self._moved(style, *table)
        if style.weights.ndim == 1:
            return FoldedNorm(scale, shift)
        norm = ConditionalInstanceNorm2d(scale.shape[1], scale.shape[0])
        norm.weight, norm.bias = nn.Parameter(scale), nn.Parameter(shift)
        return norm

    def extra_repr(self) -> str:
        """Shown when printed."""
        styles, channels = self.weight.shape
        return f"{channels}, styles={styles}"


class FoldedNorm(nn.InstanceNorm2d):
    """Instance norm with one scale and shift, in the place of a conditional one."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__(len(scale), eps=EPSILON, affine=True)
        self.weight, self.bias = nn.Parameter(scale), nn.Parameter(shift)

    def forward(self, x: Tensor, style: Style | None = None) -> Tensor:
        """Normalise `x` (N, C, H, W); the style is folded in already."""
        return super().forward(x)


class LowFrequencies(nn.Module):
    """Low frequencies of pictures: what is left when they are made half as large and large again.

    Halved by the mean of each 2x2 pixels, enlarged by cubic curves. Pictures are in blocks, whose pixels are channels in
    the order of `torch.nn.functional.pixel_shuffle`, as nets paint them: so both are convolutions of few places and
    many channels, which run in tiles and on every device.

    Args:
        block: Side of a block in pixels, even.
    """

    def __init__(self, block: int) -> None:
        super().__init__()
        self.block, halves = block, block // 2
        means = torch.zeros(3, halves, halves, 3, block, block)
        self.reach = -(-2 // halves)
        """Blocks that are looked at beside a block."""
        blocks = range(-self.reach, self.reach + 1)
        taps = torch.tensor(
            [
                [
                    [_cubic(pixel / 2 - 0.25 - place - halves * at) for at in blocks]
                    for place in range(halves)
                ]
                for pixel in range(block)
            ]
        )
        kernel = torch.zeros(3, block, block, 3, halves, halves, len(blocks), len(blocks))
        both = torch.einsum("pia,qjb->pqijab", taps, taps)
        for colour in range(3):
            kernel[colour, :, :, colour] = both
            for row, column in product(range(block), repeat=2):
                means[colour, row // 2, column // 2, colour, row, column] = 0.25
        self.means: Tensor
        self.kernel: Tensor
        self.register_buffer("means", means.flatten(0, 2), persistent=False)
        self.register_buffer("kernel", kernel.flatten(3, 5).flatten(0, 2), persistent=False)

    def forward(self, canvas: Tensor, painted: Tensor) -> Tensor:
        """Return those by which pictures in blocks (N, 3 * block**2, H, W) miss their canvases, in blocks too.

        Args:
            canvas: Pictures (N, 3, H * block, W * block).
            painted: Pictures in blocks.
        """
        halved = F.conv2d(canvas, self.means, stride=self.block)
        halved = halved - F.conv2d(painted, self.means.reshape(len(self.means), -1, 1, 1))
        return F.conv2d(F.pad(halved, [self.reach] * 4, "replicate"), self.kernel)


class ConvNorm(nn.Module):
    """Convolution, then the norm. Padded by reflection: "zero padding gives bad border artifacts"."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        styles: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        # The norm subtracts the mean, so a bias here would be subtracted with it.
        padding = (kernel - stride + 1) // 2
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding, bias=False, padding_mode="reflect"
        )
        self.norm: ConditionalInstanceNorm2d | FoldedNorm
        self.norm = ConditionalInstanceNorm2d(outputs, styles)

    def forward(self, x: Tensor, style: Style) -> Tensor:
        """`x` (N, C, H, W), H and W more than half the kernel, to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x), style)
        return y


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, with no ReLU after the sum (Gross and Wilber 2016)."""

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3, styles)
        self.second = ConvNorm(channels, channels, 3, styles)

    def forward(self, x: Tensor, style: Style) -> Tensor:
        """`x` (N, C, H, W), H and W at least 2, to the same."""
        y: Tensor = self.second(F.relu(self.first(x, style)), style)
        return x + y
