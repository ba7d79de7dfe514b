import subprocess
import sys

import pytest

pytest.importorskip("fcntl", reason="Windows holds no folders")
from fastnst.errors import CannotWrite, FastnstError
from fastnst.system.lock import lock_folder

HOLD = """
import sys
from pathlib import Path
from fastnst.system.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_one_process_s_until_that_ends(tmp_path):
    folder = tmp_path / "runs" / "a"
    command = [sys.executable, "-c", HOLD.strip(), str(folder)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(FastnstError, match=r"Another process is at work in .*runs/a\. Wait"),
            lock_folder(folder),
        ):
            pass
        with lock_folder(tmp_path / "runs" / "b"):
            pass
        other.kill()
    with lock_folder(folder):
        assert not [*folder.iterdir()]


def test_a_folder_that_can_not_be_made_is_named(tmp_path):
    (tmp_path / "runs").write_text("")
    with (
        pytest.raises(CannotWrite, match=r"runs/a can't be written: "),
        lock_folder(tmp_path / "runs" / "a"),
    ):
        pass
