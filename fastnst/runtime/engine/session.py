"""onnxruntime sessions: opening them, on whatever there is, and whether they hold a style net."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import onnxruntime as ort

from fastnst.errors import BadStyleFile, DeviceUnavailable, first_line
from fastnst.runtime.engine import DISABLE_TELEMETRY

if os.environ.get(DISABLE_TELEMETRY) != "0":
    ort.disable_telemetry_events()  # On Windows there are some that the variable does not stop.

Device = Literal["auto", "cpu", "cuda", "coreml", "directml"]
PROVIDERS: dict[str, str] = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""onnxruntime's name of each device, in the order in which `auto` tries them."""
PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "coreml": "onnxruntime"}
"""What has each device, on systems that it is for."""
SYSTEMS = {"directml": ("win32", "Windows"), "coreml": ("darwin", "macOS")}
"""Where each device is at all, as `sys.platform` has it and in words; others may be anywhere."""
STYLE_WEIGHTS = "style_weights"
"""The last input of a file of many styles: how much of each row of scales and shifts, (rows,)."""


CANVAS = "canvas"
"""The second input of a net of several levels: what is painted over, as `image`."""


def open_session(
    path: Path, device: Device, model: bytes | None = None, threads: int | None = None
) -> tuple[ort.InferenceSession, str]:
    """A session, and the device that it is on.

    Args:
        path: The .onnx file.
        device: `auto` takes the fastest that can load it.
        model: What to load in the file's place, to run with as little memory as can be: what a run took is
            given back after it, where otherwise it is kept for the next.
        threads: Of the processor; None for one a core.

    Raises:
        BadStyleFile: It can't be loaded.
        DeviceUnavailable: The device was asked for by name and is not there.
    """
    available = ort.get_available_providers()
    if device == "auto":
        candidates = [name for name, provider in PROVIDERS.items() if provider in available]
    elif device not in PROVIDERS:
        raise DeviceUnavailable(
            f"There is no device {device!r}.", f"Choose from: auto, {', '.join(PROVIDERS)}."
        )
    elif PROVIDERS[device] not in available:
        raise DeviceUnavailable(
            f"The device {device!r} is not available in the installed onnxruntime, which has: "
            f"{', '.join(name for name, provider in PROVIDERS.items() if provider in available)}.",
            _where(device),
        )
    else:
        candidates = [device]
    options = ort.SessionOptions()
    options.enable_cpu_mem_arena = model is None
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 4  # Errors come as exceptions; the log would print them again.
    for name in candidates:
        try:
            session = ort.InferenceSession(model or path, options, providers=[PROVIDERS[name]])
        except Exception as error:  # onnxruntime's exceptions share no base of their own.
            if name == candidates[-1]:
                raise BadStyleFile(
                    f"{path} can't be loaded as an ONNX net: {onnxruntime_reason(error)}.",
                    "Give a style that `fastnst export` wrote, or see `fastnst styles`.",
                ) from error
            continue
        # onnxruntime itself falls back to the CPU with only a line in its log.
        if PROVIDERS[name] in session.get_providers():
            return session, name
    raise DeviceUnavailable(
        f"The device {device!r} could not be started.",
        "Check its driver, or run on the processor: --device cpu",
    )


def _where(device: str) -> str:
    """How to get at a device that is not there."""
    system, name = SYSTEMS.get(device, (sys.platform, ""))
    if system != sys.platform:
        return f"It is on {name} alone: leave --device out, which takes the fastest there is."
    return f"Install it with: pip install {PACKAGES[device]}"


def check_signature(
    session: ort.InferenceSession, path: Path, rows: int, canvas: bool = False
) -> tuple[list[str], str, tuple[int, int] | None]:
    """Names of the inputs and the output, and the height and width if they are fixed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    image = inputs[0] if inputs else None
    further = [[CANVAS, "tensor(float)", image.shape]] if canvas and image is not None else []
    if rows > 1:
        further.append([STYLE_WEIGHTS, "tensor(float)", [rows]])
    if (
        image is None
        or [[node.name, node.type, node.shape] for node in inputs[1:]] != further
        or image.type != "tensor(float)"
        or len(image.shape) != 4
        or image.shape[1] != 3
        or not outputs
        or outputs[0].type != "tensor(float)"
        or (len(outputs[0].shape) != 4 or outputs[0].shape[1] not in (3, None))
    ):
        taken = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs) or "nothing"
        raise BadStyleFile(
            f"{path} is no style net: it takes {taken}.",
            "A style net takes one float image of shape (N, 3, H, W) and gives one back.",
        )
    height, width = image.shape[2:]
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return [node.name for node in inputs], outputs[0].name, fixed


def onnxruntime_reason(error: Exception) -> str:
    """The first line of onnxruntime's error, without the error's number and name in front."""
    return first_line(error).removeprefix("[ONNXRuntimeError] : ").split(" : ", 2)[-1]
