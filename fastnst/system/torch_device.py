"""Devices, number formats and memory of torch on this machine."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch

from fastnst.errors import DeviceUnavailable, FastnstError, did_you_mean

Device: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]
"""Name of a device; `auto` is the fastest one."""


def pick_device(name: str) -> torch.device:
    """Return the device of a name.

    Raises:
        DeviceUnavailable: This machine has no such device.
        FastnstError: There is no such name.
    """
    if name not in get_args(Device):
        raise FastnstError(f"There is no device {name!r}.", did_you_mean(name, get_args(Device)))
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((device for device, here in available.items() if here), "cpu")
    elif not available.get(name, True):
        raise DeviceUnavailable(f"There is no {name} device here.", "Use --device auto.")
    return torch.device(name)


def has_bfloat16(accelerator: str) -> bool:
    """Return whether this machine multiplies bfloat16 matrices in hardware, so that they pay.

    Args:
        accelerator: `auto`, `cpu`, `cuda`, `gpu` or `mps`.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.cuda.get_device_capability() >= (8, 0)
    if accelerator in ("auto", "gpu", "mps") and torch.backends.mps.is_available():
        return False
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
