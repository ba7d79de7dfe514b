"""What can go wrong, in words for people. The library raises these; only the command line prints them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FastnstError(Exception):
    """A problem with what was given: one sentence on the problem, one on what to do.

    Args:
        message: What was given and what is allowed.
        hint: What to do about it.
    """

    stopped = False
    """Whether it is the user who wanted it so (Ctrl-C)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Interrupted(FastnstError):
    """Ctrl-C ended the work early; what was done is kept."""

    stopped = True


class Diverged(FastnstError):
    """What was to become smaller is no number any more."""


class UnknownStyle(FastnstError):
    """No style has this name."""


class BadStyleFile(FastnstError):
    """The file exists and is no style net that can be run, or no weights that can be loaded."""


class UnreadableImage(FastnstError):
    """The file can't be read as a picture."""


class CannotWrite(FastnstError):
    """The output can't be written."""


class DeviceUnavailable(FastnstError):
    """The device that was asked for is not there."""


class MissingExtra(FastnstError):
    """The command needs a part of fastnst that is not installed."""


def missing_extra(message: str, extra: str, instead: str = "") -> MissingExtra:
    """The error for a package that is not installed.

    Args:
        message: What needs it.
        extra: The optional part of fastnst that brings it, by its name in pyproject.toml.
        instead: What else can be done.
    """
    # By the name of the folder: fastnst itself is on no registry.
    install = f"In fastnst's source folder say: pip install '.[{extra}]'"
    return MissingExtra(message, f"{install} {instead}".strip())


def first_line(error: BaseException) -> str:
    """The first line of what an error says, without the punctuation at its end; its type's name if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """The names nearest to a wrong one, or all of them: "Did you mean 'udnie'?", "Choose from: ..."."""
    names = sorted(allowed)
    if not names:
        return ""
    near = get_close_matches(given, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(name) for name in near)}?"
    return f"Choose from: {', '.join(names)}."
