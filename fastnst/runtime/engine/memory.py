"""Memory that painting takes: at most about `DEFAULT_MEMORY` for the process, unless more is allowed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastnst.system.machine import free_memory

DEFAULT_MEMORY = 3 * 2**29
"""Bytes that fastnst takes by default, about, however many are free."""
OTHERS = 2**28
"""Bytes of these for what is neither a picture nor a net: Python, libraries, files."""
PICTURE_BYTES = 6
"""Bytes a pixel of a photo and what is painted of it."""
FREE_SHARE = 0.6
"""Share of the free memory that painting may take."""

_changed = threading.Condition()
_taken = 0.0


def room(memory: int | None, pixels: int) -> float:
    """Return the bytes that a net may take while it paints.

    Args:
        memory: Bytes that fastnst may take; None for `DEFAULT_MEMORY`.
        pixels: Number of pixels of the picture.
    """
    allowed = (memory or DEFAULT_MEMORY) - OTHERS - PICTURE_BYTES * pixels
    return max(0.0, min(allowed, FREE_SHARE * free_memory()))


@contextmanager
def reserve(needed: float, room: float) -> Iterator[None]:
    """Wait until other threads leave enough room for what is needed, or all of it.

    Args:
        needed: Bytes.
        room: Bytes that all threads may take together.
    """
    global _taken
    with _changed:
        _changed.wait_for(lambda: not _taken or _taken + needed <= room)
        _taken += needed
    try:
        yield
    finally:
        with _changed:
            _taken -= needed
            _changed.notify_all()
