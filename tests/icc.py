"""Colour profiles made from their definitions, for pictures that have them, and what they mean in sRGB."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""Display P3: XYZ of red, green and blue under D50 (ICC registry)."""
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""Adobe RGB (1998), annex C."""
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _profile(space: bytes, kind: bytes, tags: dict[bytes, bytes], pcs: bytes = b"XYZ ") -> bytes:
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + _fixed(*D50),
        **tags,
    }
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    header = (
        struct.pack(">I", 128 + len(body)) + bytes(4) + b"\x02\x10\x00\x00" + kind + space + pcs
    )
    header += bytes(12) + b"acsp" + bytes(28) + _fixed(*D50)
    return header + bytes(128 - len(header)) + body


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


def rgb_profile(primaries: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    """A matrix profile of three primaries and one gamma."""
    tags = {
        name: b"XYZ " + bytes(4) + _fixed(*xyz)
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma))
    return _profile(b"RGB ", b"mntr", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", b"mntr", {b"kTRC": _gamma(gamma)})


def cmyk_profile() -> bytes:
    """Ink that only darkens: L is 100 without any, 0 with black or all; a and b as far as inks differ."""
    corners = b""
    for cyan in (0, 1):
        for magenta in (0, 1):
            for yellow in (0, 1):
                for black in (0, 1):
                    light = 0 if black else 255 - 85 * (cyan + magenta + yellow)
                    a, b = (
                        (0, 0)
                        if black
                        else (40 * (magenta - cyan), 40 * (yellow - (cyan + magenta) / 2))
                    )
                    corners += bytes([light, 128 + round(a), 128 + round(b)])
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += ramp * 4 + corners + ramp * 3
    return _profile(b"CMYK", b"prtr", {b"A2B0": lut}, pcs=b"Lab ")


def to_srgb(
    pixels: np.ndarray, primaries: tuple[tuple[float, ...], ...], gamma: float
) -> np.ndarray:
    """uint8 RGB of a matrix profile as sRGB, 0..255, clipped."""
    linear = (pixels / 255.0) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    return srgb_curve(linear)


def srgb_curve(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
