import pytest
import torch
from safetensors.torch import load_file, save_file

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.perceptual import load_loss_network
from fastnst.system.package_data import bundled


@pytest.fixture(scope="module")
def network():
    return load_loss_network()


def test_the_layers_are_named_as_in_the_papers(network):
    assert network.names == (
        "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3",
        "relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3",
    )  # fmt: skip


def test_features_are_those_of_vgg16_written_out(network):
    torch.manual_seed(0)
    weights = {
        k: v.float() for k, v in load_file(bundled("checkpoints") / "vgg16.safetensors").items()
    }
    image = torch.rand(1, 3, 32, 48) * 255
    x = image - torch.tensor([123.68, 116.779, 103.939])[:, None, None]
    expected = {}
    numbers = iter(sorted({int(name.split(".")[1]) for name in weights}))
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, depth + 1):
            index = next(numbers)
            w, b = weights[f"features.{index}.weight"], weights[f"features.{index}.bias"]
            x = torch.relu(torch.nn.functional.conv2d(x, w, b, padding=1))
            expected[f"relu{block}_{number}"] = x
        x = torch.nn.functional.max_pool2d(x, 2, 2)
    features = network(image, network.names)
    for name in network.names:
        torch.testing.assert_close(features[name], expected[name], rtol=1e-4, atol=1e-2)


def test_the_weights_are_frozen(network):
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("name", ["relu4_2", "conv4_2", "block4_conv2"])
def test_a_layer_has_the_papers_names_and_keras(network, name):
    assert network.resolve(name) == "relu4_2"


@pytest.mark.parametrize(
    ("given", "near"),
    [("conv3_4", "conv3_3"), ("block3_conv4", "block3_conv3"), ("relu33", "relu3_3")],
)
def test_the_nearest_names_are_of_the_same_kind(network, given, near):
    with pytest.raises(FastnstError, match=rf"no layer '{given}'\. Did you mean.*'{near}'"):
        network.resolve(given)


def test_average_pooling_averages(network):
    averaging = load_loss_network(pooling="avg")
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3)) * 255
    before = network(image, ["relu1_2"])["relu1_2"]
    pooled = before.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(-2, -1))
    expected = torch.relu(averaging.layers["2_1"](pooled))
    got = averaging(image, ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-2)


def test_features_in_bfloat16_are_those_in_float32_but_for_rounding(network):
    low = load_loss_network()
    low.lower(torch.bfloat16)
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4)) * 255
    got, exact = (net(image, ["relu4_1"])["relu4_1"] for net in (low, network))
    assert got.dtype == torch.bfloat16
    assert (got - exact).norm() < 0.02 * exact.norm()


def test_nothing_past_the_deepest_layer_is_computed(network, monkeypatch):
    monkeypatch.setattr(network.layers["2_1"], "forward", lambda x: pytest.fail("computed too far"))
    assert set(network(torch.zeros(1, 3, 16, 16), ["relu1_2"])) == {"relu1_2"}


def test_an_unknown_layer_gets_the_nearest_names(network):
    with pytest.raises(
        FastnstError, match=r"VGG-16 has no layer 'relu3_4'\. Did you mean 'relu3_3'"
    ):
        network.resolve("relu3_4")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be used as VGG-16 weights"):
        load_loss_network("vgg16", tmp_path / "gone.safetensors")
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(BadStyleFile, match=r"other\.safetensors can't be used as VGG-16 weights"):
        load_loss_network("vgg16", tmp_path / "other.safetensors")


@pytest.fixture(scope="module")
def vgg19_file(tmp_path_factory):
    """Weights in torchvision's layout, drawn at random."""
    from torchvision.models import vgg19

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save({k: v for k, v in vgg19().state_dict().items() if k.startswith("features")}, path)
    return path


@pytest.mark.slow
def test_vgg19_is_torchvision_s(vgg19_file):
    from torchvision.models import vgg19

    net = vgg19().features.eval()
    net.load_state_dict({k[9:]: v for k, v in torch.load(vgg19_file).items()})
    image = torch.rand(1, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normal = (image - mean[:, None, None]) / std[:, None, None]
    network = load_loss_network("vgg19", vgg19_file)
    assert network.names[-1] == "relu5_4"
    got = network(image * 255, ["relu5_1", "relu3_4"])
    torch.testing.assert_close(got["relu3_4"], net[:18](normal), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(got["relu5_1"], net[:30](normal), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory):
    """Weights in torchvision's layout, drawn at random."""
    from torchvision.models import resnet50

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet50.safetensors"
    save_file(resnet50().state_dict(), path)
    return path


def test_resnet50_has_torchvision_s_layers(resnet_file):
    from torchvision.models import resnet50

    net = resnet50().eval()
    net.load_state_dict(load_file(resnet_file))
    network = load_loss_network("resnet50", resnet_file)
    image = torch.rand(1, 3, 64, 64)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    stem = net.maxpool(
        net.relu(net.bn1(net.conv1((image - mean[:, None, None]) / std[:, None, None])))
    )
    first = net.layer1(stem)
    got = network(image * 255, ["layer1.2", "layer2.0.conv1"])
    torch.testing.assert_close(got["layer1.2"], first, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        got["layer2.0.conv1"], net.layer2[0].conv1(first), rtol=1e-4, atol=1e-4
    )
    with pytest.raises(
        FastnstError, match=r"ResNet-50 has no layer 'layer1\.2\.conv7'.*layer1\.2\.conv"
    ):
        network.resolve("layer1.2.conv7")


def test_resnet50_computes_nothing_past_the_deepest_layer(resnet_file):
    network = load_loss_network("resnet50", resnet_file, "avg")
    network.lower(torch.bfloat16)
    features = network(torch.zeros(1, 3, 64, 64), ["layer1.0"])
    assert features["layer1.0"].dtype == torch.bfloat16
    (extractor,) = network._extractors.values()
    assert not [name for name, _ in extractor.named_parameters() if name.startswith("layer2")]


def test_without_a_network_the_local_alternative_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", lambda *_: (_ for _ in ()).throw(OSError("no route")))
    with pytest.raises(
        BadStyleFile,
        match=r"can't be downloaded.*no route.*vgg19-\w+\.pth elsewhere.*--network-weights",
    ):
        load_loss_network("vgg19")


def test_an_unknown_network_is_refused():
    with pytest.raises(FastnstError, match=r"no loss network 'vgg17'.*'vgg16'"):
        load_loss_network("vgg17")
