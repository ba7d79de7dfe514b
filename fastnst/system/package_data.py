"""Data that ships with fastnst."""

from __future__ import annotations

from pathlib import Path


def bundled(folder: str) -> Path:
    """Return a folder of bundled data: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / folder
    return inside if inside.is_dir() else package.parent / folder
