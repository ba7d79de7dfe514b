"""Cache of the user: results that take long and stay the same from one call to the next."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of cached results, in $XDG_CACHE_HOME/fastnst (~/.cache/fastnst by default)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "fastnst" / kind
