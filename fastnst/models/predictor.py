"""The style predictor: from the statistics of any painting to the rows of a net."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STATISTICS = 1920
"""Numbers that a painting is described by: means, then standard deviations, of the 960 channels of relu1_2, relu2_2,
relu3_3 and relu4_3 of VGG-16."""
HIDDEN, BOTTLENECK = 256, 100
UNUSUAL = 3.0
"""Deviations from the mean of all paintings to which a statistic is limited: no painting of the training tells what is
past them."""
FLOOR = 1e-3
"""Share of a statistic's mean over paintings that is added before the logarithm."""


class StylePredictor(nn.Module):
    """A head that predicts the rows of scales and shifts of a painting, as offsets to the rows of a mean painting.

    As in Ghiasi et al. 2017 the rows are predicted from the painting, through a bottleneck; their features of an
    Inception net, trained along, are here the means and deviations of the loss network's style layers, as in Shen
    et al. 2018 ("Neural Style Transfer via Meta Networks"), which the objective itself looks at.
    """

    def __init__(self, rows: int, values: int) -> None:
        """Build a head that predicts no offset yet.

        Args:
            rows: Rows of a style.
            values: Scales and shifts of a row.
        """
        super().__init__()
        self.shape = rows, values
        self.floor: Tensor
        self.center: Tensor
        self.spread: Tensor
        self.register_buffer("floor", torch.full((STATISTICS,), FLOOR))
        self.register_buffer("center", torch.zeros(STATISTICS))
        self.register_buffer("spread", torch.ones(STATISTICS))
        self.hidden = nn.Linear(STATISTICS, HIDDEN)
        self.bottleneck = nn.Linear(HIDDEN, BOTTLENECK)
        self.out = nn.Linear(BOTTLENECK, rows * values)
        with torch.no_grad():
            self.out.weight.zero_()
            self.out.bias.zero_()

    @torch.no_grad()
    def standardize(self, statistics: Tensor) -> None:
        """Learn the means and deviations of paintings' statistics (P, STATISTICS)."""
        self.floor.copy_(FLOOR * statistics.mean(0).clamp(min=1e-6))
        logs = torch.log(statistics + self.floor)
        self.center.copy_(logs.mean(0))
        self.spread.copy_(logs.std(0, correction=0).clamp(min=1e-3))

    def fit(self, statistics: Tensor, offsets: Tensor, *, steps: int = 400, seed: int = 0) -> float:
        """Learn the offsets of styles that are known, and that a blend of styles belongs to a blend of paintings.

        Args:
            statistics: Of the styles' paintings (S, STATISTICS).
            offsets: Of the styles (S, rows, values).
            steps: Adam's steps.
            seed: Seed of the blends and the noise.

        Returns:
            The mean squared error of the last steps, as a share of the offsets' mean square.
        """
        generator = torch.Generator().manual_seed(seed)
        device, errors = statistics.device, torch.ones(1)
        means, deviations = statistics.chunk(2, 1)
        squares = deviations.square() + means.square()
        unit = offsets.square().mean()
        adam = torch.optim.Adam(self.parameters(), 1e-3)
        with torch.enable_grad():
            for step in range(steps):
                logits = torch.randn(16, len(statistics), generator=generator).to(device)
                shares = (logits * (8 if step % 2 else 2)).softmax(1)  # Nearly one style, or a few.
                mean = shares @ means
                deviation = (shares @ squares - mean.square()).clamp(min=0).sqrt()
                noise = torch.randn(16, STATISTICS, generator=generator).to(device)
                seen = torch.cat([mean, deviation], 1) * torch.exp(0.1 * noise)
                wanted = torch.einsum("ns,srv->nrv", shares, offsets)
                loss = F.mse_loss(self(seen), wanted) / unit
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
                errors = 0.95 * errors + 0.05 * loss.detach().cpu()
        return float(errors)

    def forward(self, statistics: Tensor) -> Tensor:
        """Predict the offsets of rows.

        Args:
            statistics: (STATISTICS,) of a painting, or (N, STATISTICS).

        Returns:
            (rows, values), or (N, rows, values).
        """
        x = (torch.log(statistics.clamp(min=0) + self.floor) - self.center) / self.spread
        x = x.clamp(-UNUSUAL, UNUSUAL)
        offsets: Tensor = self.out(self.bottleneck(F.gelu(self.hidden(x)))).unflatten(
            -1, self.shape
        )
        return offsets
