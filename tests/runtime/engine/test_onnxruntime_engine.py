import os
import subprocess
import sys

import pytest

from fastnst import Stylizer
from fastnst.errors import DeviceUnavailable
from fastnst.runtime.engine import onnxruntime_engine as module


@pytest.fixture(autouse=True, scope="module")
def every_engine():
    """This one."""


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
Stylizer(sys.argv[1], device="cpu")
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


def test_the_memory_of_a_lean_session_goes_back_after_each_run(negative):
    kept, lean = (
        module.open(negative, "cpu", threads=None, lean=lean, precise=False)
        for lean in (False, True)
    )
    arenas = [one._session.get_session_options().enable_cpu_mem_arena for one in (kept, lean)]
    assert arenas == [True, False]
