"""Detection of a display, on Linux."""

import socket

import pytest

from fastnst.system.display import has_display

FIRST_PORT = 6000


@pytest.fixture(autouse=True)
def linux(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize("name", ["", "nothing", ":", ":x", "127.0.0.1:59000"])
def test_no_server_is_no_display(name, monkeypatch):
    monkeypatch.setenv("DISPLAY", name)
    assert not has_display()


def test_a_server_that_answers_is_a_display(monkeypatch):
    with socket.socket() as server:
        for number in range(100, 200):
            try:
                server.bind(("127.0.0.1", FIRST_PORT + number))
                break
            except OSError:  # Taken.
                continue
        server.listen()
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{number}.0")
        assert has_display()


def test_other_systems_have_windows(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert has_display()
