import json

import pytest

from fastnst.cli.styles import _table
from fastnst.runtime.photos.contact_sheet import describe_styles


def test_styles_are_listed(fastnst, monkeypatch, negative):
    monkeypatch.setenv("FASTNST_STYLES", str(negative.parent))
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = fastnst("styles", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0
    assert rows["negative"]["licence"] == "MIT"
    status, out, _ = fastnst("styles")
    assert "starry-night" in out
    assert "The Starry Night" in out
    assert "Vincent van Gogh" in out


def test_a_sheet_takes_the_place_of_a_file_that_is_named_alone(fastnst, workdir):
    (workdir / "styles.png").write_bytes(b"mine")
    status, out, err = fastnst("styles", "--contact-sheet", "gone.jpg")
    assert (status, out) == (1, "")
    assert err.startswith("fastnst: styles.png is there already. Give a name with -o")
    assert (workdir / "styles.png").read_bytes() == b"mine"


@pytest.fixture
def shipped_alone(workdir, monkeypatch):
    """The styles that ship, and no others."""
    return describe_styles()


def test_a_style_is_a_line_with_what_tells_it_apart(shipped_alone):
    heading, *lines = _table(shipped_alone)
    assert heading.split() == ["name", "title", "artist", "year"]
    assert lines[-2:] == ["", "All of them also have a net for real time: --fast."]
    assert len(lines) == len(shipped_alone) + 2
    (udnie,) = (line for line in lines if line.startswith("udnie "))
    assert udnie.split("  ")[0] == "udnie"
    assert "Francis Picabia" in udnie
    assert udnie.endswith("1913")


def test_a_style_without_a_fast_net_is_told_from_those_that_have_one(shipped_alone):
    slow = {**shipped_alone[0], "name": "mine", "fast": False}
    heading, *lines = _table([slow, *shipped_alone])
    assert heading.split()[-1] == "fast"
    assert [line.endswith("yes") for line in lines] == [False] + [True] * len(shipped_alone)


def test_on_a_narrow_terminal_titles_are_cut_and_names_are_not(shipped_alone, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "70")
    lines = _table(shipped_alone)
    assert max(map(len, lines)) <= 70
    assert all(any(line.startswith(row["name"]) for line in lines) for row in shipped_alone)
