"""Sessions of OpenVINO, on the processor or on Intel's graphics."""

from __future__ import annotations

import hashlib
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

import numpy as np
import numpy.typing as npt

from fastnst.errors import MissingExtra, first_line
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.openvino_pixels import take_pixels
from fastnst.runtime.engine.session import (
    UNPADDED,
    EngineFailure,
    Feed,
    Padding,
    Port,
    Session,
    on_pixels,
)
from fastnst.system.cache import cache_folder
from fastnst.system.installation import missing_extra
from fastnst.system.machine import cpu_count, give_freed_memory_back

CONVERTER = "openvino.tools.ovc"
"""Part of OpenVINO that converts models of other libraries: it takes longer to import than all others together, and
reports each import to Google."""
SECONDS_BEFORE_COMPILING = 0.3
"""Seconds that pictures of one size take by the net for all sizes before a net for this size is compiled, which takes a
third less time, and a tenth of a second to compile."""
LARGE = 1_500_000
"""Pixels from which on a net that takes pixels is compiled for the first picture: with the compiling it takes less time.
One that takes floats is not compiled, as it needs several times the memory."""
PIXELS_KEPT = 5_000_000
"""Pixels of the sizes whose nets are kept, each with the memory that it works in, 60 to 90 bytes a pixel."""

Shapes: TypeAlias = tuple[tuple[int, ...], ...]
"""Shape of each input."""


class Form(NamedTuple):
    """What a net can be compiled for."""

    shapes: Shapes
    """Shape of each input."""
    padding: Padding | None
    """Of pixels, see `Session.run`; None for pictures in floats."""
    style: bytes | None
    """Digest of the inputs that are no pictures, which are its constants; None if it takes them."""


class Node(NamedTuple):
    """Input or output of a net, named as onnxruntime names them."""

    name: str
    type: str
    shape: list[int | None]


class _Compiled:
    """Net that is compiled, with the requests that run it: one for each thread that runs it at a time."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._names = {name for port in compiled.inputs for name in port.get_names()}
        self._idle: list[Any] = []

    def run(self, feed: Feed) -> list[npt.NDArray[Any]]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        given = {name: values for name, values in feed.items() if name in self._names}
        outputs = list(request.infer(given, share_inputs=True).values())
        self._idle.append(request)
        return outputs

    def release_memory(self) -> None:
        """Give the memory of the last run back, unless another thread is running the net."""
        with suppress(RuntimeError):
            self._compiled.release_memory()


class OpenVinoSession:
    """Session of OpenVINO, see `Session`. Several threads may run it at once.

    A net that takes all sizes and styles is slower than one that is compiled for one of each, and compiling takes time.
    So a size has a net of its own once it was painted for a while.

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
        self._own: OrderedDict[Form, _Compiled] = OrderedDict()
        self._seconds: OrderedDict[Form, float] = OrderedDict()
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
        # Asked once, as it takes half a millisecond.
        self._any_size = bool(self._model.is_dynamic())
        self.inputs, self.outputs = map(_nodes, (self._model.inputs, self._model.outputs))

    def run(self, feed: Feed, padding: Padding = UNPADDED) -> list[npt.NDArray[Any]]:
        """Run the net once, see `Session.run`."""
        form = _form_of(feed, padding)
        pixels = _pixels(form)
        try:
            net, own = self._net_for(form, feed)
            started = time.perf_counter()
            outputs = net.run(feed) if own else on_pixels(net.run, feed, padding)
        except RuntimeError as error:
            raise EngineFailure(_reason(error)) from error
        if own != form:
            self._count(form, time.perf_counter() - started)
        if pixels > (PIXELS_KEPT if own else LARGE):
            net.release_memory()
            with self._lock:
                self._own.pop(own or form, None)
            give_freed_memory_back()
        return outputs

    def release(self) -> None:
        """Give the memory of the last runs back."""
        with self._lock:
            self._own.clear()
        self._for_all.release_memory()

    def _count(self, form: Form, seconds: float) -> None:
        """Add the time of a run to that of its size and style, and to that of its size."""
        with self._lock:
            for each in {form, form._replace(style=None)}:
                self._seconds[each] = self._seconds.pop(each, 0.0) + seconds
            while len(self._seconds) > 64:
                self._seconds.popitem(last=False)

    def _net_for(self, form: Form, feed: Feed) -> tuple[_Compiled, Form | None]:
        """Return the best net that there is for a size and style now, and what it was compiled for; None for all."""
        large = _pixels(form) >= LARGE
        if form.padding is None and (large or not self._any_size):
            return self._for_all, None
        any_style = form._replace(style=None)
        with self._lock:
            if form not in self._own:
                seconds = self._seconds.get(form, 0.0)
                of_any_style = self._seconds.get(any_style, 0.0)
                if seconds >= (0 if large else SECONDS_BEFORE_COMPILING):
                    self._add(form, feed)
                elif of_any_style >= 2 * SECONDS_BEFORE_COMPILING and any_style not in self._own:
                    self._add(any_style, feed)
            for each in (form, any_style):
                if each in self._own:
                    self._own.move_to_end(each)
                    return self._own[each], each
        return self._for_all, None

    def _add(self, form: Form, feed: Feed) -> None:
        """Compile a net for a size, and let those go that were not used for longest."""
        model = self._model.clone()
        try:
            self._for_all.release_memory()
            if form.padding is not None:
                take_pixels(model, feed, form.padding, style=form.style is not None)
            else:
                model.reshape({name: list(values.shape) for name, values in feed.items()})
            self._own[form] = self._compile(model)
        except RuntimeError:  # A part of the net takes this size, but not as a constant.
            self._seconds[form] = -math.inf
            return
        while len(self._own) > 1 and sum(map(_pixels, self._own)) > PIXELS_KEPT:
            self._own.popitem(last=False)

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


def _form_of(feed: Feed, padding: Padding) -> Form:
    """Return what a net for a size and style would be compiled for. Tiles have statistics that soon change."""
    shapes = tuple(values.shape for values in feed.values())
    if all(values.dtype != np.uint8 for values in feed.values()):
        return Form(shapes, None, None)
    digest = hashlib.blake2b(digest_size=16)
    for values in feed.values():
        if values.ndim != 4:
            digest.update(values.tobytes())
    return Form(shapes, padding, digest.digest())


def _pixels(form: Form) -> int:
    """Return the number of pixels of the photos."""
    return next((math.prod(shape) // 3 for shape in form.shapes if len(shape) == 4), 0)


def _reason(error: Exception) -> str:
    """Return the line of OpenVINO's error that says what is wrong, after those on where it was found."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    told = [
        line for line in lines if not line.startswith(("Exception from", "Check '", "FrontEnd"))
    ]
    return first_line(RuntimeError((told or lines or [""])[0]))
