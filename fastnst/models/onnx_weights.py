"""Weights out of an .onnx file that `export` wrote, so that a net need not be kept twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from torch import Tensor

PREFIX = "net."
"""Beginning of the names of weights in an exported graph."""
HALF = ".half"
"""End of the names of those that are stored in half precision."""


def read_onnx_weights(path: Path) -> dict[str, Tensor]:
    """Read the weights of an exported net, a `StyleNet.lean` one, by their names in the net.

    Raises:
        OSError: The file can't be read, or is no ONNX file.
        ValueError: A tensor is damaged, or lies in another file.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # Protobuf has no one base of its errors.
        raise OSError(f"{path.name} is no ONNX file") from error
    graph = model.graph
    stored = {tensor.name.removesuffix(HALF): tensor for tensor in graph.initializer}
    weights = {
        name.removeprefix(PREFIX): _values(tensor)
        for name, tensor in stored.items()
        if name.startswith(PREFIX)
    }
    for bias, matrix in _linear_layers(graph):
        if bias.startswith(PREFIX) and matrix in stored:
            name = bias.removeprefix(PREFIX).removesuffix("bias") + "weight"
            weights[name] = _values(stored[matrix]).T
    return weights


def _linear_layers(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Yield the names of bias and matrix of each product to which something is added."""
    products = {node.output[0]: node for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type == "Add" and node.input[0] in products:
            yield node.input[1], products[node.input[0]].input[1]


def _values(tensor: onnx.TensorProto) -> Tensor:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise ValueError(f"{tensor.name} lies in another file")
    return torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
