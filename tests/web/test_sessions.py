"""Belongings that are kept of visitors, and for how long."""

import os

import pytest

from fastnst.errors import FastnstError, Interrupted
from fastnst.web import sessions as module
from fastnst.web.sessions import Sessions


@pytest.fixture
def sessions(tmp_path):
    return Sessions(tmp_path)


def upload(sessions, name="photo.jpg", folder="hash"):
    """A file as Gradio keeps it."""
    path = sessions.root / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"picture")
    return path


def test_each_visitor_has_a_folder_that_others_can_not_name(sessions):
    one, two = sessions.of("one"), sessions.of("two")
    assert sessions.of("one") is one
    assert one.folder != two.folder
    assert len(one.folder.name) == 32
    assert one.folder.stat().st_mode & 0o077 == 0


def test_files_go_with_the_session_but_for_those_of_another(sessions):
    own, shared = upload(sessions), upload(sessions, folder="shared")
    one, two = sessions.of("one"), sessions.of("two")
    taken = [sessions.take(one, own, "photo"), sessions.take(one, shared, "other")]
    sessions.take(two, shared, "photo")
    assert [path.read_bytes() for path in taken] == [b"picture", b"picture"]
    sessions.end("one")
    assert not one.folder.exists()
    assert not own.exists()
    assert shared.exists()
    sessions.end("two")
    assert os.listdir(sessions.root) == []


@pytest.mark.parametrize("path", ["/etc/passwd", "gone.jpg", ""])
def test_only_uploads_are_taken(sessions, path):
    with pytest.raises(FastnstError, match="is gone: |There is no file yet"):
        sessions.take(sessions.of("one"), path and str(sessions.root / path), "photo")


def test_a_link_out_of_the_folder_is_not_followed(sessions, tmp_path_factory):
    secret = tmp_path_factory.mktemp("else") / "secret.jpg"
    secret.write_bytes(b"secret")
    (sessions.root / "link.jpg").symlink_to(secret)
    with pytest.raises(FastnstError, match=r"secret\.jpg is gone"):
        sessions.take(sessions.of("one"), sessions.root / "link.jpg", "photo")


def test_results_are_kept_until_the_one_after_the_next(sessions):
    session = sessions.of("one")
    _first, second, third = (session.new_folder("shown") for _ in range(3))
    other = session.new_folder("wall")
    assert sorted(session.folder.iterdir()) == sorted([second, third, other])


def test_new_work_ends_the_work_before_it(sessions):
    session = sessions.of("one")
    first = session.ticket("photo", new=True)
    session.check("photo", first)
    video = session.ticket("video", new=True)
    session.ticket("photo", new=True)
    with pytest.raises(Interrupted):
        session.check("photo", first)
    session.check("video", video)
    session.close()
    with pytest.raises(Interrupted):
        session.check("video", video)


def test_idle_visitors_are_forgotten_and_busy_ones_kept(sessions, monkeypatch):
    monkeypatch.setattr(module, "MOST_SESSIONS", 2)
    one, _two = sessions.of("one"), sessions.of("two")
    with one.working():
        sessions.of("three")
    assert (sessions.find("one"), sessions.find("two")) == (one, None)
    monkeypatch.setattr(module, "IDLE_SECONDS", -1)
    sessions.of("three")
    assert sessions.find("one") is None
    assert len(sessions) == 1
