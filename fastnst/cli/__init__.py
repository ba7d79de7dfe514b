"""The command line: the one place that prints errors and sets the exit status."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command `fastnst`; it is imported here, so that Ctrl-C is answered meanwhile too."""
    # What is imported stays, and searching it for garbage takes a thirtieth of a short command.
    gc.disable()
    try:
        from fastnst.cli.app import main as run
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    gc.freeze()
    gc.enable()
    run()


__all__ = ["main"]
