"""Sessions of onnxruntime."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
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

    def __init__(self, load: Callable[[], ort.InferenceSession], device: Device) -> None:
        self.device = device
        self._load = load
        self._session: ort.InferenceSession | None = load()
        self.providers = self._session.get_providers()
        """Providers of onnxruntime that it runs on."""
        self.inputs, self.outputs = self._session.get_inputs(), self._session.get_outputs()

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the net once, see `Session.run`."""
        try:
            session = self._session = self._session or self._load()
            outputs: list[npt.NDArray[Any]] = session.run(None, dict(feed))
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            raise EngineFailure(_reason(error)) from error
        return outputs

    def release(self) -> None:
        """Give the memory of the last runs back: the session goes, and the next run loads it again."""
        self._session = None


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
    model: Path | bytes, device: Device, *, threads: int | None, precise: bool
) -> Session | None:
    """Open a session; None if the device could not be started.

    Raises:
        EngineFailure: The model can't be loaded.
    """
    options = ort.SessionOptions()
    options.enable_mem_pattern = False  # Planned ahead for each size, it takes twice the memory.
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # Errors come as exceptions; the log would print them again.

    def load() -> ort.InferenceSession:
        return ort.InferenceSession(model, options, providers=[PROVIDERS[device]])

    try:
        session = OnnxRuntimeSession(load, device)
    except Exception as error:  # onnxruntime's exceptions share no base of their own.
        raise EngineFailure(_reason(error)) from error
    # onnxruntime itself falls back to the CPU with only a line in its log.
    return session if PROVIDERS[device] in session.providers else None


def _where(device: Device) -> str:
    """Return a hint on a device that is not there."""
    system, name = SYSTEMS.get(device, (sys.platform, ""))
    if system != sys.platform:
        return f"It is on {name} alone: leave --device out, which takes the fastest there is."
    return f"Install it with: pip install {PACKAGES[device]}"


def _reason(error: Exception) -> str:
    """Return the first line of onnxruntime's error, without the error's number and name in front."""
    return first_line(error).removeprefix("[ONNXRuntimeError] : ").split(" : ", 2)[-1]
