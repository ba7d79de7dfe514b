import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastnst.runtime.engine.fixed_norms import FixedNormsNet

EPSILON = 1e-5


@pytest.fixture
def net(tmp_path):
    """Two norms, one after the other, with a ReLU between: scales 2 and 3, shifts 1 and 4."""
    scales = [
        numpy_helper.from_array(np.full(3, value, np.float32), name)
        for name, value in (("a", 2), ("b", 1), ("c", 3), ("d", 4))
    ]
    size = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        [
            helper.make_node("InstanceNormalization", ["image", "a", "b"], ["x"], epsilon=EPSILON),
            helper.make_node("Relu", ["x"], ["y"]),
            helper.make_node("InstanceNormalization", ["y", "c", "d"], ["stylized"]),
        ],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, size)],
        scales,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    path = tmp_path / "norms.onnx"
    onnx.save(model, path)
    return FixedNormsNet(path)


def normalised(x, mean, var, scale, shift):
    mean, var = (values.reshape(1, -1, 1, 1) for values in (mean, var))
    return (x - mean) / np.sqrt(var + EPSILON) * scale + shift


def test_each_norm_is_given_the_statistics_of_all_tiles_behind_the_norms_before_it(net):
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 8, 12)).astype(np.float32)
    # Windows of 8x8 and 8x6 px that overlap, of which 8x7 and 8x5 count.
    windows = [(picture[..., :8], (0, 0, 8, 7)), (picture[..., 6:], (0, 1, 8, 6))]
    found = net.measure(lambda: windows, np.ones(1, np.float32))
    first = picture.mean(axis=(0, 2, 3)), picture.var(axis=(0, 2, 3))
    between = np.maximum(normalised(picture, *first, 2, 1), 0)
    second = between.mean(axis=(0, 2, 3)), between.var(axis=(0, 2, 3))
    assert sorted(found) == ["mean_0", "mean_1", "var_0", "var_1"]
    for number, (mean, var) in enumerate((first, second)):
        assert found[f"mean_{number}"] == pytest.approx(mean, rel=1e-4)
        assert found[f"var_{number}"] == pytest.approx(var, rel=1e-4)
    painted = net.paint(picture[..., 2:7], np.ones(1, np.float32), found)
    assert painted == pytest.approx(normalised(between, *second, 3, 4)[..., 2:7], abs=1e-3)
