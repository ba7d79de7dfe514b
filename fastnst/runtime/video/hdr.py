"""Conversion of HDR and wide-gamut video to BT.709 in 8 bits, which ordinary screens show."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels
from fastnst.runtime.video.ffmpeg import ColorRange, Colorspace

PQ, HLG = 16, 18
"""Transfer functions of ITU-T H.273: SMPTE ST 2084, and ARIB STD-B67."""
BT2020 = 9
"""Primaries, and matrix, of ITU-T H.273."""
WHITE = 203.0
"""Luminance of white, in candela per square metre (ITU-R BT.2408)."""
PEAK = 1000.0
"""Luminance, in candela per square metre, from which on all is white in the output."""
TO_709 = np.array(
    [
        [1.660491, -0.587641, -0.072850],
        [-0.124550, 1.132900, -0.008349],
        [-0.018151, -0.100579, 1.118730],
    ],
    np.float32,
)
"""Linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2087)."""


def is_wide(frame: Any) -> bool:
    """Return whether a frame's numbers stand for light by PQ or HLG, or for colours of BT.2020."""
    return (
        frame.color_trc in (PQ, HLG)
        or frame.color_primaries == BT2020
        or frame.colorspace == BT2020
    )


def to_sdr(frame: Any) -> Pixels:
    """Convert a frame of PQ, HLG or BT.2020 to 8 bits of BT.709, (H, W, 3).

    Light up to half of `WHITE` stays as it is; brighter light is compressed so that `PEAK` becomes white.
    """
    limited = frame.color_range != ColorRange.JPEG
    deep = frame.reformat(
        format="rgb48le",
        src_colorspace=Colorspace.BT2020,
        src_color_range=ColorRange.MPEG if limited else ColorRange.JPEG,
        dst_color_range=ColorRange.JPEG,
    ).to_ndarray()
    light = _light(frame.color_trc)[deep] @ TO_709.T
    if frame.color_trc in (PQ, HLG):
        bright = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
        light = light * (_bent(bright) / bright)
    # ITU-R BT.1886 backwards: what screens of BT.709 turn back into light.
    pixels: Pixels = np.rint(255 * np.clip(light, 0, 1) ** np.float32(1 / 2.4)).astype(np.uint8)
    return pixels


@cache
def _light(transfer: int) -> npt.NDArray[np.float32]:
    """Return the light of each 16-bit number, in units of `WHITE`."""
    code = np.arange(65536) / 65535
    if transfer == PQ:  # SMPTE ST 2084, equation 4.1
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = code ** (1 / m2)
        light = 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    elif (
        transfer == HLG
    ):  # ITU-R BT.2100, HLG, its system gamma on each channel: 1,000 candela for 1
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
        light = 1000 * scene**1.2
    else:
        light = WHITE * code**2.4
    result: npt.NDArray[np.float32] = (light / WHITE).astype(np.float32)
    return result


def _bent(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Tone curve: straight to a half, from there on a hyperbola that reaches 1 at `PEAK`."""
    knee, peak = 0.5, PEAK / WHITE
    over = np.clip(light, knee, peak) - knee
    span, room = peak - knee, 1 - knee
    bent = knee + room * over / (over + room * (1 - over / span))
    result: npt.NDArray[np.float32] = np.where(light < knee, light, bent)
    return result
