"""Sessions of onnxruntime."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
import onnxruntime as ort

from fastnst.errors import DeviceUnavailable, first_line
from fastnst.runtime.engine import DISABLE_TELEMETRY
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.session import (
    UNPADDED,
    EngineFailure,
    Feed,
    Padding,
    Session,
    on_pixels,
)

if os.environ.get(DISABLE_TELEMETRY) != "0":
    ort.disable_telemetry_events()  # On Windows there are some that the variable does not stop.

PROVIDERS: dict[Device, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""Each device's name in onnxruntime."""
PACKAGES = {
    "cuda": "'onnxruntime-gpu[cuda,cudnn]'",
    "directml": "onnxruntime-directml",
    "coreml": "onnxruntime",
}
"""Package that has each device, on systems that it is for."""
SYSTEMS = {"directml": ("win32", "Windows"), "coreml": ("darwin", "macOS")}
"""Systems of the devices that only one system has, as `sys.platform` and in words."""
SIZES: dict[Device, int] = {"cuda": 4}
"""Sizes that have a session of their own, by device, where a session plans its convolutions anew each time that the
size changes, as it does from each level of a net to the next."""
OPTIONS: dict[Device, dict[str, str]] = {"cuda": {"cudnn_conv_algo_search": "HEURISTIC"}}
"""Options of a device. With the default, which tries all algorithms out, the first picture of 640x480 px took 857 ms on
an H200, in place of 116."""

Shapes: TypeAlias = tuple[tuple[int, ...], ...]
"""Shape of each input."""


class OnnxRuntimeSession:
    """Session of onnxruntime, see `Session`. Several threads may run it at once.

    Args:
        load: Loads a session.
        device: Device that it runs on.
        sizes: Sizes that have a session of their own, the ones painted last.
    """

    def __init__(
        self, load: Callable[[], ort.InferenceSession], device: Device, sizes: int = 1
    ) -> None:
        self.device = device
        self._load, self._sizes = load, sizes
        first = load()
        self.providers = first.get_providers()
        """Providers of onnxruntime that it runs on."""
        self.inputs, self.outputs = first.get_inputs(), first.get_outputs()
        self._lock = threading.Lock()
        self._sessions: OrderedDict[Shapes, ort.InferenceSession] = OrderedDict({(): first})

    def run(self, feed: Feed, padding: Padding = UNPADDED) -> list[npt.NDArray[Any]]:
        """Run the net once, see `Session.run`."""
        return on_pixels(self._run, feed, padding)

    def _run(self, feed: Feed) -> list[npt.NDArray[Any]]:
        try:
            session = self._session_for(tuple(values.shape for values in feed.values()))
            outputs: list[npt.NDArray[Any]] = session.run(None, dict(feed))
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            raise EngineFailure(_reason(error)) from error
        return outputs

    def release(self) -> None:
        """Give the memory of the last runs back: the sessions go, and the next run loads one again."""
        with self._lock:
            self._sessions.clear()

    def _session_for(self, shapes: Shapes) -> ort.InferenceSession:
        """Return the session that painted a size last; else a new one, or the one that was not used for longest."""
        with self._lock:
            session = self._sessions.pop(shapes, None) or self._sessions.pop((), None)
            if session is None and len(self._sessions) == self._sizes:
                session = self._sessions.popitem(last=False)[1]
            self._sessions[shapes] = session = session or self._load()
        return session


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
    # Planned ahead for each size, memory is twice as much; an arena, which grows by doubling, holds a third more.
    options.enable_mem_pattern = options.enable_cpu_mem_arena = False
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # Errors come as exceptions; the log would print them again.

    if device == "cuda" and hasattr(ort, "preload_dlls"):  # From 1.21 on.
        with redirect_stdout(io.StringIO()):  # It prints what it does not find.
            ort.preload_dlls()

    def load() -> ort.InferenceSession:
        provider = (PROVIDERS[device], OPTIONS.get(device, {}))
        return ort.InferenceSession(model, options, providers=[provider])

    try:
        session = OnnxRuntimeSession(load, device, SIZES.get(device, 1))
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
