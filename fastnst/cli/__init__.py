"""The command line: the one place that prints errors and sets the exit status."""

from fastnst.cli.app import main

__all__ = ["main"]
