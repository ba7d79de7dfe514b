"""Resources of this machine: memory and processor cores."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastnst.errors import FastnstError

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
"""Bytes of the units that amounts of memory are given in."""


def parse_bytes(amount: str | int) -> int:
    """Return a number of bytes of words like 800M or 1.5G, where K, M, G and T are powers of 1024.

    Raises:
        FastnstError: The words are no amount above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([KMGT]?)(?:i?B)?", str(amount).strip(), re.I)
    result = int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
    if result > 0:
        return result
    raise FastnstError(f"The memory is {amount!r}.", "Give an amount, such as 800M or 8G.")


def free_memory() -> float:
    """Return the bytes that this process may still take of the machine, or of its container."""
    import psutil

    free = float(psutil.virtual_memory().available)
    for folder, limit_file, used_file in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):
            limit, used = (int(Path(folder, name).read_text()) for name in (limit_file, used_file))
            facts = dict(
                line.split() for line in Path(folder, "memory.stat").read_text().splitlines()
            )
            # The cache of files, which the system gives up for those who need memory.
            free = min(free, limit - used + int(facts.get("inactive_file", 0)))
    return max(free, 0.0)


def cpu_count() -> int:
    """Return the number of cores that this process may use, or of all where that is not known."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def keep_freed_memory(most: int = 2**25) -> None:
    """Make Linux keep what is freed, in blocks of less than `most` bytes, for the arrays to come.

    By default, glibc hands large arrays back to the system and asks for them anew, page by page: a fifth of a training
    step on a CPU, and a twentieth of a frame of 640x480 px. (M_MMAP_THRESHOLD and M_TRIM_THRESHOLD.)
    """
    if sys.platform == "linux":
        libc: Any = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(-3, most)
            libc.mallopt(-1, most)


def give_freed_memory_back() -> None:
    """Give what is freed back to the system. glibc keeps it where a smaller block after it is still in use."""
    if sys.platform == "linux":
        libc: Any = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
