"""Receptive field of a net and the memory that it takes, read from its graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnst.errors import FastnstError

if TYPE_CHECKING:
    import onnx

NORM = "InstanceNormalization"
POINTWISE = {
    "Add", "Sub", "Mul", "Div", "Clip", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Tanh", "Sigmoid",
    "Softplus", "HardSwish", "Concat", "Cast", "Identity", "Pad", NORM, "BatchNormalization",
    "QuantizeLinear", "DequantizeLinear", "Abs", "Neg", "Min", "Max", "Pow", "Sqrt", "Dropout",
}  # fmt: skip
"""Operators that keep the size of their input and look at no neighbours. (Norms take their statistics from elsewhere.)"""


class ReceptiveField(NamedTuple):
    """Bounds of a net that tiles are cut by."""

    radius: int
    """Largest distance, in pixels, from an output pixel to an input pixel that it depends on."""
    bytes_per_pixel: float
    """Size of the largest activation, in bytes for each pixel of the picture."""


class _Activation(NamedTuple):
    step: float
    """Pixels of the picture from one place to the next."""
    radius: float
    """Pixels of the picture that a place depends on, to each side."""
    channels: float


def receptive_field(graph: onnx.GraphProto, path: Path) -> ReceptiveField:
    """Return the sum of all kernels, in pixels of the picture, along the longest way through a net.

    Args:
        graph: Of the net.
        path: The net's file, for errors.

    Raises:
        FastnstError: A part of the net is unknown here, or looks at the whole picture.
    """
    known = {
        node.name: _Activation(1.0, 0.0, 3.0)
        for node in graph.input
        if len(node.type.tensor_type.shape.dim) == 4
    }
    _follow(graph, known, {}, path)
    return ReceptiveField(
        round(max(activation.radius for activation in known.values())),
        max(4 * activation.channels / activation.step**2 for activation in known.values()),
    )


def _follow(
    graph: onnx.GraphProto,
    known: dict[str, _Activation],
    constants: dict[str, onnx.TensorProto],
    path: Path,
) -> None:
    """Add what the nodes of a graph make to the activations and constants that are known."""
    constants.update({tensor.name: tensor for tensor in graph.initializer})
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
        elif node.op_type == "Cast" and node.input[0] in constants:  # Weights in half precision.
            constants[node.output[0]] = constants[node.input[0]]
        elif node.op_type == "If":
            for branch in node.attribute:
                _follow(branch.g, known, constants, path)
                for output, result in zip(node.output, branch.g.output, strict=True):
                    # That of the branch which looks farther.
                    found = [known[name] for name in (output, result.name) if name in known]
                    if found:
                        known[output] = max(found, key=lambda at: at.radius)
        elif inputs := [known[name] for name in node.input if name in known]:
            if node.op_type == "Shape":
                continue
            made = _after(node, inputs, constants)
            if made is None:
                raise FastnstError(
                    f"{path} can't paint in tiles: how far its part {node.op_type} looks is not known.",
                    "Paint the whole at once: --tile off",
                )
            known.update(dict.fromkeys(node.output, made))


def _after(
    node: onnx.NodeProto, inputs: list[_Activation], constants: dict[str, onnx.TensorProto]
) -> _Activation | None:
    """Return the output of a node; None where it is not known."""
    from onnx import helper

    step, radius = max(at.step for at in inputs), max(at.radius for at in inputs)
    channels = inputs[0].channels
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kind = node.op_type
    if kind in ("Conv", "ConvTranspose", "AveragePool", "MaxPool"):
        dims = [] if "Pool" in kind else constants[node.input[1]].dims
        sides = settings.get("kernel_shape") or dims[2:]
        holes = settings.get("dilations", [1] * len(sides))
        width = max((k - 1) * hole + 1 for k, hole in zip(sides, holes, strict=True))
        stride = max(settings.get("strides", [1]))
        if kind == "ConvTranspose":
            outputs = dims[1] * settings.get("group", 1)
            return _Activation(step / stride, radius + step * -(-width // stride), outputs)
        # To each side of a place of the output, which covers `stride` places of the input.
        radius += step * max(0, (width - stride + 1) // 2)
        return _Activation(step * stride, radius, dims[0] if dims else channels)
    if kind in ("Resize", "Upsample"):
        scale = _scale(node, constants)
        if not scale or scale == 1:
            return _Activation(step, radius, channels) if scale else None
        return _Activation(step / scale, radius + step, channels)
    if kind == "DepthToSpace":
        side = float(settings["blocksize"])
        return _Activation(step / side, radius + step, channels / side**2)
    if kind == "Concat":
        return _Activation(step, radius, sum(at.channels for at in inputs))
    return _Activation(step, radius, channels) if kind in POINTWISE else None


def _scale(node: onnx.NodeProto, constants: dict[str, Any]) -> float | None:
    """Return the factor by which a node enlarges a picture; None where it is no constant."""
    from onnx import numpy_helper

    for name in node.input[1:]:
        if name in constants:
            values = numpy_helper.to_array(constants[name])
            if values.shape == (4,) and values.dtype.kind == "f":
                return float(values[2])
    return None
