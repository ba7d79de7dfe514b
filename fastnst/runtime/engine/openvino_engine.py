"""Sessions of OpenVINO, on the processor or on Intel's graphics."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy.typing as npt

from fastnst.errors import MissingExtra, first_line
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.session import EngineFailure, Port, Session
from fastnst.system.cache import cache_folder
from fastnst.system.installation import missing_extra
from fastnst.system.machine import cpu_count

CONVERTER = "openvino.tools.ovc"
"""Part of OpenVINO that converts models of other libraries: it takes longer to import than all others together, and
reports each import to Google."""
SECONDS_BEFORE_COMPILING = 0.6
"""Seconds that pictures of one size take by the net for all sizes before a net for this size is compiled, which is a
fifth faster and takes a tenth of a second."""
PIXELS_KEPT = 3_000_000
"""Pixels of the sizes whose nets are kept, each with the memory that it works in; of larger pictures none is."""

Shapes: TypeAlias = tuple[tuple[int, ...], ...]
"""Shape of each input."""


class Node(NamedTuple):
    """Input or output of a net, named as onnxruntime names them."""

    name: str
    type: str
    shape: list[int | None]


class _Compiled:
    """Net that is compiled, with the requests that run it: one for each thread that runs it at a time."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._idle: list[Any] = []

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        outputs = list(request.infer(dict(feed), share_inputs=True).values())
        self._idle.append(request)
        return outputs

    def release_memory(self) -> None:
        """Give the memory of the last run back, unless another thread is running the net."""
        with suppress(RuntimeError):
            self._compiled.release_memory()


class OpenVinoSession:
    """Session of OpenVINO, see `Session`. Several threads may run it at once.

    A net that takes all sizes is slower than one that is compiled for a size, and compiling takes time. So a size
    has a net of its own once it was painted for a while.

    Args:
        model: The .onnx file, or its bytes.
        threads: Threads of the processor; None for one a core.
        precise: Whether to calculate in float32, where bfloat16 would be faster.

    Raises:
        EngineFailure: The model can't be loaded.
    """

    device: Device = "openvino"
    inputs: Sequence[Port]
    outputs: Sequence[Port]

    def __init__(self, model: Path | bytes, *, threads: int | None, precise: bool) -> None:
        openvino = _openvino()
        cores = cpu_count()
        streams = max(1, cores // (threads or cores))
        self._core, self._where = _core(), _where()
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if self._where == "CPU":
            self._options |= {
                "INFERENCE_NUM_THREADS": streams * (threads or cores),
                "NUM_STREAMS": streams,
            }
        # Float16 can't hold what the first layers of many nets make of 0..255.
        bfloat16 = self._where == "CPU" and not precise and _has_bfloat16()
        self._options["INFERENCE_PRECISION_HINT"] = "bf16" if bfloat16 else "f32"
        self._lock = threading.Lock()
        self._for_size: OrderedDict[Shapes, _Compiled] = OrderedDict()
        self._seconds: OrderedDict[Shapes, float] = OrderedDict()
        try:
            frontend = openvino.frontend.FrontEndManager().load_by_framework("onnx")
            file = io.BytesIO(model) if isinstance(model, bytes) else str(model)
            self._model = frontend.convert(frontend.load(file))
            folder = "" if isinstance(model, bytes) else _cache()
            self._for_all = self._compile(self._model, {"CACHE_DIR": folder} if folder else {})
        except (
            Exception
        ) as error:  # The exceptions of its reader of ONNX share no base of their own.
            raise EngineFailure(_reason(error)) from error
        self.inputs, self.outputs = map(_nodes, (self._model.inputs, self._model.outputs))

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Run the net once, see `Session.run`."""
        shapes = tuple(values.shape for values in feed.values())
        pixels = sum(values.size for values in feed.values()) // 3
        try:
            net = self._net_for(shapes, feed, pixels)
            started = time.perf_counter()
            outputs = net.run(feed)
        except RuntimeError as error:
            raise EngineFailure(_reason(error)) from error
        if net is self._for_all:
            self._count(shapes, time.perf_counter() - started)
        if pixels > PIXELS_KEPT:
            net.release_memory()
        return outputs

    def release(self) -> None:
        """Give the memory of the last runs back."""
        with self._lock:
            self._for_size.clear()
        self._for_all.release_memory()

    def _count(self, shapes: Shapes, seconds: float) -> None:
        """Add the time of a run to that of its size."""
        with self._lock:
            self._seconds[shapes] = self._seconds.pop(shapes, 0.0) + seconds
            while len(self._seconds) > 64:
                self._seconds.popitem(last=False)

    def _net_for(
        self, shapes: Shapes, feed: Mapping[str, npt.NDArray[Any]], pixels: int
    ) -> _Compiled:
        """Return the net for a size: its own, or that for all."""
        if not self._model.is_dynamic():
            return self._for_all
        with self._lock:
            if shapes in self._for_size:
                self._for_size.move_to_end(shapes)
            elif self._seconds.get(shapes, 0.0) < SECONDS_BEFORE_COMPILING or pixels > PIXELS_KEPT:
                return self._for_all
            else:
                model = self._model.clone()
                try:
                    model.reshape({name: list(values.shape) for name, values in feed.items()})
                    self._for_size[shapes] = self._compile(model)
                except RuntimeError:  # A part of the net takes this size, but not as a constant.
                    self._seconds[shapes] = -math.inf
                    return self._for_all
                self._for_all.release_memory()
                while sum(map(_pixels, self._for_size)) > PIXELS_KEPT:
                    self._for_size.popitem(last=False)
            return self._for_size[shapes]

    def _compile(self, model: Any, options: Mapping[str, str] | None = None) -> _Compiled:
        options = self._options | dict(options or {})
        return _Compiled(self._core.compile_model(model, self._where, options))


def is_fast(device: Device) -> bool:
    """Return whether OpenVINO is installed, and has more than onnxruntime has: bfloat16, or Intel's graphics."""
    if find_spec("openvino") is None or not _may_have_more():
        return False
    try:
        return _where() != "CPU" or _has_bfloat16()
    except (MissingExtra, RuntimeError):
        return False


def _may_have_more(root: Path = Path("/")) -> bool:
    """Return false where the system's files say that there is neither, since loading OpenVINO to ask it takes longer.

    Linux alone has these files.
    """
    if next(root.glob("dev/dri/renderD*"), None) is not None:
        return True
    try:
        facts = (root / "proc/cpuinfo").read_text().split()
    except OSError:
        return True
    # An ARM processor's facts have no "flags", and bf16 where it has it.
    return bool({"avx512_bf16", "amx_bf16", "bf16"}.intersection(facts))


def check(device: Device) -> None:
    """Check that OpenVINO is installed.

    Raises:
        MissingExtra: It is not.
    """
    _openvino()


def open(
    model: Path | bytes, device: Device, *, threads: int | None, precise: bool
) -> Session | None:
    """Open a session.

    Raises:
        EngineFailure: The model can't be loaded.
    """
    return OpenVinoSession(model, threads=threads, precise=precise)


def _openvino() -> Any:
    """Import OpenVINO without its converter."""
    unknown = object()
    before = sys.modules.get(CONVERTER, unknown)
    if before is unknown:
        sys.modules[CONVERTER] = None  # type: ignore[assignment]  # What an import then fails at.
    try:
        import openvino
    except (ImportError, OSError) as error:
        raise missing_extra(
            "--device openvino needs OpenVINO.", "openvino", "Or leave --device out."
        ) from error
    finally:
        if before is unknown:
            del sys.modules[CONVERTER]
    return openvino


@lru_cache(maxsize=1)
def _core() -> Any:
    return _openvino().Core()


@lru_cache(maxsize=1)
def _where() -> str:
    """Return OpenVINO's name of the device: Intel's graphics where there are any."""
    return next((name for name in _core().available_devices if name.startswith("GPU")), "CPU")


@lru_cache(maxsize=1)
def _has_bfloat16() -> bool:
    """Return whether the processor calculates in bfloat16: OpenVINO's own choice for a net of one operator."""
    openvino = _openvino()
    one = openvino.opset13.parameter([1], openvino.Type.f32)
    net = openvino.Model([openvino.opset13.relu(one)], [one])
    chosen = _core().compile_model(net, "CPU").get_property("INFERENCE_PRECISION_HINT")
    return bool(chosen == openvino.Type.bf16)


def _cache() -> str:
    """Return the folder of compiled nets, for a faster start; empty if it can't be written."""
    folder = cache_folder("openvino")
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    return ""


def _nodes(ports: Any) -> list[Node]:
    """Return inputs or outputs as onnxruntime tells them, without the names of their dynamic sides."""
    return [
        Node(
            port.get_any_name(),
            {"f32": "tensor(float)"}.get(kind := port.element_type.get_type_name(), kind),
            [side.get_length() if side.is_static else None for side in port.partial_shape],
        )
        for port in ports
    ]


def _pixels(shapes: Shapes) -> int:
    """Return the number of pixels of a net's inputs."""
    return sum(shape[0] * shape[2] * shape[3] for shape in shapes if len(shape) == 4)


def _reason(error: Exception) -> str:
    """Return the line of OpenVINO's error that says what is wrong, after those on where it was found."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    told = [
        line for line in lines if not line.startswith(("Exception from", "Check '", "FrontEnd"))
    ]
    return first_line(RuntimeError((told or lines or [""])[0]))
