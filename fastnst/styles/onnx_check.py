"""Check of .onnx files from strangers: they may hold a net, and nothing that reaches out of it or fills the memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile, first_line
from fastnst.styles.onnx_metadata import read_card

MAX_FILE_BYTES = 256 * 2**20
"""Bytes of the largest file that is taken from a stranger; a style net of the largest kind here has 7 MB."""
DOMAINS = frozenset({"", "ai.onnx"})
"""Domains of ONNX's own operators; others run code that a file brings along or asks for."""
LOOPS = frozenset({"Loop", "Scan", "SequenceMap"})
"""Operators that run a graph of their own again and again, perhaps for ever."""
CHECKED_SIDE = 64
"""Height and width in pixels, at least, of the image that sizes are worked out for."""
MOST_CHANNELS = 512
"""Values that the largest tensor may have for each pixel of the image."""


def check_onnx(path: Path) -> None:
    """Check that a file holds a net of ONNX's own operators whose tensors are all in it and in proportion to the image.

    Nothing is run, and no tensor is allocated.

    Raises:
        BadStyleFile: The file is too large, damaged, or holds anything else.
    """
    size = os.path.getsize(path)
    if size > MAX_FILE_BYTES:
        raise _refused(path, f"it has {size / 1e6:,.0f} MB")
    import onnx

    try:
        model = onnx.ModelProto()
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # Protobuf has no one base of its errors.
        raise _refused(path, "it is damaged") from error
    for why in _reasons(model):
        raise _refused(path, why)
    if why := _too_large(model, path):
        raise _refused(path, why)


def _refused(path: Path, why: str) -> BadStyleFile:
    return BadStyleFile(
        f"{path.name} is not taken from a stranger: {why}.",
        "If you trust its author, download it, and give it by --model.",
    )


def _reasons(model: Any) -> Iterator[str]:
    """Yield what a style net does not need."""
    graphs = list(graphs_of(model.graph))
    nodes = [node for graph in graphs for node in graph.node]
    domains = {each.domain for each in (*model.opset_import, *nodes)}
    if foreign := sorted(domains - DOMAINS):
        yield f"it has operators of {', '.join(foreign)}"
    if model.functions or model.training_info:
        yield "it has functions of its own"
    if any(graph.sparse_initializer for graph in graphs):
        yield "it has sparse tensors, whose sizes are not those of the file"
    tensors = [tensor for graph in graphs for tensor in graph.initializer]
    for node in nodes:
        if node.op_type in LOOPS:
            yield f"it has the operator {node.op_type}"
        for attribute in node.attribute:
            if (attribute.HasField("g") and node.op_type != "If") or attribute.graphs:
                yield f"the operator {node.op_type} has a graph of its own"
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                yield "it has sparse tensors, whose sizes are not those of the file"
            tensors += (
                [attribute.t, *attribute.tensors] if attribute.HasField("t") else attribute.tensors
            )
    if any(tensor.external_data or tensor.data_location for tensor in tensors):
        yield "it has tensors in other files"


def graphs_of(graph: Any) -> Iterator[Any]:
    """Yield a graph and those of its branches."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs_of(attribute.g)


def _too_large(model: Any, path: Path) -> str:
    """Return why the sizes of a net's tensors are not known, or out of proportion; empty if they are neither."""
    from onnx import shape_inference

    card = read_card(path)
    step, least = (card.multiple_of, card.minimum) if card else (4, 4)
    side = math.ceil(max(CHECKED_SIDE, least) / step) * step
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        wanted = (1, 3, side, side) if len(dims) == 4 else [0] * len(dims)
        for dim, length in zip(dims, wanted, strict=True):
            if not dim.HasField("dim_value"):
                dim.dim_value = length or 1
    for graph in graphs_of(model.graph):
        del graph.value_info[:]
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = shape_inference.infer_shapes(model, strict_mode=True).graph
    except Exception as error:  # Of many kinds, from C++.
        return f"its sizes can't be worked out ({first_line(error)})"
    pixels = max(
        [math.prod(d.dim_value for d in v.type.tensor_type.shape.dim[2:]) for v in inferred.input if
         len(v.type.tensor_type.shape.dim) == 4] or [1]
    )  # fmt: skip
    sizes = {}
    graphs = list(graphs_of(inferred))
    for value in (value for graph in graphs for value in (*graph.value_info, *graph.output)):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(d.HasField("dim_value") for d in dims):
            sizes[value.name] = math.prod(d.dim_value for d in dims)
    for node in (node for graph in graphs for node in graph.node):
        for name in node.output:
            if name and name not in sizes:
                return f"the size of what {node.op_type} gives can't be worked out"
            if name and sizes[name] > MOST_CHANNELS * pixels:
                return f"{node.op_type} gives {sizes[name]:,} values for a picture of {pixels:,} pixels"
    return ""
