import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastnst import Stylizer
from fastnst.errors import BadStyleFile, FastnstError
from fastnst.runtime.engine.net_session import NetSession
from fastnst.runtime.engine.session import EngineFailure, Feed, Padding, on_pixels


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_memory_running_out_is_one_sentence(negative, monkeypatch):
    stylizer = Stylizer(negative)

    class Full:
        def run(self, *_: object) -> None:
            raise EngineFailure("bad_alloc: Failed to allocate")

    monkeypatch.setattr(stylizer.net, "_session", Full())
    with pytest.raises(FastnstError, match="not enough memory to paint 40x40 px at once"):
        stylizer(noise(8, 8))


@pytest.mark.parametrize("painted", [np.zeros((1, 3, 80, 80)), np.full((1, 3, 40, 40), np.nan)])
def test_a_net_that_paints_another_size_or_no_numbers_is_refused(negative, monkeypatch, painted):
    stylizer = Stylizer(negative)

    class Odd:
        def run(self, feed: Feed, padding: Padding) -> list[np.ndarray]:
            return on_pixels(lambda _: [painted], feed, padding)

    monkeypatch.setattr(stylizer.net, "_session", Odd())
    with pytest.raises(BadStyleFile, match="of 40x40 px: it is no style net, as it makes"):
        stylizer(noise(8, 8))


def with_a_style_each(many, path):
    """The net of many.onnx, whose style weights are (N, rows), as files are written now."""
    model = onnx.load(many)
    graph = model.graph
    graph.input[1].type.tensor_type.shape.CopyFrom(
        helper.make_tensor_type_proto(TensorProto.FLOAT, ["batch", 5]).tensor_type.shape
    )
    graph.initializer.append(numpy_helper.from_array(np.array([-1, 1, 1, 1]), "four"))
    for number, name in enumerate(("scale", "shift")):
        graph.node[number].output[0] = f"{name}_flat"
        graph.node.insert(2, helper.make_node("Reshape", [f"{name}_flat", "four"], [name]))
    onnx.save(model, path)
    return path


ROWS = np.array([[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], np.float32)


def test_each_picture_of_a_batch_has_its_rows_in_one_run_or_in_one_for_each_style(many, tmp_path):
    photos = noise(4 * 20, 24).reshape(4, 20, 24, 3).transpose(0, 3, 1, 2).astype(np.float32)
    scales, shifts = [[-1, 0.25, -1, 1], [255, 100, 255, 0]]
    wanted = photos * np.reshape(scales, (4, 1, 1, 1)) + np.reshape(shifts, (4, 1, 1, 1))
    for path, runs in ((many, 3), (with_a_style_each(many, tmp_path / "each.onnx"), 1)):
        net = NetSession(path)
        counts = []
        run = net._run
        net._run = lambda *args, run=run, counts=counts: counts.append(len(args[0])) or run(*args)
        assert np.abs(net.run(photos, rows=ROWS) - wanted).max() < 1e-3
        assert sum(counts) == 4
        assert len(counts) == runs
        same = net.run(photos, rows=ROWS[1])
        assert np.abs(same - (0.25 * photos + 100)).max() < 1e-3
        assert len(counts) == runs + 1


def test_a_file_that_takes_a_style_for_each_picture_paints_as_one_that_takes_one(many, tmp_path):
    each = with_a_style_each(many, tmp_path / "each.onnx")
    photo = noise(100, 90)
    for tile in ("off", 64):
        old, new = (Stylizer("beta", path, strength=0.6, tile=tile) for path in (many, each))
        assert np.abs(old(photo).astype(int) - new(photo)).max() <= 1


def test_a_net_that_takes_one_picture_paints_a_batch_one_by_one(zoo):
    photos = noise(3 * 224, 224).reshape(3, 224, 224, 3).transpose(0, 3, 1, 2).astype(np.float32)
    painted = NetSession(zoo).run(photos, rows=np.ones(1, np.float32))
    assert np.array_equal(painted, 255 - photos)


def test_weights_of_other_rows_are_no_style_nets(many, tmp_path):
    model = onnx.load(many)
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_value = 6
    onnx.save(model, tmp_path / "six.onnx")
    with pytest.raises(BadStyleFile, match=r"can't be loaded|is no style net: it takes .*\[6\]"):
        NetSession(tmp_path / "six.onnx")
