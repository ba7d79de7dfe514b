import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from fastnst.errors import BadStyleFile, CannotWrite
from fastnst.exporting.export import export
from fastnst.models import NETS, NetConfig, build_net, load_net, save_net
from fastnst.styles.card import PaintingCredit, StyleCard


def saved(path, name, **config):
    torch.manual_seed(0)
    net = build_net(NetConfig(name=name, width=4, blocks=1, **config))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    rows = net.config.styles - net.config.identity - net.config.predicted
    credits = tuple(PaintingCredit(name=f"style{k}") for k in range(rows // net.config.levels))
    card = StyleCard(
        "a", credits, net.config.as_dict(), net.multiple_of, net.minimum,
        steps=7, base=64 if net.config.levels > 1 else 0,
    )  # fmt: skip
    save_net(path, net, card)
    return net, card


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(
    "config",
    [
        {"styles": 3},
        {"styles": 7, "identity": True, "levels": 2, "predicted": 2},
    ],
)
def test_an_exported_net_has_the_weights_that_it_was_exported_from(tmp_path, name, config):
    net, card = saved(tmp_path / "a.safetensors", name, **config)
    loaded, same = load_net(export(tmp_path / "a.safetensors").path)
    assert same == card
    assert loaded.config == net.config
    weights = loaded.state_dict()
    assert weights.keys() == net.state_dict().keys()
    for key, wanted in net.state_dict().items():
        # Those of the predictor are exported in half precision.
        near = {"rtol": 1e-3, "atol": 1e-3} if "predictor" in key else {"rtol": 1e-6, "atol": 1e-6}
        torch.testing.assert_close(weights[key], wanted, **near)
    again = export(tmp_path / "a.onnx", output=tmp_path / "b.onnx")
    assert again.difference < 0.255
    with pytest.raises(CannotWrite, match=r"a\.onnx is read, and can't be replaced"):
        export(tmp_path / "a.onnx")


@pytest.mark.slow
def test_what_holds_no_whole_net_is_refused(tmp_path):
    saved(tmp_path / "a.safetensors", "swift", styles=3)
    saved(tmp_path / "plain.safetensors", "swift", styles=1)
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (64, 64), "red").save(tmp_path / "photos" / "a.png")
    for path in (
        export(tmp_path / "a.safetensors", style="style1").path,
        export(tmp_path / "plain.safetensors").path,
        export(
            tmp_path / "a.safetensors", precision="int8", calibration_photos=tmp_path / "photos"
        ).path,
    ):
        with pytest.raises(
            BadStyleFile, match="can't be trained or exported: it holds one style alone, or lower"
        ):
            load_net(path)


def test_damaged_files_are_one_sentence(tmp_path):
    path = tmp_path / "a.onnx"
    with pytest.raises(BadStyleFile, match=r"a\.onnx can't be read as ONNX"):
        load_net(path)
    path.write_bytes(b"hello")
    with pytest.raises(BadStyleFile, match=r"a\.onnx can't be read as ONNX: a\.onnx is no ONNX"):
        load_net(path)
    graph = onnx.helper.make_graph([], "a", [], [])
    tensor = onnx.numpy_helper.from_array(np.zeros((2, 3), np.float32), "net.a")
    graph.initializer.append(tensor)
    onnx.save(onnx.helper.make_model(graph), path)
    with pytest.raises(BadStyleFile, match="holds no style card"):
        load_net(path)
    graph.initializer[0].ClearField("raw_data")
    onnx.save(onnx.helper.make_model(graph), path)
    with pytest.raises(BadStyleFile, match=r"a\.onnx can't be read as ONNX"):
        load_net(path)
    graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(BadStyleFile, match=r"net\.a lies in another file"):
        load_net(path)
