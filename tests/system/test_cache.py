from pathlib import Path

from fastnst.system.cache import cache_folder


def test_the_folder_is_the_user_s_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("curves") == tmp_path / "fastnst" / "curves"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder("curves") == Path("/home/someone/.cache/fastnst/curves")
