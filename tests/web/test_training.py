"""A training in a process of its own."""

import pytest

from fastnst.errors import FastnstError
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.web.training import Learner

pytest.importorskip("torch")
pytestmark = pytest.mark.slow


def test_a_style_is_learnt_until_the_clock_ends_it_and_written(tmp_path, make_photos, astronaut):
    photos = make_photos(tmp_path / "photos", 8, size=(260, 240))
    folder = tmp_path / "work"
    folder.mkdir()
    learner = Learner(astronaut, photos, "mine", folder, steps=100_000, minutes=0)
    moments = list(learner.watch())
    assert moments[0].line == "Starting"
    assert moments[-1].line.startswith("step")
    assert moments[-1].line.split()[1].split("/")[0] != "100000"
    assert not learner.stopped  # Its time was over.
    assert moments[-1].samples is not None
    style = learner.export()
    assert style == folder / "mine.onnx"
    half = Stylizer(style, strength=0.5, device="cpu")(
        astronaut, size=64
    )  # It has an identity row.
    assert half.size == (64, 64)


def test_a_training_that_fails_has_its_own_words(tmp_path, make_photos):
    photos = make_photos(tmp_path / "photos", 8, size=(260, 240))
    (tmp_path / "page.jpg").write_text("<html>")
    learner = Learner(tmp_path / "page.jpg", photos, "mine", tmp_path, steps=2, minutes=1)
    with pytest.raises(FastnstError, match=r"page.jpg is not a picture that can be read"):
        list(learner.watch())


def test_the_process_can_be_ended_at_once(tmp_path, make_photos, astronaut):
    photos = make_photos(tmp_path / "photos", 8, size=(260, 240))
    learner = Learner(astronaut, photos, "mine", tmp_path, steps=100_000, minutes=60)
    watching = learner.watch()
    next(watching)
    learner.kill()
    with pytest.raises(FastnstError):
        list(watching)
    assert learner._process.returncode < 0
