"""Sessions of onnxruntime."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime as ort

from fastnst.errors import DeviceUnavailable, first_line
from fastnst.runtime.engine import DISABLE_TELEMETRY
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.session import EngineFailure, Session

if os.environ.get(DISABLE_TELEMETRY) != "0":
    ort.disable_telemetry_events()  # On Windows there are some that the variable does not stop.

PROVIDERS: dict[Device, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""Each device's name in onnxruntime."""
PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "coreml": "onnxruntime"}
"""Package that has each device, on systems that it is for."""
SYSTEMS = {"directml": ("win32", "Windows"), "coreml": ("darwin", "macOS")}
"""Systems of the devices that only one system has, as `sys.platform` and in words."""


class OnnxRuntimeSession:
    """Session of onnxruntime, see `Session`. Several threads may run it at once."""

    def __init__(self, session: ort.InferenceSession, device: Device) -> None:
        self.device = device
        self.inputs, self.outputs = session.get_inputs(), session.get_outputs()
        self._session = session

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the net once, see `Session.run`."""
        try:
            outputs: list[npt.NDArray[Any]] = self._session.run(None, dict(feed))
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            raise EngineFailure(_reason(error)) from error
        return outputs


def is_fast(device: Device) -> bool:
    """Return whether the installed onnxruntime has a device."""
    return PROVIDERS[device] in ort.get_available_providers()


def check(device: Device) -> None:
    """Check that the installed onnxruntime has a device.

    Raises:
        DeviceUnavailable: It has not.
    """
    if not is_fast(device):
        raise DeviceUnavailable(
            f"The device {device!r} is not available in the installed onnxruntime, which has: "
            f"{', '.join(name for name in PROVIDERS if is_fast(name))}.",
            _where(device),
        )


def open(
    model: Path | bytes, device: Device, *, threads: int | None, lean: bool, precise: bool
) -> Session | None:
    """Open a session; None if the device could not be started.

    Raises:
        EngineFailure: The model can't be loaded.
    """
    options = ort.SessionOptions()
    options.enable_cpu_mem_arena = not lean
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # Errors come as exceptions; the log would print them again.
    try:
        session = ort.InferenceSession(model, options, providers=[PROVIDERS[device]])
    except Exception as error:  # onnxruntime's exceptions share no base of their own.
        raise EngineFailure(_reason(error)) from error
    # onnxruntime itself falls back to the CPU with only a line in its log.
    if PROVIDERS[device] not in session.get_providers():
        return None
    return OnnxRuntimeSession(session, device)


def _where(device: Device) -> str:
    """Return a hint on a device that is not there."""
    system, name = SYSTEMS.get(device, (sys.platform, ""))
    if system != sys.platform:
        return f"It is on {name} alone: leave --device out, which takes the fastest there is."
    return f"Install it with: pip install {PACKAGES[device]}"


def _reason(error: Exception) -> str:
    """Return the first line of onnxruntime's error, without the error's number and name in front."""
    return first_line(error).removeprefix("[ONNXRuntimeError] : ").split(" : ", 2)[-1]
