"""The command line, run as a user runs it."""

import sys

import pytest

from fastnst.cli import app as cli


@pytest.fixture
def fastnst(capsys, monkeypatch):
    """Runs a command line; gives back status, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fastnst", *map(str, words)])
        try:
            cli.main()
            status = 0
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return status, out, err

    return run
