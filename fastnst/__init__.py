"""Feed-forward fast style transfer: train a style, export it, paint photos with it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnst.errors import FastnstError
    from fastnst.evaluating.evaluate import evaluate
    from fastnst.exporting import export
    from fastnst.optimizing.optimize import optimize
    from fastnst.runtime.live import stream
    from fastnst.runtime.look import Look
    from fastnst.runtime.steady import Steady
    from fastnst.runtime.stylize import stylize
    from fastnst.runtime.stylizer import Stylizer
    from fastnst.runtime.video import Clip
    from fastnst.styles import StyleCard, list_styles
    from fastnst.training.train import train

_HOMES = {
    "Clip": "fastnst.runtime.video",
    "FastnstError": "fastnst.errors",
    "Look": "fastnst.runtime.look",
    "Steady": "fastnst.runtime.steady",
    "StyleCard": "fastnst.styles",
    "Stylizer": "fastnst.runtime.stylizer",
    "evaluate": "fastnst.evaluating.evaluate",
    "export": "fastnst.exporting",
    "list_styles": "fastnst.styles",
    "optimize": "fastnst.optimizing.optimize",
    "stream": "fastnst.runtime.live",
    "stylize": "fastnst.runtime.stylize",
    "train": "fastnst.training.train",
}

__all__ = [
    "Clip",
    "FastnstError",
    "Look",
    "Steady",
    "StyleCard",
    "Stylizer",
    "evaluate",
    "export",
    "list_styles",
    "optimize",
    "stream",
    "stylize",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562), so that `import fastnst` is instant and torch-free."""
    if name == "__version__":
        return version("fastnst")
    if name not in _HOMES:
        raise AttributeError(f"module 'fastnst' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
