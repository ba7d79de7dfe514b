import json

import numpy as np
import pytest

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.styles.kept import keep_style, kept_folder, kept_painting, kept_styles, read_kept_style

VALUES = np.linspace(0, 3e4, 1920, dtype=np.float32)


@pytest.fixture(autouse=True)
def home(workdir, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(workdir / "home"))
    return workdir / "home"


def test_a_style_is_kept_under_its_name(home):
    assert kept_styles() == {}
    path = keep_style("mine", home / "some painting.jpg", VALUES)
    assert path == home / "fastnst" / "styles" / "mine.style.json"
    assert kept_styles() == {"mine": path}
    assert np.allclose(read_kept_style(path), VALUES, rtol=1e-6)
    assert kept_painting(path) == "some painting.jpg"


@pytest.mark.parametrize("name", ["", "a b", "a:1", "../a", ".a", "-a"])
def test_a_name_that_can_not_be_asked_for_is_refused(home, name):
    with pytest.raises(FastnstError, match="can't be asked for"):
        keep_style(name, home / "a.jpg", VALUES)


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"statistics": [1.0]}, {"statistics": [-1.0] * 1920}, {"statistics": "no"}],
)
def test_a_damaged_style_is_one_sentence(home, change):
    path = keep_style("mine", home / "a.jpg", VALUES)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadStyleFile, match=r"^The kept style .*mine\.style\.json can't be read: "):
        read_kept_style(path)


def test_the_folder_is_the_user_s(home):
    assert kept_folder() == home / "fastnst" / "styles"
