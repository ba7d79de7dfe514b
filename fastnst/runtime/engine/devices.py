"""Devices that paint, and the engine behind each."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:
    from fastnst.runtime.engine.session import Session

Device = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
"""Name of a device; `auto` is the fastest that can load a file."""

ENGINES: dict[Device, str] = {
    "cuda": "onnxruntime_engine",
    "directml": "onnxruntime_engine",
    "coreml": "onnxruntime_engine",
    "openvino": "openvino_engine",
    "cpu": "onnxruntime_engine",
}
"""Module of each device's engine, in the order in which `auto` tries the devices."""
ON_PROCESSOR: tuple[Device, ...] = ("cpu", "openvino")
"""Devices that are, or may be, the processor: they paint tiles, and several frames at a time."""


class Engine(Protocol):
    """Library that runs nets: a module of this package that `ENGINES` names."""

    def is_fast(self, device: Device) -> bool:
        """Return whether a device is there, and fast enough for `auto` to take it before those after it."""

    def check(self, device: Device) -> None:
        """Check that a device is there.

        Raises:
            DeviceUnavailable: It is not.
            MissingExtra: The engine is not installed.
        """

    def open(
        self, model: Path | bytes, device: Device, *, threads: int | None, lean: bool, precise: bool
    ) -> Session | None:
        """Open a session; see `open_session`.

        Returns:
            The session; None if the device could not be started.

        Raises:
            EngineFailure: The model can't be loaded.
        """


def engine_of(device: Device) -> Engine:
    """Return the engine of a device, which is imported only now."""
    return cast(Engine, import_module(f"{__package__}.{ENGINES[device]}"))
