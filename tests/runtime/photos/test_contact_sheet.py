import numpy as np
import pytest
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.runtime.photos.contact_sheet import GAP, describe_styles, write_contact_sheet


@pytest.fixture
def gallery(workdir, monkeypatch, many, negative):
    monkeypatch.setattr("fastnst.styles.registry.bundled", lambda folder: workdir / "none")
    (workdir / "checkpoints").mkdir()
    for path in (many, negative):
        (workdir / "checkpoints" / path.name).write_bytes(path.read_bytes())
    (workdir / "checkpoints" / "broken.onnx").write_bytes(b"no net")
    return workdir


def test_every_style_is_on_the_sheet_once(gallery, astronaut):
    seen = []
    sheet = write_contact_sheet(
        astronaut, "sheet.png", size=100, report=lambda *facts: seen.append(facts)
    )
    assert seen == [(0.25, "alpha"), (0.5, "beta"), (0.75, "broken"), (1.0, "negative")]
    with Image.open("sheet.png") as written:
        assert written.size == sheet.size
    # Two by two: the photo, alpha, beta, negative; under each its name.
    label = 18
    assert sheet.size == (2 * (100 + GAP) + GAP, 2 * (100 + GAP + label) + GAP)

    def at(column: int, row: int) -> np.ndarray:
        left, top = GAP + column * (100 + GAP), GAP + row * (100 + GAP + label)
        return np.asarray(sheet.crop((left, top, left + 100, top + 100))).astype(int)

    photo = at(0, 0)
    assert np.abs(at(1, 0) - (255 - photo)).max() <= 1  # alpha
    assert np.abs(at(0, 1) - (0.25 * photo + 100)).max() <= 1  # beta
    assert np.abs(at(1, 1) - (255 - photo)).max() <= 1  # negative
    names = np.asarray(sheet)[GAP + 100 : GAP + 100 + label, :]
    assert (names < 128).any(axis=2)[:, : 100 + GAP].any()


def test_a_sheet_of_nothing_is_refused_and_leaves_no_file(workdir, monkeypatch, astronaut):
    monkeypatch.setattr("fastnst.styles.registry.bundled", lambda folder: workdir / "none")
    with pytest.raises(FastnstError, match=r"No styles were found\. Train one"):
        write_contact_sheet(astronaut, "sheet.png")
    with pytest.raises(FastnstError, match=r"The size is 0\."):
        write_contact_sheet(astronaut, "sheet.png", size=0)
    with pytest.raises(FastnstError, match=r"no picture format|can't be written|ends in"):
        write_contact_sheet(astronaut, "sheet.txt")
    assert list(workdir.iterdir()) == []


def test_styles_are_described_from_their_cards(workdir, monkeypatch, negative):
    monkeypatch.setenv("FASTNST_STYLES", str(negative.parent))
    rows = {row["name"]: row for row in describe_styles()}
    assert rows["negative"] == {
        "name": "negative",
        "title": "Negative",
        "artist": "Nobody",
        "year": 2026,
        "licence": "MIT",
        "net": "johnson",
        "fast": False,
        "size_mb": 0.0,
    }
    assert "classifier" not in rows
    assert rows["starry-night"]["artist"] == "Vincent van Gogh"
    assert rows["starry-night"]["year"] == 1889
    assert rows["starry-night"]["fast"]
