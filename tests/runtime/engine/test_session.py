import pytest

from fastnst import Stylizer
from fastnst.errors import BadStyleFile, DeviceUnavailable, UnknownStyle


def test_what_is_no_style_is_refused(tmp_path, classifier, negative):
    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "cut.onnx").write_bytes(negative.read_bytes()[:300])
    with pytest.raises(BadStyleFile, match=r"text\.onnx can't be loaded as an ONNX net: [^\[]*$"):
        Stylizer(tmp_path / "text.onnx")
    with pytest.raises(BadStyleFile, match=r"cut\.onnx can't be loaded"):
        Stylizer(tmp_path / "cut.onnx")
    with pytest.raises(
        BadStyleFile, match=r"is no style net: it takes data tensor\(float\) \[1, 10\]"
    ):
        Stylizer(classifier)
    with pytest.raises(UnknownStyle, match="There is no style 'nothing-like-it'"):
        Stylizer("nothing-like-it")


def test_a_device_that_is_not_there_is_named(negative, engine):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(
        DeviceUnavailable,
        match=r"'cuda' is not available .* pip install 'onnxruntime-gpu\[cuda,cudnn\]'",
    ):
        Stylizer(negative, device="cuda")
    with pytest.raises(DeviceUnavailable, match="There is no device 'gpu'"):
        Stylizer(negative, device="gpu")
    wanted = ("openvino",) if engine == "openvino" else ("cpu", "coreml")
    assert Stylizer(negative, device="auto").device in wanted
    assert Stylizer(negative, device="cpu").device == "cpu"
