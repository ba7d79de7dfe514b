from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastnst.errors import FastnstError
from fastnst.runtime.engine.receptive_field import receptive_field
from fastnst.styles.registry import find_style

SIZE = ["n", 3, "h", "w"]


def graph(nodes, weights=()):
    """A net from `image` to `stylized`."""
    return helper.make_graph(
        [helper.make_node(*node, **settings) for *node, settings in nodes],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, SIZE)],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, SIZE)],
        [numpy_helper.from_array(np.zeros(shape, np.float32), name) for name, shape in weights],
    )


@pytest.mark.parametrize(
    ("style", "fast", "radius"), [("starry-night", False, 106), ("starry-night", True, 108)]
)
def test_how_far_a_net_looks_is_the_sum_of_its_kernels(style, fast, radius):
    # unet: 2 + 2 + 4, eight convolutions of 8, shuffled 8, 4, two of 4, shuffled 4, 2, 2; the low frequencies: 4;
    # shuffled 2.
    # swift: 4 + 4, ten of 8, shuffled 8, 4; the low frequencies: 4; shuffled 4.
    path = find_style(style, fast=fast)
    assert receptive_field(onnx.load(path).graph, path).radius == radius


def test_strides_make_later_kernels_wider_and_activations_smaller():
    nodes = [
        ("Conv", ["image", "a"], ["x"], {"strides": [2, 2]}),
        ("Relu", ["x"], ["y"], {}),
        ("Conv", ["y", "b"], ["z"], {}),
        ("DepthToSpace", ["z"], ["stylized"], {"blocksize": 2}),
    ]
    found = receptive_field(graph(nodes, [("a", (32, 3, 3, 3)), ("b", (12, 32, 5, 5))]), Path("a"))
    # 1 px of 3x3 with a stride, 2 places of 2 px of 5x5, and one such place of the shuffle.
    assert found.radius == 1 + 4 + 2
    # 32 channels of 4 bytes at a quarter of the places.
    assert found.bytes_per_pixel == 32


def test_a_part_that_looks_at_everything_is_named():
    nodes = [
        ("GlobalAveragePool", ["image"], ["mean"], {}),
        ("Sub", ["image", "mean"], ["stylized"], {}),
    ]
    with pytest.raises(
        FastnstError, match=r"^odd\.onnx can't paint in tiles: how far its part GlobalAveragePool"
    ):
        receptive_field(graph(nodes), Path("odd.onnx"))


def test_a_branch_counts_by_that_which_looks_farther():
    def branch(name, *nodes):
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, SIZE)
        weights = [numpy_helper.from_array(np.zeros((3, 3, 7, 7), np.float16), f"{name}.half")]
        return helper.make_graph(nodes, name, [], [result], weights)

    near = branch("near", helper.make_node("Identity", ["image"], ["near"]))
    far = branch(
        "far",
        helper.make_node("Cast", ["far.half"], ["weight"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["image", "weight"], ["far"]),
    )
    nodes = [
        ("If", ["yes"], ["x"], {"then_branch": far, "else_branch": near}),
        ("Conv", ["x", "a"], ["stylized"], {}),
    ]
    assert receptive_field(graph(nodes, [("a", (3, 3, 3, 3))]), Path("a")).radius == 3 + 1
