import json
from importlib import metadata

import pytest

from fastnst.errors import MissingExtra
from fastnst.system.installation import install_command, installed_version, missing_extra


@pytest.mark.parametrize(
    ("noted", "command"),
    [
        (None, "pip install 'fastnst[web]'"),
        ({"url": "file:///a/b", "dir_info": {}}, "pip install '/a/b[web]'"),
        ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "pip install -e '/a b[web]'"),
        ({"url": "file:///f-1.0.whl", "archive_info": {}}, "pip install '/f-1.0.whl[web]'"),
        (
            {"url": "https://host/f-1.0.whl", "archive_info": {}},
            "pip install 'fastnst[web] @ https://host/f-1.0.whl'",
        ),
        (
            {"url": "https://host/f", "vcs_info": {"vcs": "git", "commit_id": "0"}},
            "pip install 'fastnst[web] @ git+https://host/f'",
        ),
    ],
)
def test_an_extra_comes_from_where_fastnst_came_from(monkeypatch, noted, command):
    class Installed:
        def read_text(self, name):
            assert name == "direct_url.json"
            return None if noted is None else json.dumps(noted)

    monkeypatch.setattr(metadata, "distribution", lambda name: Installed())
    assert install_command("web") == command


def test_without_an_installation_it_is_the_source_folder(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert install_command("web") == "pip install '.[web]'"


def test_a_missing_extra_is_said_with_the_command_that_installs_it():
    error = missing_extra("--deflicker needs OpenCV.", "webcam", "Or leave it out.")
    assert isinstance(error, MissingExtra)
    command = install_command("webcam")
    assert str(error) == f"--deflicker needs OpenCV. Install it with: {command} Or leave it out."


def test_a_source_folder_that_was_not_installed_has_no_version(monkeypatch):
    assert installed_version() == metadata.version("fastnst")

    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert installed_version() == "unknown"
