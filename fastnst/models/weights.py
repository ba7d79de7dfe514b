"""Weights and card in one safetensors file: what training writes and `export` reads."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from fastnst.errors import BadStyleFile
from fastnst.models.config import NetConfig
from fastnst.models.nets import build_net
from fastnst.models.style_net import StyleNet
from fastnst.styles.card import CARD_KEY, StyleCard
from fastnst.system.atomic import atomic_write


def save_net(path: Path, net: StyleNet, card: StyleCard) -> None:
    """Write a net and its card, whole or not at all.

    Raises:
        CannotWrite: The folder or the disk does not take it.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={CARD_KEY: card.to_json()}))


def load_net(path: Path) -> tuple[StyleNet, StyleCard]:
    """Read what `save_net` wrote; the net is on the CPU, in evaluation mode.

    Raises:
        BadStyleFile: The file is missing or holds something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadStyleFile(
            f"{path} can't be read as safetensors: {error}.",
            "Give the .safetensors file that `fastnst train` wrote, or its run folder.",
        ) from error
    if CARD_KEY not in metadata:
        raise BadStyleFile(
            f"{path} holds no style card.", "Give the .safetensors file that `fastnst train` wrote."
        )
    card = StyleCard.from_json(metadata[CARD_KEY], path)
    try:
        config = NetConfig(**card.net)
        net = build_net(config)
        net.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadStyleFile(
            f"The weights in {path} do not fit the net of its card as this version of fastnst builds it.",
            f"Use the version that wrote it ({card.fastnst or 'not stated'}), or train it again.",
        ) from error
    return net.eval(), card
