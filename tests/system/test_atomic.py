import errno
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from fastnst.errors import CannotWrite
from fastnst.system.atomic import atomic_write, temporary_file
from fastnst.system.lock import CAN_LOCK

WRITE = """
import sys
from pathlib import Path
from fastnst.system.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print(temporary, flush=True)
    sys.stdin.read()
"""


def test_a_file_appears_whole_with_the_usual_mode(tmp_path):
    path = tmp_path / "new" / "a.bin"
    with atomic_write(path) as temporary:
        temporary.write_bytes(b"12")
        assert not path.exists()
    assert path.read_bytes() == b"12"
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with (
        pytest.raises(CannotWrite, match=r"a\.bin can't be written: No space left on device\."),
        atomic_write(path) as temporary,
    ):
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stop_in_the_middle_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "a.bin"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CannotWrite, match=r"file/a\.png can't be written"),
        atomic_write(tmp_path / "file" / "a.png"),
    ):
        pass


@pytest.mark.skipif(not CAN_LOCK, reason="without locks they stay")
def test_what_a_killed_process_left_is_removed_by_the_next_and_no_other(tmp_path):
    path = tmp_path / "a.bin"
    with ExitStack() as stack:
        killed, alive = (
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITE, str(path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(2)
        )
        left, written = (
            tmp_path / process.stdout.readline().strip() for process in (killed, alive)
        )
        killed.kill()
        killed.wait()
        elsewhere = left.with_name(".fastnst-00000000-0123abcd.bin")
        elsewhere.write_bytes(b"of another machine")
        with atomic_write(tmp_path / "b.bin") as own:
            assert {*tmp_path.iterdir()} == {written, elsewhere, own}
            assert written.read_bytes() == b"half"
        alive.stdin.close()
        assert alive.wait() == 0
    assert {*tmp_path.iterdir()} == {path, tmp_path / "b.bin", elsewhere}
    assert path.read_bytes() == b"half"


@pytest.mark.skipif(not CAN_LOCK, reason="without locks it is not swept")
def test_a_file_that_was_swept_away_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    made = []
    opened = os.open

    def swept(path, *options):
        handle = opened(path, *options)
        made.append(path)
        if len(made) == 1:
            path.unlink()
        return handle

    monkeypatch.setattr(os, "open", swept)
    with temporary_file(tmp_path) as path:
        assert [*tmp_path.iterdir()] == [path] == made[1:]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with (
        pytest.raises(CannotWrite, match=r"pipe\.png is a pipe or a device, not a file\. Give"),
        atomic_write(pipe),
    ):
        pass
    assert pipe.is_fifo()
