"""Stand-ins for libraries that are not installed, so that the help of a command that needs them can be shown."""

from __future__ import annotations

import sys
from abc import ABCMeta
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")
OURS = "fastnst"


def explained(show: Callable[[], T]) -> T:
    """Call `show` with a stand-in for each library that is missing, and return its result.

    Raises:
        ImportError: A part of fastnst is missing.
    """
    missing: set[str] = set()
    while True:
        try:
            with _stand_ins(missing):
                return show()
        except ImportError as error:
            name = missing_module(error).partition(".")[0]
            if not name or name == OURS or name in missing:
                raise
            missing.add(name)


def missing_module(error: ImportError) -> str:
    """Return the name of the module that was not found, by the error or its causes; empty if none is missing."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, ModuleNotFoundError) and cause.name):
        cause = cause.__cause__
    return getattr(cause, "name", None) or ""


class _Callable(ABCMeta):
    """Metaclass of `_Anything`, which works beside `ABC`: all attributes and items of the class are the class."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __getitem__(cls, key: object) -> Any:
        return cls


class _Anything(metaclass=_Callable):
    """Stand-in for a class, a function, a constant, or a decorator, which returns the function as it is."""

    def __new__(cls, *args: Any, **options: Any) -> Any:
        return args[0] if len(args) == 1 and callable(args[0]) and not options else cls


class _Module(ModuleType):
    """Module that has every name."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


class _Finder(MetaPathFinder, Loader):
    """Importer of every part of some libraries, as `_Module`."""

    def __init__(self, libraries: set[str]) -> None:
        self._libraries = libraries

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in self._libraries:
            return ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def _stand_ins(libraries: set[str]) -> Iterator[None]:
    """Import libraries as stand-ins within the context; after it, all modules are as before."""
    before, finder = dict(sys.modules), _Finder(libraries)
    built = {OURS, *libraries}
    sys.meta_path.insert(0, finder)
    for name in libraries:
        sys.modules.pop(name, None)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in sys.modules.keys() - before.keys():
            if name.partition(".")[0] in built:
                del sys.modules[name]
        sys.modules.update(before)
