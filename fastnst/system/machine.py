"""What this machine has: memory, processor cores, a display."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path


def free_memory() -> float:
    """Bytes that this process may still take: of the machine, or of the container that it is in."""
    import psutil

    free = float(psutil.virtual_memory().available)
    for folder, most, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):
            limit, taken = (int(Path(folder, name).read_text()) for name in (most, used))
            facts = dict(
                line.split() for line in Path(folder, "memory.stat").read_text().splitlines()
            )
            # Files that are kept in memory as long as nobody needs it.
            free = min(free, limit - taken + int(facts.get("inactive_file", 0)))
    return max(free, 0.0)


def cpu_count() -> int:
    """Of the processor, those that this process may use, where that is known."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def has_display() -> bool:
    """Whether a window can be opened: OpenCV's on Linux are X's, and end the whole process where there is none."""
    if not sys.platform.startswith("linux"):
        return True
    host, _, number = os.environ.get("DISPLAY", "").rpartition(":")
    number = number.partition(".")[0]
    if not number.isdigit():
        return False
    local = host in ("", "unix")
    family = socket.AF_UNIX if local else socket.AF_INET
    address = f"/tmp/.X11-unix/X{number}" if local else (host, 6000 + int(number))
    with socket.socket(family) as trial:
        trial.settimeout(2)
        try:
            trial.connect(address)
        except OSError:
            return False
    return True
