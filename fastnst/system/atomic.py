"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastnst.errors import CannotWrite


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` at the end.

    On any error the temporary file is removed, and `path` stays as it was. Missing folders are made.

    Raises:
        CannotWrite: The operating system refuses; the message has its reason.
    """
    # The name is known before the file is there, so that a signal at any moment leaves none.
    temporary = path.with_name(f".fastnst-{os.urandom(4).hex()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.open("xb").close()
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
