"""Errors in words for people: the library raises them, only the command line prints them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FastnstError(Exception):
    """Problem with what was given: one sentence on the problem, one on what to do.

    Args:
        message: Sentence on what was given and what is allowed.
        hint: Sentence on what to do.
    """

    by_user = False
    """True if the user stopped the work (Ctrl-C)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Interrupted(FastnstError):
    """Ctrl-C ended the work early; what was done is kept."""

    by_user = True


class Diverged(FastnstError):
    """The objective became infinite or not a number."""


class UnknownStyle(FastnstError):
    """No style has this name."""


class BadStyleFile(FastnstError):
    """The file exists, but holds no style net that can be run, or no weights that can be loaded."""


class UnreadableImage(FastnstError):
    """The file can't be read as an image."""


class CannotWrite(FastnstError):
    """The output can't be written."""


class DeviceUnavailable(FastnstError):
    """This machine has no such device."""


class MissingExtra(FastnstError):
    """The command needs a part of fastnst that is not installed."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without the punctuation at its end; without a text, its type's name."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(" .:") if lines else type(error).__name__


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """Return a hint with the names nearest to a wrong one, or all of them: "Did you mean 'udnie'?", "Choose from: ..."."""
    names = sorted(allowed)
    if not names:
        return ""
    near = get_close_matches(given, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(name) for name in near)}?"
    return f"Choose from: {', '.join(names)}."
