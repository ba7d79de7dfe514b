"""Loss networks: the features of a picture, by the names that the papers give to layers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fastnst.errors import BadStyleFile, FastnstError, did_you_mean
from fastnst.styles import shipped

VGG16 = (2, 2, 3, 3, 3)
"""Convolutions in each of the five blocks of configuration D of Simonyan and Zisserman 2015."""
OXFORD_MEAN = (123.68, 116.779, 103.939)
"""Mean RGB of the set that the original weights were trained on; they see 0..255 minus this, undivided."""


class Encoder(nn.Module):
    """VGG-16 with the original Oxford weights, frozen, cut into named layers.

    Layers are named as in Gatys et al. and Johnson et al.: `relu3_3` is the output of the third
    convolution of the third block, after its ReLU. The weights are those that the papers used;
    torchvision's own, trained anew, live on another scale.
    """

    def __init__(self, weights: Path | None = None) -> None:
        """Load the weights.

        Args:
            weights: A safetensors file in torchvision's layout (`features.0.weight` ...), for RGB
                0..255 minus the mean. None means the file that ships with fastnst.

        Raises:
            BadStyleFile: The file is missing, or holds something else.
        """
        super().__init__()
        self.mean: Tensor
        path = weights or shipped("checkpoints") / "vgg16.safetensors"
        self.register_buffer("mean", torch.tensor(OXFORD_MEAN).view(1, 3, 1, 1), persistent=False)
        self.layers = nn.ModuleDict()
        channels, position = 3, 0
        for block, depth in enumerate(VGG16, start=1):
            for number in range(1, depth + 1):
                width = min(64 * 2 ** (block - 1), 512)
                self.layers[f"{block}_{number}"] = nn.Conv2d(channels, width, 3, padding=1)
                channels = width
        try:
            tensors = load_file(path)
            for block, depth in enumerate(VGG16, start=1):
                for number in range(1, depth + 1):
                    conv = {
                        part: tensors[f"features.{position}.{part}"] for part in ("weight", "bias")
                    }
                    self.layers[f"{block}_{number}"].load_state_dict(conv)
                    position += 2
                position += 1
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise BadStyleFile(
                f"{path} can't be used as VGG-16 weights: {str(error).splitlines()[0]}.",
                "Give a safetensors file in torchvision's layout, or leave the option out for the shipped one.",
            ) from error
        self.requires_grad_(False)
        self.eval()

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that can be asked for, from shallow to deep."""
        return tuple(f"relu{name}" for name in self.layers)

    def check(self, names: Iterable[str]) -> None:
        """Raise `FastnstError` with the nearest names if a layer is not one of this network."""
        for name in names:
            if name not in self.names:
                raise FastnstError(f"VGG-16 has no layer {name!r}.", did_you_mean(name, self.names))

    def forward(self, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """The features of a batch; nothing past the deepest layer asked for is computed.

        Args:
            images: RGB (N, 3, H, W), float, 0..255.
            names: Layers, such as `relu3_3`.

        Returns:
            Name to features (N, C, H / 2^(block - 1), W / 2^(block - 1)).
        """
        wanted = set(names)
        features: dict[str, Tensor] = {}
        x = (images - self.mean).contiguous(memory_format=torch.channels_last)
        block = "1"
        for name, conv in self.layers.items():
            if len(features) == len(wanted):
                break
            if name[0] != block:
                x, block = F.max_pool2d(x, 2), name[0]
            x = F.relu(conv(x))
            if f"relu{name}" in wanted:
                features[f"relu{name}"] = x
        return features

    def extra_repr(self) -> str:
        """Shown when printed."""
        return "VGG-16, Oxford weights"
