"""Starting from a trained net: its kernels, and for each new style the rows that suit it best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from fastnst.errors import FastnstError, did_you_mean
from fastnst.models import ConditionalInstanceNorm2d, StyleNet, load_net
from fastnst.perceptual import PerceptualLoss
from fastnst.runtime.engine.levels import ground
from fastnst.system.package_data import bundled

WEIGHT_FILES = (".safetensors", ".onnx")
"""Extensions of files that weights are read from."""
ANY_NET = "gallery-unet"
"""The shipped net whose predictor `any` stands for."""


def find_weights(name: str) -> Path:
    """The file of a shipped gallery, by its name, or a file of weights, by its path; `any` is one with a predictor.

    Raises:
        FastnstError: No gallery has the name.
    """
    path = Path(name)
    if path.suffix in WEIGHT_FILES:
        return path
    galleries = {file.stem: file for file in bundled("checkpoints").glob("*.onnx")}
    if name == "any":
        name = ANY_NET
    if name not in galleries:
        raise FastnstError(
            f"There is no net {name!r} to start from.",
            did_you_mean(name, galleries)
            or "Give a .safetensors file that `fastnst train` wrote, or the .onnx file of a net.",
        )
    return galleries[name]


def load_weights(
    net: StyleNet, path: Path, names: Sequence[str] = ()
) -> tuple[StyleNet | None, int]:
    """Give a net the weights of a trained one.

    Args:
        net: Takes all weights, or all but the rows if its styles are others.
        path: Weights of the trained net, the donor.
        names: Names of the net's own styles.

    Returns:
        The donor, if the rows remain to be chosen by `choose_rows`, and the steps of its training.

    Raises:
        FastnstError: The donor has another architecture or size.
    """
    donor, card = load_net(path)
    ours, theirs = (
        (n.config.name, n.config.width, n.config.blocks, n.config.levels) for n in (net, donor)
    )
    if ours != theirs:
        raise FastnstError(
            f"The net in {path} is {donor.config}, and {net.config} is to be trained.",
            "Give the same --model.net, or another --init-from.",
        )
    if donor.config == net.config:
        net.load_state_dict(donor.state_dict())
        return None, card.steps
    rows = {f"{name}.{part}" for name, _ in _norms(net) for part in ("weight", "bias")}
    own_weights = net.state_dict()
    weights = {
        name: value
        for name, value in donor.state_dict().items()
        if name not in rows and name in own_weights and value.shape == own_weights[name].shape
    }
    net.load_state_dict(weights, strict=False)
    own, per_style = donor.config.styles - donor.config.predicted - donor.config.identity, 1
    if len(names) > 1 and names == [credit.name for credit in card.styles]:
        per_style = own // len(names)
        rest = net.config.predicted + net.config.identity
        same = own + rest == net.config.styles and net.config.identity == donor.config.identity
        if net.config.predicted and same:
            _copy_rows(net, donor, own, per_style)
            return None, card.steps
    return donor, card.steps


@torch.no_grad()
def _copy_rows(net: StyleNet, donor: StyleNet, own: int, per_style: int) -> None:
    """Copy the rows of all styles; the predicted ones, which the donor lacks, begin as their mean.

    A net of one level has several rows for each style, one for each stroke; it predicts the first.
    """
    last = own + net.config.predicted
    for (_, norm), (_, other) in zip(_norms(net), _norms(donor), strict=True):
        for ours, theirs in ((norm.weight, other.weight), (norm.bias, other.bias)):
            ours[:own] = theirs[:own]
            mean = theirs[:own].reshape(-1, per_style, theirs.shape[1]).mean(0)
            ours[own:last] = mean[: last - own]
            if net.config.identity:
                ours[-1] = theirs[-1]


@torch.no_grad()
def choose_rows(net: StyleNet, donor: StyleNet, loss: PerceptualLoss, photos: Tensor) -> None:
    """Copy to each style's rows the donor's rows whose stylized photos have the lowest objective for the style.

    Args:
        net: The net to change; its identity row, if it has one, takes the donor's.
        donor: The net whose rows are copied.
        loss: The objective, with the net's styles.
        photos: RGB (N, 3, H, W), float, 0..255.
    """
    targets = loss.content_targets(photos)
    levels = donor.config.levels
    choices, styles = ((n.config.styles - n.config.identity) // levels for n in (donor, net))
    canvas = None
    if levels > 1:  # A style shows most at the coarsest level.
        under = torch.from_numpy(ground(*photos.shape[2:]).copy()).permute(2, 0, 1)
        canvas = under.to(photos).expand_as(photos)
    objectives = torch.empty(styles, choices)
    for row in range(choices):
        weights = torch.zeros(donor.config.styles, device=photos.device)
        weights[row * levels] = 1.0
        painted = donor(photos, weights, canvas).clamp(0, 255)
        features = loss.features(painted)
        for style in range(styles):
            numbers = torch.full((len(photos),), style, device=photos.device)
            objectives[style, row] = loss.of_features(painted, features, targets, numbers).total
    first = objectives.argmin(dim=1) * levels
    best = (first[:, None] + torch.arange(levels)).flatten()
    if net.config.identity:
        best = torch.cat([best, torch.tensor([donor.config.styles - 1])])
    for (_, norm), (_, other) in zip(_norms(net), _norms(donor), strict=True):
        norm.weight.copy_(other.weight[best])
        norm.bias.copy_(other.bias[best])


@torch.no_grad()
def predict_rows(net: StyleNet, donor: StyleNet, statistics: Sequence[Tensor]) -> None:
    """Give each style the rows that the donor predicts from its painting.

    Args:
        net: The net to change; its identity row, if it has one, takes the donor's.
        donor: A net with a predictor.
        statistics: Of each style's painting (STATISTICS,); strokes of one painting follow one another.
    """
    assert donor.predictor is not None
    levels, config = donor.config.levels, donor.config
    last = config.styles - config.identity
    mean, predictor = donor.table()[last - config.predicted : last], donor.predictor.eval()
    for (_, norm), (_, other) in zip(_norms(net), _norms(donor), strict=True):
        size = other.weight.shape[1]
        part = slice(other.first, other.first + 2 * size)
        for number, described in enumerate(statistics):
            rows = mean[:, part] + predictor(described)[:, part]
            own = slice(number * levels, (number + 1) * levels)
            norm.weight[own], norm.bias[own] = rows[:, :size], rows[:, size:]
        if net.config.identity:
            norm.weight[-1], norm.bias[-1] = other.weight[-1], other.bias[-1]


def _norms(net: StyleNet) -> list[tuple[str, ConditionalInstanceNorm2d]]:
    modules = net.named_modules()
    return [(name, m) for name, m in modules if isinstance(m, ConditionalInstanceNorm2d)]
