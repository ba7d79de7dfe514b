"""Graphs of nets whose instance norms are given their statistics, and of what measures these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnst.runtime.engine.receptive_field import NORM

if TYPE_CHECKING:
    import onnx

FOUND = "found_"
"""Beginning of the names of measured statistics, before those that they are given by."""


def with_fixed_norms(model: onnx.ModelProto) -> onnx.ModelProto:
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


def measuring_graph(model: onnx.ModelProto, number: int | None) -> bytes:
    """Return the net up to one norm, with mean and variance of that norm's input over `tile` as its outputs.

    Where no norm is named, all of them are measured over `tile` of the whole batch, and each is given what it measured.
    """
    from onnx import TensorProto, helper

    cut = with_fixed_norms(model)
    graph = cut.graph
    image = graph.input[0].name
    del graph.output[:]
    node = helper.make_node

    def constant(name: str, values: list[int]) -> onnx.NodeProto:
        value = helper.make_tensor("", TensorProto.INT64, [len(values)], values)
        return node("Constant", [], [name], value=value)

    graph.input.append(helper.make_tensor_value_info("tile", TensorProto.INT64, [4]))
    first = [
        constant("sides", [2, 3]),
        constant("places", [0, 2, 3]),
        node("Split", ["tile"], ["first", "last"], num_outputs=2),
        node("Shape", [image], ["whole"], start=2),
    ]
    nodes, measured = list(graph.node), 0
    del graph.node[:]
    graph.node.extend(first)
    for one in nodes:
        mean, var = f"mean_{measured}", f"var_{measured}"
        if mean in one.input:
            if number in (None, measured):
                x, at = one.input[0], f"_{measured}"
                graph.node.extend(
                    [
                        node("Shape", [x], ["size" + at], start=2),
                        node("Mul", ["first", "size" + at], ["first_scaled" + at]),
                        node("Div", ["first_scaled" + at, "whole"], ["starts" + at]),
                        node("Mul", ["last", "size" + at], ["last_scaled" + at]),
                        node("Div", ["last_scaled" + at, "whole"], ["ends" + at]),
                        node("Slice", [x, "starts" + at, "ends" + at, "sides"], ["inside" + at]),
                        node("ReduceMean", ["inside" + at, "places"], ["middle" + at], keepdims=1),
                        node("Sub", ["inside" + at, "middle" + at], ["off" + at]),
                        node("Mul", ["off" + at, "off" + at], ["squares" + at]),
                        node("ReduceMean", ["inside" + at, "places"], [FOUND + mean], keepdims=0),
                        node("ReduceMean", ["squares" + at, "places"], [FOUND + var], keepdims=0),
                    ]
                )
                graph.output.extend(
                    helper.make_tensor_value_info(name, TensorProto.FLOAT, [None])
                    for name in (FOUND + mean, FOUND + var)
                )
            if number is None:
                one.input[3], one.input[4] = FOUND + mean, FOUND + var
            measured += 1
        graph.node.append(one)
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
