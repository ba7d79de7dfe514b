"""Parts of nets: convolutions with conditional instance normalisation."""

from __future__ import annotations

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

    Halved by the mean of each 2x2 pixels, enlarged by cubic curves. It is a pooling, a convolution and a pixel
    shuffle, which run in tiles and on every device.
    """

    def __init__(self) -> None:
        super().__init__()
        near = torch.tensor([_cubic(place + 0.25) for place in range(-2, 3)])
        taps = torch.stack([near, near.flip(0)])
        kernel = torch.zeros(3, 4, 3, 5, 5)
        kernel[range(3), :, range(3)] = torch.einsum("ay,bx->abyx", taps, taps).reshape(4, 5, 5)
        self.kernel: Tensor
        self.register_buffer("kernel", kernel.reshape(12, 3, 5, 5), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return them for pictures (N, 3, H, W), of even height and width."""
        halved = F.pad(F.avg_pool2d(x, 2), (2, 2, 2, 2), "replicate")
        return F.pixel_shuffle(F.conv2d(halved, self.kernel), 2)


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
