import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

import fastnst.exporting.export as job
from fastnst.errors import BadStyleFile, CannotWrite, FastnstError
from fastnst.exporting.export import export
from fastnst.models import NETS, NetConfig, build_net, save_net
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.card import CARD_KEY, PaintingCredit, StyleCard
from fastnst.styles.onnx_metadata import load_card
from fastnst.styles.registry import find_style


def trained(path, name="johnson"):
    torch.manual_seed(0)
    net = build_net(NetConfig(name=name, width=4, blocks=1))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.3)
    card = StyleCard(
        "a",
        (PaintingCredit(title="Title"),),
        net.config.as_dict(),
        net.multiple_of,
        net.minimum,
        steps=3,
    )
    save_net(path, net, card)
    return net.eval(), card


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_the_file_paints_as_torch_does_at_any_size_and_batch(tmp_path, name):
    net, card = trained(tmp_path / "a.safetensors", name)
    exported = export(tmp_path, output=tmp_path / "a.onnx")
    assert exported.difference < 0.255
    session = onnxruntime.InferenceSession(exported.path)
    assert [node.name for node in session.get_inputs()] == ["image"]
    assert [node.name for node in session.get_outputs()] == ["stylized"]
    assert session.get_modelmeta().custom_metadata_map[CARD_KEY] == card.to_json()
    rng = np.random.default_rng(0)
    # The least size, and then some odd multiples.
    for images, rows, columns in ((1, 0, 0), (3, 1, 33), (1, 71, 9)):
        sides = (net.minimum + net.multiple_of * count for count in (rows, columns))
        batch = rng.uniform(0, 255, (images, 3, *sides)).astype(np.float32)
        (painted,) = session.run(None, {"image": batch})
        with torch.inference_mode():
            expected = net(torch.from_numpy(batch)).clamp(0, 255).numpy()
        assert np.abs(painted - expected).max() < 0.255


LAYERS = {"Pad", "Conv", "InstanceNormalization", "Relu", "Add", "Tanh", "Mul", "Clip"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "resizing"),
    [("johnson", {"Resize"}), ("swift", {"DepthToSpace", "Concat"})],
)
def test_the_graph_has_nothing_that_a_single_style_does_not_need(tmp_path, name, resizing):
    trained(tmp_path / "a.safetensors", name)
    graph = onnx.load(export(tmp_path).path).graph
    assert {node.op_type for node in graph.node} == LAYERS | resizing


@pytest.mark.slow
def test_the_graph_of_many_styles_has_no_arithmetic_with_shapes(tmp_path):
    net = build_net(NetConfig("swift", 4, 1, styles=5, identity=True))
    names = [PaintingCredit(name="a"), PaintingCredit(name="b")]
    card = StyleCard("ab", tuple(names), net.config.as_dict(), 8, 32, strokes=(1.0, 2.0))
    save_net(tmp_path / "ab.safetensors", net, card)
    graph = onnx.load(export(tmp_path).path).graph
    assert [node.name for node in graph.input] == ["image", "style_weights"]
    # New norms, of 1 and 0, are stored in half precision, which is cast.
    kinds = {node.op_type for node in graph.node} - {"Cast"}
    # Of the weights: a row of each norm, and the identity row's, which is the photo's share; it is asked whether there is any.
    taken = {"DepthToSpace", "Concat", "MatMul", "Gather", "Reshape"}
    assert kinds == LAYERS | taken | {"ReduceMax", "Greater", "If"}


@pytest.mark.slow
@pytest.mark.parametrize("fast", [False, True])
def test_a_shipped_file_is_what_export_makes_of_it_with_its_figures(tmp_path, fast):
    path = find_style("starry-night", fast=fast)
    again = export(path, output=tmp_path / "again.onnx").path
    assert load_card(again) == load_card(path)
    assert load_card(again).evaluation
    kinds = [[node.op_type for node in onnx.load(each).graph.node] for each in (path, again)]
    assert kinds[0] == kinds[1]


@pytest.mark.slow
def test_a_net_that_differs_from_torch_leaves_no_file(tmp_path, monkeypatch):
    trained(tmp_path / "a.safetensors")
    monkeypatch.setattr(job, "difference_to_torch", lambda net, path: 3.0)
    with pytest.raises(FastnstError, match=r"differs from torch by 3 of 255, more than 0\.255"):
        export(tmp_path, output=tmp_path / "a.onnx")
    monkeypatch.setattr(job, "difference_to_torch", lambda net, path: float("nan"))
    with pytest.raises(FastnstError, match="differs from torch by nan"):
        export(tmp_path, output=tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.slow
def test_a_net_of_no_numbers_is_refused(tmp_path):
    net, card = trained(tmp_path / "a.safetensors")
    torch.nn.init.constant_(net.out.bias, float("nan"))
    save_net(tmp_path / "a.safetensors", net, card)
    with pytest.raises(BadStyleFile, match="values that are infinite or not a number"):
        export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_bad_input_is_one_sentence(tmp_path):
    with pytest.raises(BadStyleFile, match="There is no file or folder .*gone"):
        export(tmp_path / "gone")
    with pytest.raises(BadStyleFile, match=r"should hold one \.safetensors file, and holds: none"):
        export(tmp_path)
    trained(tmp_path / "a.safetensors")
    with pytest.raises(CannotWrite, match=r"a\.txt is no \.onnx file"):
        export(tmp_path, output=tmp_path / "a.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match=r"file/a\.onnx can't be written"):
        export(tmp_path, output=tmp_path / "file" / "a.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "share"), [("fp16", 0.6), ("int8", 0.5)])
@pytest.mark.parametrize("styles", [1, 2])
def test_lower_precision_paints_nearly_the_same_from_a_smaller_file(
    tmp_path, make_photos, precision, share, styles
):
    torch.manual_seed(0)
    net = build_net(NetConfig("swift", 24, 2, styles))
    credits = tuple(PaintingCredit(name=f"style-{number}") for number in range(styles))
    card = StyleCard("a", credits, net.config.as_dict(), net.multiple_of, net.minimum)
    save_net(tmp_path / "a.safetensors", net, card)
    photos = make_photos(tmp_path / "photos", 3, (128, 96))
    whole = export(tmp_path)
    lower = export(tmp_path, precision=precision, calibration_photos=photos)
    assert lower.path.name == f"a-{precision}.onnx"
    assert lower.path.stat().st_size < share * whole.path.stat().st_size
    assert 0 < lower.quantization_error < 2
    assert f"{lower.quantization_error:.2f} of 255 in the mean" in str(lower)
    first, second = (Stylizer(exported.path, device="cpu") for exported in (whole, lower))
    assert second.card == first.card
    photo = np.asarray(Image.open(photos / "001.jpg"))
    apart = np.abs(first(photo).astype(int) - second(photo)).mean()
    assert apart == pytest.approx(lower.quantization_error, rel=0.5)


@pytest.mark.slow
def test_lower_precision_that_can_not_be_made_is_refused(tmp_path, make_photos):
    trained(tmp_path / "a.safetensors")
    with pytest.raises(FastnstError, match=r"There is no precision 'int4'\. Did you mean 'int8'\?"):
        export(tmp_path, precision="int4")
    with pytest.raises(
        FastnstError, match=r"The precision int8 is measured on photos, .*given\. Give"
    ):
        export(tmp_path, precision="int8")
    (tmp_path / "none").mkdir()
    with pytest.raises(FastnstError, match=r"There is no photo to measure on in .*none\. Give"):
        export(tmp_path, precision="int8", calibration_photos=tmp_path / "none")
    assert [path.name for path in tmp_path.glob("*.onnx")] == []
