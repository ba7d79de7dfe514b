"""Where `evaluate` keeps what takes long and stays the same from one call to the next."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """The folder of one kind of kept results: in $XDG_CACHE_HOME/fastnst, which is in ~/.cache by default."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "fastnst" / kind
