import os
import subprocess
import sys

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


def test_a_device_that_is_not_there_is_named(negative):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(
        DeviceUnavailable, match=r"'cuda' is not available .* pip install onnxruntime-gpu"
    ):
        Stylizer(negative, device="cuda")
    with pytest.raises(DeviceUnavailable, match="There is no device 'gpu'"):
        Stylizer(negative, device="gpu")
    assert Stylizer(negative, device="auto").device in ("cpu", "coreml")


@pytest.mark.parametrize(
    ("device", "system", "name"), [("coreml", "linux", "macOS"), ("directml", "darwin", "Windows")]
)
def test_a_device_of_another_system_is_not_to_be_installed(
    negative, monkeypatch, device, system, name
):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(DeviceUnavailable, match=rf"It is on {name} alone: leave --device out"):
        Stylizer(negative, device=device)


SILENT = """
import os, sys
from fastnst import Stylizer
Stylizer(sys.argv[1])
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_nothing_is_reported_to_anybody(tmp_path, negative):
    # Where there is CI, onnxruntime is silent by itself.
    hidden = ("CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "XDG_DATA_HOME")
    env = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", SILENT, negative],
        env=env | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert not [*tmp_path.iterdir()]  # No identifier of the machine.
