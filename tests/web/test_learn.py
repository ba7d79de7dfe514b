"""The tab of training."""

import shutil
from types import SimpleNamespace

import gradio as gr
import pytest

from fastnst.errors import FastnstError
from fastnst.web import learn as module
from fastnst.web.learn import LearnTab
from fastnst.web.sessions import Sessions
from fastnst.web.studio import Studio
from fastnst.web.training import Moment

REQUEST = SimpleNamespace(session_hash="one")


class Trained:
    """A training that is over after two looks."""

    stopped = False

    def __init__(self, painting, photos, name, folder, *, steps, minutes):
        self.given = painting.name, len(list(photos.iterdir())), name, steps, minutes
        self.folder = folder

    def watch(self):
        sheet = self.folder / "step-000005.png"
        sheet.write_bytes(b"")
        yield Moment("Starting", None)
        yield Moment("step 5/5", sheet)
        yield Moment("step 5/5", sheet)

    def export(self):
        return self.folder / "mine.onnx"

    def kill(self):
        pass


@pytest.fixture
def tab(tmp_path):
    with gr.Blocks():
        return LearnTab(Studio(Sessions(tmp_path)))


@pytest.fixture
def uploads(tab, astronaut, make_photos):
    """A painting and eight photos, as Gradio keeps them."""
    root = tab._studio.root
    shutil.copy(astronaut, root / "painting.jpg")
    return str(root / "painting.jpg"), [str(p) for p in sorted(make_photos(root / "in").iterdir())]


def test_a_style_joins_the_visitors_styles(tab, uploads, monkeypatch):
    made = []
    monkeypatch.setattr(module, "Learner", lambda *a, **k: made.append(Trained(*a, **k)) or made[0])
    states = list(tab._learn(*uploads, "my: style", 5, REQUEST))
    assert made[0].given == ("painting.jpg", 8, "my_-style", 300, 5)
    lines, samples, _ = zip(*states, strict=True)
    assert lines[:3] == ("Starting", "step 5/5", "step 5/5")
    assert lines[-1] == "my_-style is on the wall, until you leave the page."
    assert samples[1].endswith("step-000005.png")
    assert samples[2] == gr.skip()
    session = tab._studio.sessions.of("one")
    assert session.styles == {"my_-style": made[0].folder / "mine.onnx"}
    assert session.learner is None


def test_a_painting_alone_is_learnt_on_the_photos_that_are_there(tab, uploads, monkeypatch):
    made = []
    monkeypatch.setattr(module, "Learner", lambda *a, **k: made.append(Trained(*a, **k)) or made[0])
    list(tab._learn(uploads[0], None, "", 0.5, REQUEST))
    assert made[0].given == ("painting.jpg", 6, "painting", 30, 0.5)


def test_what_is_missing_is_said(tab, uploads):
    painting, photos = uploads
    for given, words in (
        ((painting, photos[:7], "mine"), "There are fewer than 8 photos"),
        ((None, photos, "mine"), "There is no file yet"),
        ((painting, photos, "udnie"), "There is a style udnie already"),
    ):
        with pytest.raises(FastnstError, match=words):
            list(tab._learn(*given, 5, REQUEST))
