"""A net whose instance norms are given their statistics, so that tiles of a picture are painted like the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.receptive_field import NORM, receptive_field
from fastnst.runtime.engine.session import STYLE_WEIGHTS, Session, open_session

if TYPE_CHECKING:
    import onnx

Floats: TypeAlias = npt.NDArray[np.float32]
Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom and right of a part of a picture, in pixels."""
Statistics: TypeAlias = dict[str, Floats]
"""Mean and variance of the channels that go into each norm: `mean_0` (C,), `var_0` (C,), `mean_1`, ..."""

ACTIVATIONS_HELD = 6
"""Estimated number of activations of the largest size that are in memory at once."""


class FixedNormsNet:
    """A net in two forms: one measures the statistics of its norms, one paints with given statistics.

    Its memory goes back to the system after each run, unlike that of a plain session.

    Args:
        path: The .onnx file.
        device: Where to run; `auto` takes the fastest that can load the net.

    Raises:
        FastnstError: The net has parts that tiles can't be cut for.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        import onnx

        self._path, self._device = path, device
        self._model = onnx.load(path)
        graph = self._model.graph
        self.norms = sum(node.op_type == NORM for node in graph.node)
        """Number of norms."""
        self.radius, largest = receptive_field(graph, path)
        """Largest distance, in pixels, from an output pixel to an input pixel that it depends on."""
        self.bytes_per_pixel = ACTIVATIONS_HELD * largest
        """Estimated memory for painting, in bytes for each pixel."""
        self._inputs = {
            node.name: [dim.dim_value for dim in node.type.tensor_type.shape.dim]
            for node in graph.input
        }
        self._painter: Session | None = None
        self._measurers: dict[int, Session] = {}

    def measure(
        self, windows: Callable[[], Iterable[tuple[Floats, Box]]], rows: Floats
    ) -> Statistics:
        """Measure the statistics over all tiles, one norm after the other, as each depends on those before it.

        Args:
            windows: Returns all tiles, each time that it is called: the window around a tile, float32 RGB
                (1, 3, H, W) in 0..255, or (1, 6, H, W) with the canvas after the photo; and the tile in it.
            rows: Shares of the rows (rows,).
        """
        given: Statistics = {}
        for number in range(self.norms):
            session = self._measurer(number)
            count, mean, var = 0, np.zeros(1), np.zeros(1)
            for window, tile in windows():
                feed = self._feed(window, rows) | given | {"tile": np.array(tile, np.int64)}
                found = session.run({node.name: feed[node.name] for node in session.inputs})
                m, v = (values.astype(np.float64) for values in found)
                pixels = (tile[2] - tile[0]) * (tile[3] - tile[1])
                count += pixels
                share = pixels / count
                # Means and variances of parts to those of the whole, Chan et al. 1983.
                var = var + share * (v - var) + share * (1 - share) * (m - mean) ** 2
                mean = mean + share * (m - mean)
            given[f"mean_{number}"] = mean.astype(np.float32)
            given[f"var_{number}"] = var.astype(np.float32)
        return given

    def paint(self, window: Floats, rows: Floats, given: Statistics) -> Floats:
        """Paint with given statistics.

        Args:
            window: Float32 RGB (1, 3, H, W) in 0..255, or (1, 6, H, W) with the canvas after the photo.
            rows: Shares of the rows (rows,).
            given: What `measure` returned.

        Returns:
            Float32 RGB (1, 3, H, W); values may lie outside 0..255.
        """
        if self._painter is None:
            model = _with_fixed_norms(self._model).SerializeToString()
            self._painter = open_session(self._path, self._device, model)
        result: Floats = self._painter.run(self._feed(window, rows) | given)[0]
        return result

    def _measurer(self, number: int) -> Session:
        """Return the net up to a norm, see `_measuring`."""
        if number not in self._measurers:
            # A mean that is rounded is wrong by the same amount all over the picture.
            self._measurers[number] = open_session(
                self._path, self._device, _measuring(self._model, number), precise=True
            )
        return self._measurers[number]

    def _feed(self, window: Floats, rows: Floats) -> dict[str, Any]:
        pictures = [window[:, channel : channel + 3] for channel in range(0, window.shape[1], 3)]
        shape = self._inputs.get(STYLE_WEIGHTS, [len(rows)])
        parts = np.split(rows[None] if len(shape) == 2 else rows, shape[-1:], axis=-1)
        return dict(zip(self._inputs, (*pictures, *parts), strict=False))


def _with_fixed_norms(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the net with batch norms, which take their statistics as inputs, in place of instance norms."""
    import onnx
    from onnx import TensorProto, helper

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    for number, node in enumerate(node for node in graph.node if node.op_type == NORM):
        given = [f"mean_{number}", f"var_{number}"]
        node.op_type = "BatchNormalization"
        node.input.extend(given)
        graph.input.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in given
        )
    return fixed


def _measuring(model: onnx.ModelProto, number: int) -> bytes:
    """Return the net up to one norm, with mean and variance of that norm's input over `tile` as its outputs."""
    from onnx import TensorProto, helper

    cut = _with_fixed_norms(model)
    graph = cut.graph
    norms = [node for node in graph.node if f"mean_{number}" in node.input]
    x, image = norms[0].input[0], graph.input[0].name
    del graph.output[:]
    node = helper.make_node

    def constant(name: str, values: list[int]) -> onnx.NodeProto:
        value = helper.make_tensor("", TensorProto.INT64, [len(values)], values)
        return node("Constant", [], [name], value=value)

    graph.input.append(helper.make_tensor_value_info("tile", TensorProto.INT64, [4]))
    graph.node.extend(
        [
            constant("sides", [2, 3]),
            constant("places", [0, 2, 3]),
            node("Split", ["tile"], ["first", "last"], num_outputs=2),
            node("Shape", [image], ["whole"], start=2),
            node("Shape", [x], ["size"], start=2),
            node("Mul", ["first", "size"], ["first_scaled"]),
            node("Div", ["first_scaled", "whole"], ["starts"]),
            node("Mul", ["last", "size"], ["last_scaled"]),
            node("Div", ["last_scaled", "whole"], ["ends"]),
            node("Slice", [x, "starts", "ends", "sides"], ["inside"]),
            node("ReduceMean", ["inside", "places"], ["mean"], keepdims=1),
            node("Sub", ["inside", "mean"], ["off"]),
            node("Mul", ["off", "off"], ["squares"]),
            node("ReduceMean", ["squares", "places"], ["found_var"], keepdims=0),
            node("ReduceMean", ["inside", "places"], ["found_mean"], keepdims=0),
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
    result: bytes = cut.SerializeToString()
    return result
