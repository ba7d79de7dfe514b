import os
import subprocess
import sys

import numpy as np
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


def test_a_session_that_gave_its_memory_back_is_loaded_again_by_the_next_run(negative):
    session = module.open(negative, "cpu", threads=None, precise=False)
    image = np.full((1, 3, 8, 8), 55, np.float32)
    for _ in range(2):
        assert (session.run({"image": image})[0] == 200).all()
        session.release()
        assert not session._sessions


def test_sizes_keep_their_sessions_where_planning_takes_long(negative):
    loads = []

    def load():
        loads.append(module.ort.InferenceSession(negative, providers=["CPUExecutionProvider"]))
        return loads[-1]

    session = module.OnnxRuntimeSession(load, "cpu", sizes=2)
    images = [np.full((1, 3, side, 8), 55, np.float32) for side in (8, 16, 24)]

    def painted_by(number):
        assert (session.run({"image": images[number]})[0] == 200).all()
        return next(reversed(session._sessions.values()))

    assert [painted_by(n) for n in (0, 1, 0, 1)] == [*loads, *loads]
    assert len(loads) == 2
    assert painted_by(2) is loads[0]  # Unused for longest.
    assert painted_by(1) is loads[1]
    assert len(loads) == 2
