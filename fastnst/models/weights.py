"""Weights and card in one file: safetensors, which training writes, or an exported .onnx."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fastnst.errors import BadStyleFile
from fastnst.models.config import NetConfig
from fastnst.models.nets import build_net
from fastnst.models.onnx_weights import read_onnx_weights
from fastnst.models.style_net import StyleNet
from fastnst.styles.card import CARD_KEY, StyleCard
from fastnst.styles.onnx_metadata import load_card
from fastnst.system.atomic import atomic_write


def save_net(path: Path, net: StyleNet, card: StyleCard) -> None:
    """Write a net and its card, whole or not at all.

    Raises:
        CannotWrite: The folder or the disk does not take it.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={CARD_KEY: card.to_json()}))


def load_net(path: str | Path) -> tuple[StyleNet, StyleCard]:
    """Read what `save_net` wrote, or an .onnx file of `export`; the net is on the CPU, in evaluation mode.

    Raises:
        BadStyleFile: The file is missing or holds something else.
    """
    path = Path(path)
    exported = path.suffix == ".onnx"
    try:
        if exported:
            tensors, card = read_onnx_weights(path), load_card(path)
        else:
            tensors, card = _read_safetensors(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise BadStyleFile(
            f"{path} can't be read as {'ONNX' if exported else 'safetensors'}: {error}.",
            "Give the .safetensors file that `fastnst train` wrote, or its run folder.",
        ) from error
    if card is None:
        raise BadStyleFile(
            f"{path} holds no style card.", "Give the .safetensors file that `fastnst train` wrote."
        )
    try:
        config = NetConfig(**card.net)
        if config.blocks > len(tensors) or config.styles > max(len(t) for t in tensors.values()):
            raise ValueError("a net that is larger than the file")  # Before it fills the memory.
        with torch.device("meta"):
            shapes = build_net(config).state_dict()
        if any(shapes[name].shape != tensors[name].shape for name in shapes):
            raise ValueError("tensors of other shapes")
        net = build_net(config)
        if exported:
            net.load_lean(tensors)
        else:
            net.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if exported:
            raise BadStyleFile(
                f"The weights in {path} can't be trained or exported: it holds one style alone, or lower precision.",
                "Give the .safetensors file that `fastnst train` wrote.",
            ) from error
        raise BadStyleFile(
            f"The weights in {path} do not fit the net of its card as this version of fastnst builds it.",
            f"Use the version that wrote it ({card.fastnst or 'not stated'}), or train it again.",
        ) from error
    return net.eval(), card


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], StyleCard | None]:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    card = metadata.get(CARD_KEY)
    return tensors, None if card is None else StyleCard.from_json(card, path)
