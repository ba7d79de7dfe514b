"""Making an exported graph small, without changing what it paints."""

from __future__ import annotations

import numpy as np
import onnx

from fastnst.styles.onnx_check import graphs_of


def shrink(graph: onnx.GraphProto) -> None:
    """Leave out what the exporter noted for itself, and store weights in half precision where that is exact.

    The notes name the files of the machine that exported it. Weights that were saved in half precision take half the
    space; they run in single precision, as do those of the predictor, which are rounded to half.
    """
    _forget_notes(graph)
    _close_branches(graph)
    _drop_unused(graph)
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        whole = tensor.name
        values = onnx.numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if ".predictor." in whole or np.array_equal(half, values):
            tensor.CopyFrom(onnx.numpy_helper.from_array(half, f"{whole}.half"))
            casts.append(
                onnx.helper.make_node("Cast", [tensor.name], [whole], to=onnx.TensorProto.FLOAT)
            )
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _forget_notes(graph: onnx.GraphProto) -> None:
    for part in graphs_of(graph):
        values = (*part.input, *part.output, *part.value_info)
        for noted in (part, *part.node, *part.initializer, *values):
            noted.ClearField("metadata_props")
            noted.ClearField("doc_string")


def _close_branches(graph: onnx.GraphProto) -> None:
    """Give each branch the tensors that it takes, without which the sizes in it can't be worked out."""
    whole = {tensor.name: tensor for tensor in graph.initializer}
    for number, branch in enumerate(list(graphs_of(graph))[1:]):
        own = {}
        for node in branch.node:
            for place, name in enumerate(node.input):
                if name in whole:
                    own[name] = node.input[place] = f"{name}.{number}"
        for name, new in own.items():
            tensor = branch.initializer.add()
            tensor.CopyFrom(whole[name])
            tensor.name = new


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out tensors that no node takes."""
    used = {name for part in graphs_of(graph) for node in part.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)
