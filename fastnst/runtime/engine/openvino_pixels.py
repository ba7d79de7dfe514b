"""Nets of OpenVINO that take and give pixels, of one size and one style."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnst.runtime.engine.session import Feed, Padding


def take_pixels(model: Any, feed: Feed, padding: Padding, *, style: bool) -> None:
    """Change a net to take and give uint8 (N, H, W, 3), of one size.

    Padded, moved and rounded by the net itself, on all cores, pixels take half the time that numpy takes.

    Args:
        model: The net, of OpenVINO.
        feed: What it is given, by names.
        padding: What is added around pictures, and cut off again.
        style: Whether what is no picture is made a constant of the net, so that all that follows from it is too.

    Raises:
        RuntimeError: The net does not take this size.
    """
    import openvino
    from openvino import opset13 as ops
    from openvino.passes import ConstantFolding, Manager

    top, left, bottom, right = padding
    shapes = {name: list(values.shape) for name, values in feed.items()}
    for name, values in feed.items():
        if values.dtype == np.uint8:
            count, height, width, channels = values.shape
            shapes[name] = [count, channels, top + height + bottom, left + width + right]
    model.reshape(shapes)
    for port in model.inputs:
        name, old = next(name for name in port.get_names() if name in feed), port.get_node()
        values = feed[name]
        if values.dtype == np.uint8:
            new = ops.parameter(list(values.shape), openvino.Type.u8)
            new.output(0).set_names({name})
            padded = ops.pad(new, [0, top, left, 0], [0, bottom, right, 0], "reflect")
            floats = ops.transpose(ops.convert(padded, "f32"), [0, 3, 1, 2])
            _replace(old.output(0), floats.output(0))
            model.add_parameters([new])
        elif style:
            _replace(old.output(0), ops.constant(values).output(0))
        else:
            continue
        model.remove_parameter(old)
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(model)
    _open_branches(model)
    first, *others = model.get_results()
    height, width = next(iter(feed.values())).shape[1:3]
    painted, block = _in_blocks(first.input_value(0))
    bytes_ = ops.convert(ops.round(ops.clamp(painted, 0.0, 255.0), "half_to_even"), "u8")
    if block > 1:
        bytes_ = ops.depth_to_space(bytes_, "depth_first", block)
    inside = ops.slice(bytes_, [top, left], [top + height, left + width], [1, 1], [2, 3])
    pixels = ops.transpose(inside, [0, 2, 3, 1])
    for result in (first, *others):
        model.remove_result(result)
    model.add_results([ops.result(pixels)])
    model.validate_nodes_and_infer_types()


def _replace(old: Any, new: Any) -> None:
    """Let all that takes one output take another."""
    for taker in list(old.get_target_inputs()):
        taker.replace_source_output(new)


def _open_branches(model: Any) -> None:
    """Put the branch in the place of each `If` whose condition is a constant: OpenVINO does too, but copies the result."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "If":
            continue
        condition = node.input_value(0).get_node()
        if condition.get_type_name() != "Constant":
            continue
        branch = 0 if condition.data.all() else 1
        body = node.get_function(branch)
        parameters, results = body.get_parameters(), body.get_results()
        for taken in node.get_input_descriptions(branch):
            inside = parameters[taken.body_parameter_index].output(0)
            _replace(inside, node.input_value(taken.input_index))
        for given in node.get_output_descriptions(branch):
            inside = results[given.body_value_index].input_value(0)
            _replace(node.output(given.output_index), inside)


def _in_blocks(painted: Any) -> tuple[Any, int]:
    """Return a painting before its blocks are cut up, and their side; so bytes are moved, a quarter of what floats are."""
    node = painted.get_node()
    for bound, value in (("Minimum", 255), ("Maximum", 0)):
        inputs = [port.get_node() for port in node.input_values()]
        inputs.sort(key=lambda each: each.get_type_name() == "Constant")
        clips = node.get_type_name() == bound and inputs[1].get_type_name() == "Constant"
        if clips and (inputs[1].data == value).all():
            node = inputs[0]
    settings = node.get_attributes()
    if node.get_type_name() != "DepthToSpace" or settings["mode"] != "depth_first":
        return painted, 1
    return node.input_value(0), settings["block_size"]
