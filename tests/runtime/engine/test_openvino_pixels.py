import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fastnst.runtime.engine.openvino_pixels import take_pixels
from fastnst.runtime.engine.session import UNPADDED, Padding, on_pixels

openvino = pytest.importorskip("openvino")


@pytest.fixture(autouse=True, scope="module")
def every_engine():
    """This one."""


def values(name: str, *numbers: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.float32), name)


def branch(name: str, *node: object) -> onnx.GraphProto:
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    return helper.make_graph([helper.make_node(*node)], name, [], [output])


def net(top: float = 255.0) -> bytes:
    """Twice an image, or half of it where a weight is 0; in blocks of 2x2 px on the way; clipped to 0..`top`."""
    shape = ["batch", 3, "height", "width"]
    nodes = [
        helper.make_node("SpaceToDepth", ["image"], ["blocks"], blocksize=2),
        helper.make_node("ReduceMax", ["style_weights"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["any"]),
        helper.make_node(
            "If",
            ["any"],
            ["painted"],
            then_branch=branch("more", "Mul", ["blocks", "two"], ["more"]),
            else_branch=branch("less", "Div", ["blocks", "two"], ["less"]),
        ),
        helper.make_node("DepthToSpace", ["painted"], ["pixels"], blocksize=2, mode="CRD"),
        helper.make_node("Clip", ["pixels", "zero", "top"], ["stylized"]),
    ]
    for node in nodes[:1]:
        # SpaceToDepth has the order of DCR: back to that of CRD.
        node.output[0] = "mixed"
    order = [colour + 3 * place for colour in range(3) for place in range(4)]
    nodes.insert(1, helper.make_node("Gather", ["mixed", "order"], ["blocks"], axis=1))
    graph = helper.make_graph(
        nodes,
        "net",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("style_weights", TensorProto.FLOAT, [2]),
        ],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(np.float32(2), "two"),
            numpy_helper.from_array(np.float32(top), "top"),
            numpy_helper.from_array(np.array(order), "order"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def load(model: bytes) -> object:
    import io

    frontend = openvino.frontend.FrontEndManager().load_by_framework("onnx")
    return frontend.convert(frontend.load(io.BytesIO(model)))


def run(model: object, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = {name for port in compiled.inputs for name in port.get_names()}
    return list(compiled({name: each for name, each in feed.items() if name in names}).values())


PIXELS = np.random.default_rng(0).integers(0, 256, (2, 14, 20, 3), dtype=np.uint8)


@pytest.mark.parametrize("style", [False, True])
@pytest.mark.parametrize("weights", [(0.0, 1.0), (0.0, 0.0)])
@pytest.mark.parametrize("padding", [UNPADDED, Padding(4, 2, 6, 8)])
@pytest.mark.parametrize("top", [255.0, 100.0])
def test_pixels_are_painted_as_floats_are(style, weights, padding, top):
    feed = {"image": PIXELS, "style_weights": np.array(weights, np.float32)}
    wanted = np.clip(PIXELS * (2.0 if weights[1] else 0.5), 0, top)
    (floats,) = on_pixels(lambda given: run(load(net(top)), given), feed, padding)
    assert np.array_equal(floats, np.rint(wanted))
    model = load(net(top))
    take_pixels(model, feed, padding, style=style)
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert ("If" in kinds) == (not style)
    (painted,) = run(model, feed)
    assert (painted.dtype, painted.shape) == (np.uint8, PIXELS.shape)
    assert np.array_equal(painted, floats)


def test_blocks_are_cut_up_as_bytes():
    feed = {"image": PIXELS, "style_weights": np.array([0, 1], np.float32)}
    for top, kind in ((255.0, openvino.Type.u8), (100.0, openvino.Type.f32)):
        model = load(net(top))
        take_pixels(model, feed, UNPADDED, style=True)
        (cut,) = (node for node in model.get_ops() if node.get_type_name() == "DepthToSpace")
        assert cut.get_output_element_type(0) == kind


def test_a_size_that_a_net_does_not_take_is_an_error():
    feed = {"image": PIXELS[:, :13], "style_weights": np.zeros(2, np.float32)}
    with pytest.raises(RuntimeError):
        take_pixels(load(net()), feed, UNPADDED, style=True)
    with pytest.raises(RuntimeError):
        take_pixels(load(net()), {**feed, "image": PIXELS}, Padding(14, 0, 0, 0), style=True)


def test_a_net_that_ends_otherwise_is_painted_too():
    shape = ["batch", 3, "height", "width"]
    for node in (("Min", ["image", "image"]), ("Abs", ["image"]), ("Max", ["image", "image"])):
        graph = helper.make_graph(
            [helper.make_node(*node, ["stylized"])],
            "net",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, shape)],
        )
        opset = [helper.make_opsetid("", 18)]
        model = load(
            helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
        )
        take_pixels(model, {"image": PIXELS}, UNPADDED, style=True)
        assert np.array_equal(run(model, {"image": PIXELS})[0], PIXELS)
