"""The command `web`."""

import signal
import subprocess
import sys

import httpx
import pytest

from fastnst.cli.app import run
from fastnst.errors import FastnstError, MissingExtra


def test_a_server_for_the_network_wants_a_password():
    with pytest.raises(
        FastnstError, match="Whoever can reach 0.0.0.0 .* Set a password: --password"
    ):
        run(["web", "--host", "0.0.0.0"])


def test_without_gradio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(MissingExtra, match=r"`fastnst web` needs Gradio.*pip install .*\[web\]"):
        run(["web"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has other signals")
def test_the_page_is_served_until_ctrl_c(workdir):
    command = [sys.executable, "-m", "fastnst", "web", "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        address = line.split()[4]
        assert line == f"The page is at {address}  (Ctrl-C ends it)\n"
        assert httpx.get(f"{address}/config").json()["title"] == "fastnst"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == "Stopped.\n"
    finally:
        process.kill()
        process.stderr.close()
