"""Detection of a display."""

from __future__ import annotations

import os
import socket
import sys


def has_display() -> bool:
    """Return whether a window can be opened: on Linux, OpenCV ends the whole process where there is no X server."""
    if not sys.platform.startswith("linux"):
        return True
    host, _, number = os.environ.get("DISPLAY", "").rpartition(":")
    number = number.partition(".")[0]
    if not number.isdigit():
        return False
    local = host in ("", "unix")
    family = socket.AF_UNIX if local else socket.AF_INET
    address = f"/tmp/.X11-unix/X{number}" if local else (host, 6000 + int(number))
    with socket.socket(family) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
        except OSError:
            return False
    return True
