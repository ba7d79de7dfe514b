"""A net whose instance norms are given their statistics, so that parts of a picture are painted like the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import FastnstError

if TYPE_CHECKING:
    import onnx
    import onnxruntime as ort

Floats: TypeAlias = npt.NDArray[np.float32]
Core: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom and right in pixels of what counts of a picture."""
Statistics: TypeAlias = dict[str, Floats]
"""Mean and variance of the channels that go into each norm: `mean_0` (C,), `var_0` (C,), `mean_1`, ..."""
Opener: TypeAlias = Callable[[bytes], "ort.InferenceSession"]

HELD = 6
"""Things as large as the largest that are held at once, about."""
NORM = "InstanceNormalization"
ALIKE = {
    "Add", "Sub", "Mul", "Div", "Clip", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Tanh", "Sigmoid",
    "Softplus", "HardSwish", "Concat", "Cast", "Identity", "Pad", "InstanceNormalization", "BatchNormalization",
    "QuantizeLinear", "DequantizeLinear", "Abs", "Neg", "Min", "Max", "Pow", "Sqrt", "Dropout",
}  # fmt: skip
"""Operators whose output has a place for each place of the input, and looks at nothing around it."""


class FrozenNet:
    """A net in two forms: one measures the statistics of its norms, one paints with those it is given.

    Its memory goes back to the system after each run, unlike that of a plain session.

    Args:
        path: The .onnx file.
        opener: Opens a session of a model's bytes.

    Raises:
        FastnstError: It has parts that tiles can't be cut for.
    """

    def __init__(self, path: Path, opener: Opener) -> None:
        import onnx

        self._model = onnx.load(path)
        graph = self._model.graph
        self.norms = sum(node.op_type == NORM for node in graph.node)
        """How many there are."""
        self.reach, largest = _walk(graph, path)
        """How far in pixels a painted pixel looks, at most."""
        self.bytes_per_pixel = HELD * largest
        """What painting takes, about."""
        self._inputs = [node.name for node in graph.input]
        self._opener = opener
        self._painter: ort.InferenceSession | None = None

    def measure(
        self, windows: Callable[[], Iterable[tuple[Floats, Core]]], rows: Floats
    ) -> Statistics:
        """The statistics of all windows' cores together: a norm after the other, as each needs those before it.

        Args:
            windows: Gives, again and again, float32 RGB (1, 3, H, W) each, 0..255, the canvas's after the photo's
                if there is one (1, 6, H, W); and what counts of it.
            rows: How much of each row of scales and shifts.
        """
        given: Statistics = {}
        for number in range(self.norms):
            session = self._opener(_measuring(self._model, number))
            count, mean, var = 0, np.zeros(1), np.zeros(1)
            for window, core in windows():
                feed = self._feed(window, rows) | given | {"core": np.array(core, np.int64)}
                taken = {node.name for node in session.get_inputs()}
                found = session.run(None, {name: feed[name] for name in taken})
                m, v = (values.astype(np.float64) for values in found)
                pixels = (core[2] - core[0]) * (core[3] - core[1])
                count += pixels
                share = pixels / count
                # Chan et al. 1983: means and variances of parts to those of the whole.
                var = var + share * (v - var) + share * (1 - share) * (m - mean) ** 2
                mean = mean + share * (m - mean)
            given[f"mean_{number}"] = mean.astype(np.float32)
            given[f"var_{number}"] = var.astype(np.float32)
        return given

    def paint(self, window: Floats, rows: Floats, given: Statistics) -> Floats:
        """Paint a window (1, 3, H, W) or, with its canvas, (1, 6, H, W), 0..255, with statistics that are given."""
        if self._painter is None:
            self._painter = self._opener(_frozen(self._model).SerializeToString())
        (painted,) = self._painter.run(None, self._feed(window, rows) | given)
        result: Floats = painted
        return result

    def _feed(self, window: Floats, rows: Floats) -> dict[str, Any]:
        pictures = [window[:, channel : channel + 3] for channel in range(0, window.shape[1], 3)]
        return dict(zip(self._inputs, (*pictures, rows), strict=False))


def _frozen(model: onnx.ModelProto) -> onnx.ModelProto:
    """The net with other norms: an instance norm whose statistics are given is what ONNX calls batch norm."""
    import onnx
    from onnx import TensorProto, helper

    frozen = onnx.ModelProto()
    frozen.CopyFrom(model)
    graph = frozen.graph
    for number, node in enumerate(node for node in graph.node if node.op_type == NORM):
        given = [f"mean_{number}", f"var_{number}"]
        node.op_type = "BatchNormalization"
        node.input.extend(given)
        graph.input.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in given
        )
    return frozen


def _measuring(model: onnx.ModelProto, number: int) -> bytes:
    """The net up to one of its norms, giving mean and variance of what goes in, over the input `core`."""
    from onnx import TensorProto, helper

    frozen = _frozen(model)
    graph = frozen.graph
    norms = [node for node in graph.node if f"mean_{number}" in node.input]
    x, image = norms[0].input[0], graph.input[0].name
    del graph.output[:]
    node = helper.make_node

    def constant(name: str, values: list[int]) -> onnx.NodeProto:
        value = helper.make_tensor("", TensorProto.INT64, [len(values)], values)
        return node("Constant", [], [name], value=value)

    graph.input.append(helper.make_tensor_value_info("core", TensorProto.INT64, [4]))
    graph.node.extend(
        [
            constant("sides", [2, 3]),
            constant("places", [0, 2, 3]),
            node("Split", ["core"], ["first", "last"], num_outputs=2),
            node("Shape", [image], ["whole"], start=2),
            node("Shape", [x], ["size"], start=2),
            node("Mul", ["first", "size"], ["first_scaled"]),
            node("Div", ["first_scaled", "whole"], ["starts"]),
            node("Mul", ["last", "size"], ["last_scaled"]),
            node("Div", ["last_scaled", "whole"], ["ends"]),
            node("Slice", [x, "starts", "ends", "sides"], ["cut"]),
            node("ReduceMean", ["cut", "places"], ["mean"], keepdims=1),
            node("Sub", ["cut", "mean"], ["off"]),
            node("Mul", ["off", "off"], ["squares"]),
            node("ReduceMean", ["squares", "places"], ["found_var"], keepdims=0),
            node("ReduceMean", ["cut", "places"], ["found_mean"], keepdims=0),
        ]
    )
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None])
        for name in ("found_mean", "found_var")
    )
    needed = {output.name for output in graph.output}
    kept = []
    for one in reversed(graph.node):
        if needed & set(one.output):
            needed |= set(one.input)
            kept.append(one)
    inputs = [value for value in graph.input if value.name in needed]
    tensors = [value for value in graph.initializer if value.name in needed]
    for field, values in (
        (graph.node, kept[::-1]),
        (graph.input, inputs),
        (graph.initializer, tensors),
    ):
        del field[:]
        field.extend(values)
    result: bytes = frozen.SerializeToString()
    return result


def _walk(graph: onnx.GraphProto, path: Path) -> tuple[int, float]:
    """How far a painted pixel looks, in pixels, and the bytes of the largest thing between, a pixel.

    The first is the sum of all kernels, in pixels of the picture, along the longest way through the net.
    """
    from onnx import helper, numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    # Of each tensor that comes of the picture: pixels from one place to the next, how far it looks, channels.
    known: dict[str, tuple[float, float, float]] = {
        node.name: (1.0, 0.0, 3.0)
        for node in graph.input
        if len(node.type.tensor_type.shape.dim) == 4
    }
    for node in graph.node:
        inputs = [known[name] for name in node.input if name in known]
        if not inputs or node.op_type in ("Shape", "Constant"):
            continue
        step, reach = max(at[0] for at in inputs), max(at[1] for at in inputs)
        channels = inputs[0][2]
        settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        kind, scale = node.op_type, 1.0
        if kind in ("Conv", "ConvTranspose", "AveragePool", "MaxPool"):
            dims = [] if "Pool" in kind else constants[node.input[1]].dims
            sides = settings.get("kernel_shape") or dims[2:]
            holes = settings.get("dilations", [1] * len(sides))
            wide = max((k - 1) * hole + 1 for k, hole in zip(sides, holes, strict=True))
            stride = max(settings.get("strides", [1]))
            if kind == "ConvTranspose":
                step, reach = step / stride, reach + step * -(-wide // stride)
                channels = dims[1] * settings.get("group", 1)
            else:
                # On either side of a place of the output, which is as large as `stride` of the input.
                step, reach = step * stride, reach + step * max(0, (wide - stride + 1) // 2)
                channels = dims[0] if dims else channels
        elif kind in ("Resize", "Upsample"):
            given = [
                numpy_helper.to_array(constants[name])
                for name in node.input[1:]
                if name in constants
            ]
            scale = next(
                (float(v[2]) for v in given if v.shape == (4,) and v.dtype.kind == "f"), 0.0
            )
        elif kind == "DepthToSpace":
            scale = float(settings["blocksize"])
            channels /= scale**2
        elif kind == "Concat":
            channels = sum(at[2] for at in inputs)
        elif kind not in ALIKE:
            scale = 0.0
        if scale == 0.0:
            raise FastnstError(
                f"{path} can't paint in tiles: how far its part {kind} looks is not known.",
                "Paint the whole at once: --tile off",
            )
        if scale != 1.0:
            step, reach = step / scale, reach + step
        for name in node.output:
            known[name] = (step, reach, channels)
    largest = max(4 * channels / step**2 for step, _, channels in known.values())
    return round(max(reach for _, reach, _ in known.values())), largest
