import pytest
import torch
from safetensors.torch import load_file, save_file

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.perceptual import Encoder
from fastnst.styles import shipped


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


def test_the_layers_are_named_as_in_the_papers(encoder):
    assert encoder.names == (
        "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3",
        "relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3",
    )  # fmt: skip


def test_features_are_those_of_vgg16_written_out(encoder):
    torch.manual_seed(0)
    weights = {
        k: v.float() for k, v in load_file(shipped("checkpoints") / "vgg16.safetensors").items()
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
    features = encoder(image, encoder.names)
    for name in encoder.names:
        torch.testing.assert_close(features[name], expected[name], rtol=1e-4, atol=1e-2)


def test_the_weights_are_frozen(encoder):
    assert not any(p.requires_grad for p in encoder.parameters())


def test_nothing_past_the_deepest_layer_is_computed(encoder, monkeypatch):
    monkeypatch.setattr(encoder.layers["2_1"], "forward", lambda x: pytest.fail("computed too far"))
    assert set(encoder(torch.zeros(1, 3, 16, 16), ["relu1_2"])) == {"relu1_2"}


def test_an_unknown_layer_gets_the_nearest_names(encoder):
    with pytest.raises(
        FastnstError, match=r"VGG-16 has no layer 'relu3_4'\. Did you mean 'relu3_3'"
    ):
        encoder.check(["relu3_4"])


def test_other_files_are_refused(tmp_path):
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be used as VGG-16 weights"):
        Encoder(tmp_path / "gone.safetensors")
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(BadStyleFile, match=r"other\.safetensors can't be used as VGG-16 weights"):
        Encoder(tmp_path / "other.safetensors")
