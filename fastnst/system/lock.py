"""Locks of folders: one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastnst.errors import CannotWrite, FastnstError


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
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise CannotWrite(f"{folder} can't be written: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FastnstError(
                f"Another process is at work in {folder}.",
                f"Wait until it has ended, or {instead}.",
            ) from error
        except OSError:
            pass
        yield
    finally:
        os.close(handle)
