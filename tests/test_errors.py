import re
import tomllib
from pathlib import Path

import pytest

from fastnst.errors import FastnstError, did_you_mean, first_line

ROOT = Path(__file__).parents[1]


def test_an_error_is_its_message_and_its_hint():
    assert (
        str(FastnstError("The size is 0.", "Give 1 or more.")) == "The size is 0. Give 1 or more."
    )
    assert str(FastnstError("The size is 0.")) == "The size is 0."


@pytest.mark.parametrize(
    ("given", "allowed", "text"),
    [
        ("cnady", ["candy", "udnie"], "Did you mean 'candy'?"),
        ("relu3_5", ["relu3_3", "relu1_1"], "Did you mean 'relu3_3' or 'relu1_1'?"),
        ("xyz", ["udnie", "candy"], "Choose from: candy, udnie."),
        ("xyz", [], ""),
    ],
)
def test_did_you_mean_names_the_nearest_or_all(given, allowed, text):
    assert did_you_mean(given, allowed) == text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("Connection refused."), "Connection refused"),
        (RuntimeError("\nError(s) in loading:\n\tMissing key"), "Error(s) in loading"),
        (KeyError(), "KeyError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_the_first_line_of_an_error_is_what_it_says_or_what_it_is(error, text):
    assert first_line(error) == text


def test_no_message_names_an_extra_that_is_not_there_or_where_fastnst_came_from():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    asked = []
    for path in (ROOT / "fastnst").rglob("*.py"):
        text = path.read_text()
        assert "fastnst[" not in text or path.name == "installation.py", path
        assert not re.search(r"pip install (-\S+ )*fastnst", text), path
        asked += [extra for extra in extras if f'"{extra}"' in text and "missing_extra(" in text]
    assert {"train", "heif", "huge", "webcam", "virtual"} <= set(asked)
