"""Locks of files and folders: one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastnst.errors import CannotWrite, FastnstError

try:
    import fcntl
except ImportError:
    CAN_LOCK = False
else:
    CAN_LOCK = True


@contextmanager
def lock_folder(folder: Path, *, instead: str = "give another --name") -> Iterator[None]:
    """Lock a folder, which is made if it is missing; the lock ends with the process, however that ends.

    No file is left. On Windows, and in network folders without locks, nothing is locked.

    Args:
        folder: The folder.
        instead: What to do in place of waiting, for the error.

    Raises:
        FastnstError: Another process has the lock.
        CannotWrite: The folder can't be made or opened.
    """
    if not CAN_LOCK:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise CannotWrite(f"{folder} can't be written: {error.strerror}.") from error
    try:
        if try_lock(handle) is False:
            raise FastnstError(
                f"Another process is at work in {folder}.",
                f"Wait until it has ended, or {instead}.",
            )
        yield
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool | None:
    """Lock an open file or folder until it is closed.

    Returns:
        Whether it is locked now, or another process has it; None where there are no locks.
    """
    if not CAN_LOCK:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
