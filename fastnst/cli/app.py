"""The command line: the one place that prints errors and sets the exit status."""

from __future__ import annotations

import os
import sys
from typing import Any

from cyclopts import App, CycloptsError, UnknownCommandError

from fastnst.cli.push import push
from fastnst.cli.stand_ins import explained, missing_module
from fastnst.cli.styles import styles
from fastnst.cli.stylize import EXAMPLES, stylize
from fastnst.cli.terminal import say
from fastnst.cli.webcam import webcam
from fastnst.errors import FastnstError, MissingExtra, did_you_mean
from fastnst.system.installation import missing_extra
from fastnst.system.interrupts import exit_cleanly_on_sigterm

app = App(
    name="fastnst",
    help="Fast style transfer: train a style from a painting, paint photos with it in one pass.",
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.command(
    stylize,
    usage="Usage: fastnst stylize INPUT... --style NAME [OPTIONS]",
    help_epilogue=EXAMPLES,
)
app.command(webcam)
app.command(styles)
app.command("fastnst.web.command:web", help="Open a page in the browser that paints.")
app.command(push)
# Named by string, so that torch is loaded only by the commands that need it.
app.command("fastnst.training.command:train", help="Learn a style from a painting.")
app.command("fastnst.exporting.export:export", help="Write a trained style as an ONNX file.")
app.command(
    "fastnst.evaluation.evaluate:command",
    name="evaluate",
    help="Measure a style on photos that it was not trained on.",
)
app.command(
    "fastnst.optimization.optimize:optimize",
    help="Paint one photo by optimizing its pixels: minutes, and no training.",
)

STOPPED = 130
"""Exit status after Ctrl-C, as shells have it."""
INSTALL_COMPLETION = "--install-completion"
HELP_WORDS = {"--help", "-h", INSTALL_COMPLETION}
"""Words that ask for an explanation of a command, which then need not run."""


def _missing_extra(error: ImportError) -> MissingExtra:
    """Return the error that says what to install, for a command whose module could not be imported."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    name = missing_module(error)
    package = {"torch": "PyTorch", "pytorch_lightning": "PyTorch Lightning"}.get(name, name)
    return missing_extra(
        f"`fastnst {command}` needs {package or f'a part that can not be loaded ({error})'}.",
        "train",
    )


def run(words: list[str]) -> Any:
    """Run one command line and return what the command returned."""

    def call() -> Any:
        return app(words, exit_on_error=False, print_error=False)

    if not HELP_WORDS & set(words):
        return call()
    if INSTALL_COMPLETION not in app:  # Loaded here, since no other command needs it.
        app.register_install_completion_command(
            INSTALL_COMPLETION, help="Install completion by the Tab key in this shell."
        )
    return explained(call)


def main() -> None:
    """Run the command line of this process: status 0 if all went well, 1 for an error, 130 for Ctrl-C, 143 for SIGTERM."""
    exit_cleanly_on_sigterm()
    try:
        result = run(sys.argv[1:])
        # A training on several devices has several processes.
        if result is not None and os.environ.get("LOCAL_RANK", "0") == "0":
            print(result)
    except UnknownCommandError as error:
        # Cyclopts' own text would import every command, torch included.
        given = (error.unused_tokens or [""])[0]
        names = [name for name in app if not name.startswith("-")]
        say(f"fastnst: There is no command {given!r}. {did_you_mean(given, names)}")
        sys.exit(1)
    except (CycloptsError, FastnstError) as error:
        say(f"fastnst: {' '.join(str(error).split())}")
        sys.exit(STOPPED if isinstance(error, FastnstError) and error.by_user else 1)
    except ImportError as error:
        say(f"fastnst: {_missing_extra(error)}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Stopped.")
        sys.exit(STOPPED)
    except BrokenPipeError:  # The reader of the output, such as `head`, has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # Such as a full disk under standard output, or an impossible name.
        say(f"fastnst: {error.filename or 'The output'} can't be used: {error.strerror or error}.")
        sys.exit(1)
