"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import platform
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastnst.errors import CannotWrite
from fastnst.system.lock import CAN_LOCK, try_lock

_swept: set[Path] = set()
"""Folders that were searched for what killed processes left."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` at the end.

    On any error the temporary file is removed, and `path` stays as it was. Missing folders are made. What a process that was
    killed left in the folder is removed too.

    Raises:
        CannotWrite: The operating system refuses, and the message has its reason; or there is a pipe or a device.
    """
    try:
        if _is_special(path):
            raise CannotWrite(
                f"{path} is a pipe or a device, not a file.",
                "Give another name, or - for standard output.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path.parent, path.suffix) as temporary:
            yield temporary
            temporary.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}.") from error


@contextmanager
def temporary_file(folder: Path, suffix: str = "") -> Iterator[Path]:
    """Yield the path of a new, empty file in a folder, and remove it at the end, if it is there still.

    It is locked, so that other processes see whether its own is alive: where a process is killed, the next that writes into the
    folder removes what it left. On Windows, and in folders without locks, it stays.

    Raises:
        OSError: The operating system refuses.
    """
    # Locks of network folders may hold on one machine alone.
    prefix = f".fastnst-{zlib.crc32(platform.node().encode()):08x}-"
    _sweep(folder, prefix)
    while True:
        # The name is known before the file is there, so that a signal at any moment leaves none.
        path = folder / f"{prefix}{os.urandom(4).hex()}{suffix}"
        handle = None
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            # Another process may have swept it away before it was locked.
            if try_lock(handle) is False or not os.fstat(handle).st_nlink:
                continue
            if not CAN_LOCK:  # Windows, where an open file can't be renamed.
                os.close(handle)
                handle = None
            yield path
            return
        finally:
            with suppress(OSError):
                path.unlink()
            if handle is not None:
                os.close(handle)


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _sweep(folder: Path, prefix: str) -> None:
    """Remove the temporary files of processes that are gone, once for each folder."""
    place = folder.absolute()
    if not CAN_LOCK or place in _swept:
        return
    _swept.add(place)
    for path in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if try_lock(handle):
                    path.unlink()
            finally:
                os.close(handle)
