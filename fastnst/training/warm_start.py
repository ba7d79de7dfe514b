"""Starting from a trained net: its kernels, and for each new style the row that suits it best."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from fastnst.errors import FastnstError, did_you_mean
from fastnst.models import ConditionalInstanceNorm2d, StyleNet, load_net
from fastnst.perceptual import PerceptualLoss
from fastnst.runtime.engine.levels import ground
from fastnst.system.package_data import bundled


def find_start(start: str) -> Path:
    """The weights of a gallery that ships, by its name, or a .safetensors file.

    Raises:
        FastnstError: There are none.
    """
    path = Path(start)
    if path.suffix == ".safetensors":
        return path
    found = {
        file.stem: file
        for file in bundled("checkpoints").glob("*.safetensors")
        if file.stem != "vgg16"
    }
    if start not in found:
        raise FastnstError(
            f"There is no net {start!r} to start from.",
            did_you_mean(start, found) or "Give a .safetensors file that `fastnst train` wrote.",
        )
    return found[start]


def started(net: StyleNet, path: Path) -> tuple[StyleNet | None, int]:
    """Give a net the weights of another.

    Args:
        net: To be trained; it takes everything, or everything but the rows if it has other styles.
        path: The other's weights.

    Returns:
        The other net if the rows remain to be chosen, and the steps of its training.

    Raises:
        FastnstError: It is of another kind.
    """
    known, card = load_net(path)
    ours, theirs = (
        (n.config.name, n.config.width, n.config.blocks, n.config.levels) for n in (net, known)
    )
    if ours != theirs:
        raise FastnstError(
            f"The net in {path} is {known.config}, and {net.config} is to be trained.",
            "Give the same --model.net, or another start.",
        )
    if known.config == net.config:
        net.load_state_dict(known.state_dict())
        return None, card.steps
    rows = {f"{name}.{part}" for name, _ in _norms(net) for part in ("weight", "bias")}
    weights = {name: value for name, value in known.state_dict().items() if name not in rows}
    net.load_state_dict(weights, strict=False)
    return known, card.steps


@torch.no_grad()
def choose_rows(net: StyleNet, donor: StyleNet, loss: PerceptualLoss, photos: Tensor) -> None:
    """Copy to each row of a net the donor's row whose paintings have the lowest objective for its style.

    Args:
        net: Its identity row, if it has one, takes the donor's.
        donor: With rows to choose from.
        loss: Has the styles of the net's rows.
        photos: RGB (N, 3, H, W), float, 0..255.
    """
    targets = loss.content_targets(photos)
    levels = donor.config.levels
    choices, wanted = ((n.config.styles - n.config.identity) // levels for n in (donor, net))
    canvas = None
    if levels > 1:  # By the coarsest level, where a style shows most.
        under = torch.from_numpy(ground(*photos.shape[2:]).copy()).permute(2, 0, 1)
        canvas = under.to(photos).expand_as(photos)
    found = torch.empty(wanted, choices)
    for row in range(choices):
        weights = torch.zeros(donor.config.styles, device=photos.device)
        weights[row * levels] = 1.0
        painted = donor(photos, weights, canvas).clamp(0, 255)
        for style in range(wanted):
            styles = torch.full((len(photos),), style, device=photos.device)
            found[style, row] = loss(painted, targets, styles).total
    first = found.argmin(dim=1) * levels
    best = (first[:, None] + torch.arange(levels)).flatten()
    if net.config.identity:
        best = torch.cat([best, torch.tensor([donor.config.styles - 1])])
    for (_, norm), (_, other) in zip(_norms(net), _norms(donor), strict=True):
        norm.weight.copy_(other.weight[best])
        norm.bias.copy_(other.bias[best])


def _norms(net: StyleNet) -> list[tuple[str, ConditionalInstanceNorm2d]]:
    modules = net.named_modules()
    return [(name, m) for name, m in modules if isinstance(m, ConditionalInstanceNorm2d)]
