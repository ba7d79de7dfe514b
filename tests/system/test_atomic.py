import errno
import os

import pytest

from fastnst.errors import CannotWrite
from fastnst.system.atomic import atomic_write


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
