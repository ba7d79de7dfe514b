"""Loss networks: the features of an image, by the papers' names of layers."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Literal, TypeAlias, get_args

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from fastnst.errors import BadStyleFile, FastnstError, did_you_mean, first_line
from fastnst.system.package_data import bundled

NetworkName: TypeAlias = Literal["vgg16", "vgg19", "resnet50"]
Pooling: TypeAlias = Literal["max", "avg"]

VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each block of configurations D and E of Simonyan and Zisserman 2015."""
OXFORD_MEAN = (123.68, 116.779, 103.939)
"""Mean RGB of the set that the original weights were trained on; they see 0..255 minus this, undivided."""
TORCHVISION_MEAN, TORCHVISION_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Mean and deviation that torchvision's own weights expect, for RGB in 0..255."""


class LossNetwork(nn.Module):
    """An image classifier whose weights are not trained, with the features of its layers by name."""

    title: str
    """The network's usual name, such as VGG-16."""
    names: tuple[str, ...]
    """Names of the layers, from shallow to deep."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def resolve(self, name: str) -> str:
        """The network's own name for a layer.

        Raises:
            FastnstError: The network has no such layer; the message has the nearest names.
        """
        if name not in self.names:
            raise FastnstError(
                f"{self.title} has no layer {name!r}.", did_you_mean(name, self.names)
            )
        return name

    def forward(self, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """The features of a batch, computed up to the deepest of the layers.

        Args:
            images: RGB (N, 3, H, W), float, 0..255.
            names: Layers by the network's own names, such as `relu3_3`.

        Returns:
            Name to features (N, C, h, w), in the precision of the weights or of autocast.
        """
        weights = next(self.parameters())
        x = ((images - self.mean) / self.std).to(weights.dtype, memory_format=torch.channels_last)
        return self.features(x, frozenset(names))

    def lower(self, dtype: torch.dtype) -> None:
        """Convert the weights to a lower precision such as bfloat16, in which features are then computed."""
        for part in self.children():
            part.to(dtype)

    @abstractmethod
    def features(self, x: Tensor, names: frozenset[str]) -> dict[str, Tensor]:
        """The features of normalised images, in the range that the weights were trained on."""

    def extra_repr(self) -> str:
        """The text that `repr` shows."""
        return self.title


class Vgg(LossNetwork):
    """VGG-16 or VGG-19 (Simonyan and Zisserman 2015).

    `relu3_3` is the output of the third convolution of the third block, after its ReLU. `conv3_3` and
    Keras' `block3_conv3` are other names for it: in the network that Gatys et al. used, ReLU works in
    place on what conv3_3 gave, and Keras has it inside the layer.
    """

    def __init__(
        self, name: Literal["vgg16", "vgg19"], weights: Path | None, pooling: Pooling
    ) -> None:
        oxford = name == "vgg16"
        super().__init__(
            OXFORD_MEAN if oxford else TORCHVISION_MEAN, (1.0,) * 3 if oxford else TORCHVISION_STD
        )
        self.title = "VGG-16" if oxford else "VGG-19"
        self.source = "Oxford weights" if oxford else "torchvision weights"
        self._pool = F.max_pool2d if pooling == "max" else F.avg_pool2d
        self.layers = nn.ModuleDict()
        blocks = VGG_BLOCKS[name]
        channels = 3
        for block, depth in enumerate(blocks, start=1):
            for number in range(1, depth + 1):
                width = min(64 * 2 ** (block - 1), 512)
                self.layers[f"{block}_{number}"] = nn.Conv2d(channels, width, 3, padding=1)
                channels = width
        self.names = tuple(f"relu{name}" for name in self.layers)
        if oxford and weights is None:
            weights = bundled("checkpoints") / "vgg16.safetensors"
        with _refusing(weights, self.title):
            tensors, position = _load(name, weights), 0
            for block, depth in enumerate(blocks, start=1):
                for number in range(1, depth + 1):
                    conv = {
                        part: tensors[f"features.{position}.{part}"] for part in ("weight", "bias")
                    }
                    self.layers[f"{block}_{number}"].load_state_dict(conv)
                    position += 2
                position += 1

    def resolve(self, name: str) -> str:
        """The layer's name after ReLU, such as `relu4_2`, from any of its names."""
        match = re.fullmatch(r"(?:relu|conv)(\d_\d)|block(\d)_conv(\d)", name)
        own = match and "relu" + (match[1] or f"{match[2]}_{match[3]}")
        if own in self.names:
            return own
        # The nearest names take the form that was used.
        form = (
            r"block\1_conv\2"
            if name.startswith("block")
            else (r"conv\1_\2" if name.startswith("conv") else r"relu\1_\2")
        )
        near = (re.sub(r"relu(\d)_(\d)", form, other) for other in self.names)
        raise FastnstError(f"{self.title} has no layer {name!r}.", did_you_mean(name, near))

    def features(self, x: Tensor, names: frozenset[str]) -> dict[str, Tensor]:
        """See `LossNetwork.features`."""
        features: dict[str, Tensor] = {}
        block = "1"
        for name, conv in self.layers.items():
            if len(features) == len(names):
                break
            if name[0] != block:
                x, block = self._pool(x, 2), name[0]
            x = F.relu(conv(x))
            if f"relu{name}" in names:
                features[f"relu{name}"] = x
        return features

    def extra_repr(self) -> str:
        """The text that `repr` shows."""
        return f"{self.title}, {self.source}"


class ResNet(LossNetwork):
    """ResNet-50 (He et al. 2016) with torchvision's names of layers: `layer2.3.conv1`, or `layer2.3` for a block."""

    title = "ResNet-50"

    def __init__(self, weights: Path | None, pooling: Pooling) -> None:
        super().__init__(TORCHVISION_MEAN, TORCHVISION_STD)
        from torchvision.models import resnet50
        from torchvision.models.feature_extraction import get_graph_node_names

        net = resnet50()
        with _refusing(weights, self.title):
            net.load_state_dict(_load("resnet50", weights))
        if pooling == "avg":
            net.maxpool = nn.AvgPool2d(3, 2, 1)
        for module in net.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # Else it would change the features of the layer before it.
        self._net = net.eval()
        nodes = get_graph_node_names(net)[1][1:-3]  # Without the input and the classifier's head.
        blocks = dict.fromkeys(node.rsplit(".", 1)[0] for node in nodes if node.count(".") >= 2)
        self.names = (*nodes, *blocks)
        self._extractors: dict[frozenset[str], nn.Module] = {}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ResNet:
        self._extractors.clear()  # They hold the buffers that they were made with.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def lower(self, dtype: torch.dtype) -> None:
        """See `LossNetwork.lower`."""
        self._extractors.clear()
        super().lower(dtype)

    def features(self, x: Tensor, names: frozenset[str]) -> dict[str, Tensor]:
        """See `LossNetwork.features`."""
        if names not in self._extractors:
            from torchvision.models.feature_extraction import create_feature_extractor

            # A graph without the layers that nothing asked for depends on; the weights are shared.
            self._extractors[names] = create_feature_extractor(self._net, sorted(names)).eval()
        features: dict[str, Tensor] = self._extractors[names](x)
        return features


def load_loss_network(
    name: NetworkName = "vgg16", weights: Path | None = None, pooling: Pooling = "max"
) -> LossNetwork:
    """Load a loss network, with weights that are not trained.

    Args:
        name: `vgg16` with the original Oxford weights, which ship with fastnst and are those of the
            papers; `vgg19` or `resnet50` with torchvision's weights.
        weights: A file instead, .safetensors or .pth, in torchvision's layout. For `vgg16` its weights
            must be for RGB 0..255 minus the mean (torchvision's IMAGENET1K_FEATURES), for the others
            as torchvision's IMAGENET1K_V1. None means the file that ships, or torchvision's download.
        pooling: `avg` as Gatys et al. 2016 propose for smoother pictures, `max` as the networks were trained.

    Raises:
        BadStyleFile: The file is missing or holds something else, or the download failed.
        FastnstError: There is no such network.
    """
    if name not in get_args(NetworkName):
        raise FastnstError(
            f"There is no loss network {name!r}.", did_you_mean(name, get_args(NetworkName))
        )
    network = ResNet(weights, pooling) if name == "resnet50" else Vgg(name, weights, pooling)
    network.requires_grad_(False)
    return network.eval()


def _load(name: str, path: Path | None) -> dict[str, Tensor]:
    """Tensors by name from a file, or from torchvision's download."""
    if path is None:
        return _downloaded(name)
    if path.suffix == ".safetensors":
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise RuntimeError("it holds no tensors by name")
    return loaded


def _downloaded(name: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)["IMAGENET1K_V1"]
    try:
        tensors: dict[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        file = weights.url.rsplit("/", 1)[-1]
        raise BadStyleFile(
            f"The weights of {name} are not on this machine and can't be downloaded from {weights.url}:"
            f" {first_line(error)}.",
            f"Fetch {file} elsewhere and give it with --network-weights, or take --network vgg16, which ships with fastnst.",
        ) from error
    return tensors


@contextmanager
def _refusing(path: Path | None, title: str) -> Iterator[None]:
    """Turn any error of loading weights into one sentence."""
    try:
        yield
    except (OSError, SafetensorError, KeyError, RuntimeError, UnpicklingError) as error:
        reason = first_line(error)
        if isinstance(error, KeyError):
            reason = f"it has no {error.args[0]}"
        raise BadStyleFile(
            f"{path or 'The download'} can't be used as {title} weights: {reason}.",
            "Give a .safetensors or .pth file in torchvision's layout, or leave the option out.",
        ) from error
