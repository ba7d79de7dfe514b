"""The base class of the nets: from a photo and a mixture of styles to a stylized image."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models.config import NetConfig
from fastnst.models.layers import ConditionalInstanceNorm2d, ConvNorm, LowFrequencies, Style
from fastnst.models.predictor import StylePredictor

HEADROOM = 150.0
"""The output is 127.5 + 150 tanh(.): 22.5 past either end of 0..255 (clamped where it is used), so
that black and white lie where tanh still has a gradient. 150 is the factor of Johnson's own code."""
EDGE = math.atanh(127.5 / HEADROOM)
"""Value at which the output, before tanh, reaches black (below 0) and white."""
FIRST_HELD = 2
"""The first level that keeps the low frequencies of its canvas; the levels before it shape them."""


class StyleNet(nn.Module, ABC):
    """A net that stylizes photos in any mixture of its styles.

    A net with an identity row shows as much of the photo itself as that row weighs: nothing of it at full
    strength, nothing else at strength 0. (Instance norms take the photo's own brightness and contrast
    away, so that no row of scales and shifts could give it back.)

    A net of several levels sees a canvas beside the photo, and paints over it. From the third level on it paints
    the high frequencies alone: the low ones are the canvas's, as in a Laplacian pyramid (Burt and Adelson 1983;
    Lin et al. 2021 for styles), so that a picture of any size looks the same from afar.
    """

    multiple_of: ClassVar[int]
    """Height and width must be multiples of this."""
    minimum: ClassVar[int]
    """The least height and width."""
    block: ClassVar[int] = 1
    """Side in pixels of the blocks whose pixels `paint` leaves as channels, in the order of `pixel_shuffle`."""
    needs_even_width: ClassVar[bool] = False
    """True if channels are shuffled to pixels, four of `width` / 2 to one."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        if self.needs_even_width and config.width % 2:
            raise ValueError(f"width is {config.width}; the net {config.name} needs an even one")
        self.config = config
        self._share = 0.0
        """Share of the photo in a mixture that was folded in."""
        self._centred = True
        """True if the first convolution takes -1..1, not 0..255."""
        self.low = LowFrequencies(max(self.block, 2))
        self.predictor: StylePredictor | None = None
        """Predicts the rows of any painting."""
        self.held: Tensor
        self.styled: Tensor
        self._mark_rows()

    def add_predictor(self) -> None:
        """Add the predictor that the configuration asks for, once all norms are there."""
        values = 0
        for module in self.modules():
            if isinstance(module, ConditionalInstanceNorm2d):
                module.first = values
                values += 2 * module.weight.shape[1]
        if self.config.predicted:
            self.predictor = StylePredictor(self.config.predicted, values)

    def table(self) -> Tensor:
        """The rows of all styles (S, V): scales, then shifts, of one norm after the other."""
        norms = [m for m in self.modules() if isinstance(m, ConditionalInstanceNorm2d)]
        return torch.cat([rows for norm in norms for rows in (norm.weight, norm.bias)], 1).detach()

    def style(self, style_weights: Tensor, statistics: Tensor | None = None) -> Style:
        """A mixture of rows as norms take it, with the offsets of a painting's prediction.

        Args:
            style_weights: Weight of each row, (S,) or (N, S).
            statistics: A painting's statistics, (STATISTICS,) or (N, STATISTICS); None leaves the predicted rows
                those of a mean painting.
        """
        if self.predictor is None or statistics is None:
            return Style(style_weights)
        last = self.config.styles - self.config.identity
        own = style_weights[..., last - self.config.predicted : last]
        with torch.autocast(statistics.device.type, enabled=False):
            offsets = self.predictor(statistics)
        return Style(style_weights, (own[..., None] * offsets).sum(-2))

    def _mark_rows(self) -> None:
        """Mark the rows that keep the canvas's low frequencies, and the rows of styles, each (S,) of 0 and 1."""
        config, rows = self.config, torch.arange(self.config.styles)
        styled = torch.ones(config.styles)
        if config.identity:
            styled[-1] = 0
        held = styled * (rows % config.levels >= FIRST_HELD)
        self.register_buffer("held", held, persistent=False)
        self.register_buffer("styled", styled, persistent=False)

    @abstractmethod
    def paint(self, x: Tensor, style: Style) -> Tensor:
        """Compute the output before tanh, in blocks: (N, 3 * block**2, H / block, W / block).

        Args:
            x: The photo in -1..1, (N, 3, H, W), and after it the canvas if there is one, (N, 6, H, W).
            style: The mixture of styles.
        """

    def forward(
        self,
        image: Tensor,
        style_weights: Tensor | None = None,
        canvas: Tensor | None = None,
        statistics: Tensor | None = None,
    ) -> Tensor:
        """Stylize a batch: `pre_tanh`, then `finish`.

        Args:
            image: RGB (N, 3, H, W), float, 0..255; H and W multiples of `multiple_of`, at least `minimum`.
            style_weights: Weight of each row, (S,) for the whole batch or (N, S) per image,
                summing to 1. None means the first row.
            canvas: RGB of the image's shape, 0..255, to be painted over; for nets of several levels alone.
            statistics: A painting's statistics, (STATISTICS,) for the whole batch or (N, STATISTICS) per image;
                for nets with a predictor alone.

        Returns:
            RGB of the same shape, float32, about -22.5..277.5: clamp it to 0..255 to show it.
        """
        pre_tanh = self.pre_tanh(image, style_weights, canvas, statistics)
        return self.finish(pre_tanh, image, style_weights, canvas)

    def pre_tanh(
        self,
        image: Tensor,
        style_weights: Tensor | None = None,
        canvas: Tensor | None = None,
        statistics: Tensor | None = None,
    ) -> Tensor:
        """The output before tanh, in blocks, float32: -EDGE is black and EDGE white."""
        if style_weights is None:
            style_weights = torch.eye(self.config.styles)[0].to(image)
        x = image if canvas is None else torch.cat([image, canvas], 1)
        x = x / 127.5 - 1.0 if self._centred else x
        return self.paint(x, self.style(style_weights, statistics)).float()

    def finish(
        self,
        pre_tanh: Tensor,
        image: Tensor,
        style_weights: Tensor | None = None,
        canvas: Tensor | None = None,
    ) -> Tensor:
        """The stylized image, as `forward` returns it, from `pre_tanh`."""
        painted = to_rgb(pre_tanh)
        if canvas is not None and style_weights is not None and self.config.levels > FIRST_HELD:
            if self.block == 1:
                painted = F.pixel_unshuffle(painted, 2)
            # For the styles alone: the photo's share is mixed in below.
            styled = (style_weights * self.styled).sum(-1).clamp(min=1e-6)
            held = ((style_weights * self.held).sum(-1) / styled).reshape(-1, 1, 1, 1)
            if torch.compiler.is_exporting():  # Levels that hold nothing are spared the work.
                painted = torch.cond(held.max() > 0, self._hold, _not_held, (painted, canvas, held))
            else:
                painted = self._hold(painted, canvas, held)
        if self.config.identity and style_weights is not None:
            share = style_weights[..., -1].reshape(-1, 1, 1, 1)
            if torch.compiler.is_exporting():  # Full strength is spared the work.
                mixed: Tensor = torch.cond(share.max() > 0, _mixed, _alone, (painted, image, share))
                return mixed
            return _mixed(painted, image, share)
        painted = _shuffled(painted)
        return painted + self._share * (image - painted) if self._share else painted

    def _hold(self, painted: Tensor, canvas: Tensor, held: Tensor) -> Tensor:
        """The painting, in blocks, with a share `held` (N, 1, 1, 1) of the low frequencies of its canvas."""
        missing: Tensor = self.low(canvas, painted)
        return painted + held * missing

    def folded(self, style_weights: Tensor, statistics: Tensor | None = None) -> StyleNet:
        """A copy that paints one style or one mixture alone, for a smaller export.

        Args:
            style_weights: (S,) for plain norms; (levels, S) for a net of several levels, which keeps a row for each.
            statistics: (STATISTICS,) of the painting whose prediction the mixture has a share of.
        """
        style = self.style(style_weights, statistics)
        net = copy.deepcopy(self)
        net.config = replace(self.config, styles=self.config.levels, identity=False, predicted=0)
        net.predictor = None
        net._share = style_weights.flatten()[-1].item() if self.config.identity else 0.0
        net._mark_rows()
        for module in net.modules():
            if isinstance(module, ConvNorm) and isinstance(module.norm, ConditionalInstanceNorm2d):
                module.norm = module.norm.folded(style)
        return net

    def lean(self) -> StyleNet:
        """A copy whose first convolution takes 0..255; the norm after it removes the shift."""
        net = copy.deepcopy(self)
        with torch.no_grad():
            net._first_kernel.div_(127.5)
        net._centred = False
        return net

    def load_lean(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a `lean` copy.

        Raises:
            KeyError: One is missing.
            RuntimeError: One has another shape.
        """
        self.load_state_dict({name: weights[name] for name in self.state_dict()})
        with torch.no_grad():
            self._first_kernel.mul_(127.5)

    @property
    def _first_kernel(self) -> Tensor:
        first = next(module for module in self.modules() if isinstance(module, ConvNorm))
        return first.conv.weight


def _not_held(painted: Tensor, canvas: Tensor, held: Tensor) -> Tensor:
    return painted.clone()


def _mixed(painted: Tensor, image: Tensor, share: Tensor) -> Tensor:
    """The painting, given in blocks, with a share (N, 1, 1, 1) of the photo."""
    painted = _shuffled(painted)
    return painted + share * (image - painted)


def _alone(painted: Tensor, image: Tensor, share: Tensor) -> Tensor:
    return _shuffled(painted).clone()


def _shuffled(painted: Tensor) -> Tensor:
    """The painting (N, 3, H, W), given in blocks."""
    block = math.isqrt(painted.shape[1] // 3)
    return F.pixel_shuffle(painted, block) if block > 1 else painted


def to_rgb(pre_tanh: Tensor) -> Tensor:
    """RGB, -22.5..277.5, from a net's output before tanh."""
    return 127.5 + HEADROOM * torch.tanh(pre_tanh)
