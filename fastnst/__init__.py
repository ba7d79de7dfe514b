"""Feed-forward fast style transfer: train a style, export it, paint photos with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnst.errors import FastnstError
    from fastnst.evaluation.evaluate import evaluate
    from fastnst.exporting.export import export
    from fastnst.optimization.optimize import optimize
    from fastnst.runtime.batch.augment import StyleAugment
    from fastnst.runtime.batch.stylize import stylize
    from fastnst.runtime.engine.spec import StylizerSpec
    from fastnst.runtime.engine.stylizer import Stylizer
    from fastnst.runtime.live.stream import stream
    from fastnst.runtime.photos.options import PhotoOptions
    from fastnst.runtime.video.deflicker import Deflicker
    from fastnst.runtime.video.options import VideoOptions
    from fastnst.styles.card import StyleCard
    from fastnst.styles.mix import StyleMix
    from fastnst.styles.registry import list_styles
    from fastnst.training.train import train

_HOMES = {
    "Deflicker": "fastnst.runtime.video.deflicker",
    "FastnstError": "fastnst.errors",
    "PhotoOptions": "fastnst.runtime.photos.options",
    "StyleAugment": "fastnst.runtime.batch.augment",
    "StyleCard": "fastnst.styles.card",
    "StyleMix": "fastnst.styles.mix",
    "Stylizer": "fastnst.runtime.engine.stylizer",
    "StylizerSpec": "fastnst.runtime.engine.spec",
    "VideoOptions": "fastnst.runtime.video.options",
    "evaluate": "fastnst.evaluation.evaluate",
    "export": "fastnst.exporting.export",
    "list_styles": "fastnst.styles.registry",
    "optimize": "fastnst.optimization.optimize",
    "stream": "fastnst.runtime.live.stream",
    "stylize": "fastnst.runtime.batch.stylize",
    "train": "fastnst.training.train",
}

__all__ = [
    "Deflicker",
    "FastnstError",
    "PhotoOptions",
    "StyleAugment",
    "StyleCard",
    "StyleMix",
    "Stylizer",
    "StylizerSpec",
    "VideoOptions",
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
        from fastnst.system.installation import installed_version

        return installed_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'fastnst' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
