"""Sessions of onnxruntime: opening them on a device, and checking that they hold a style net."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

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
"""Each device's name in onnxruntime, in the order in which `auto` tries them."""
PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "coreml": "onnxruntime"}
"""Package that has each device, on systems that it is for."""
SYSTEMS = {"directml": ("win32", "Windows"), "coreml": ("darwin", "macOS")}
"""Systems of the devices that only one system has, as `sys.platform` and in words."""
STYLE_WEIGHTS = "style_weights"
"""Last input of a file of many rows of scales and shifts: the share of each row, (N, rows) for a style for each
picture of a batch, or (rows,) in files of earlier versions."""
STATISTICS = "statistics"
"""Last input of a net with a predictor: the statistics of the painting whose style is predicted (1920,)."""
CANVAS = "canvas"
"""Second input of a net of several levels: the picture that is painted over, of the shape of `image`."""


class Signature(NamedTuple):
    """Inputs and output of a style net."""

    inputs: list[str]
    """Names of the inputs, in order."""
    output: str
    fixed_size: tuple[int, int] | None
    """Height and width in pixels; None where they are dynamic."""
    rows: int
    """Rows of scales and shifts, whose shares are given."""
    style_each: bool
    """Whether each picture of a batch is given a style."""
    one_picture: bool
    """Whether a batch holds one picture only."""


def open_session(
    path: Path, device: Device, model: bytes | None = None, threads: int | None = None
) -> tuple[ort.InferenceSession, str]:
    """Open a session, and return it with the device that it is on.

    Args:
        path: The .onnx file.
        device: `auto` takes the fastest that can load the file.
        model: Bytes of a model to load in place of the file. Memory is then given back after each run, and not
            kept for the next.
        threads: Threads of the processor; None for one a core.

    Raises:
        BadStyleFile: The file can't be loaded.
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
    """Return a hint on a device that is not there."""
    system, name = SYSTEMS.get(device, (sys.platform, ""))
    if system != sys.platform:
        return f"It is on {name} alone: leave --device out, which takes the fastest there is."
    return f"Install it with: pip install {PACKAGES[device]}"


def check_signature(
    session: ort.InferenceSession,
    path: Path,
    rows: int,
    *,
    canvas: bool = False,
    statistics: int = 0,
) -> Signature:
    """Check that a session is a style net's, and return its inputs and output.

    Args:
        session: Of the file.
        path: The file, for errors.
        rows: Number of rows of scales and shifts, as the card has it.
        canvas: Whether the card is that of a net of several levels.
        statistics: Numbers that a painting is described by; 0 for a net without a predictor.

    Raises:
        BadStyleFile: The inputs or outputs are others.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    image = inputs[0] if inputs else None
    further = [(CANVAS, image.shape)] if canvas and image is not None else []
    shapes = {node.name: node.shape for node in inputs}
    style_each = rows > 1 and len(shapes.get(STYLE_WEIGHTS, ())) == 2
    if rows > 1 and image is not None:
        further.append((STYLE_WEIGHTS, [image.shape[0], rows] if style_each else [rows]))
    if statistics and image is not None:
        further.append((STATISTICS, [image.shape[0], statistics] if style_each else [statistics]))
    if (
        image is None
        or [(node.name, node.shape) for node in inputs[1:]] != further
        or any(node.type != "tensor(float)" for node in (*inputs, *outputs[:1]))
        or len(image.shape) != 4
        or image.shape[1] != 3
        or not outputs
        or (len(outputs[0].shape) != 4 or outputs[0].shape[1] not in (3, None))
    ):
        taken = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs) or "nothing"
        raise BadStyleFile(
            f"{path} is no style net: it takes {taken}.",
            "A style net takes one float image of shape (N, 3, H, W) and gives one back.",
        )
    count, _, height, width = image.shape
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    names = [node.name for node in inputs]
    return Signature(names, outputs[0].name, fixed, rows, style_each, isinstance(count, int))


def onnxruntime_reason(error: Exception) -> str:
    """Return the first line of onnxruntime's error, without the error's number and name in front."""
    return first_line(error).removeprefix("[ONNXRuntimeError] : ").split(" : ", 2)[-1]
