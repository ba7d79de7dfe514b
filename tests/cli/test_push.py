import shutil

import pytest
from PIL import Image

from fastnst.styles.registry import find_gallery

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def test_a_run_is_pushed_and_its_style_painted_with_and_added(
    fastnst, hub, workdir, many, astronaut
):
    (workdir / "runs" / "mine").mkdir(parents=True)
    shutil.copy(many, workdir / "runs" / "mine" / "mine.onnx")
    status, out, err = fastnst("push", "runs/mine", "painter/mine")
    assert status == 0, err
    sha, _ = hub.commits["painter/mine"][-1]
    assert out == f"{hub.url}/painter/mine  README.md, mine.onnx  commit {sha}\n"
    words = ["stylize", astronaut, "--size", "40", "--style", f"hf:painter/mine@{sha}"]
    assert fastnst(*words, "-o", "a.png")[0] == 0
    status, out, _ = fastnst("styles", "--add", "hf:painter/mine")
    assert (status, out) == (0, "checkpoints/mine.onnx  Use it by: --style alpha or beta\n")
    words = ["stylize", astronaut, "--size", "40", "--model", "hf:painter/mine", "--style", "alpha"]
    assert fastnst(*words, "-o", "b.png")[0] == 0
    assert fastnst("stylize", astronaut, "--size", "40", "--style", "alpha", "-o", "c.png")[0] == 0
    with Image.open("a.png") as a, Image.open("b.png") as b, Image.open("c.png") as c:
        assert a.tobytes() == b.tobytes() == c.tobytes()
    hub.commit("painter/gallery", {"gallery.onnx": find_gallery(fast=True).read_bytes()})
    status, out, _ = fastnst("styles", "--add", "hf:painter/gallery", "--name", "own")
    assert (status, out) == (
        0, "checkpoints/own.onnx  Use it by: --style starry-night or great-wave or the-scream, "
        "or one of 23 others: fastnst styles\n",
    )  # fmt: skip
    words = ["stylize", astronaut, "--size", "40", "--style", "hf:painter/mine"]
    assert fastnst(*words, "--seed", "3", "--strength", "0.5:1", "-o", "out")[0] == 0


def test_what_is_wrong_is_one_sentence(fastnst, hub, workdir, monkeypatch):
    (workdir / "empty").mkdir()
    assert fastnst("push", "empty", "painter/x") == (
        1, "", "fastnst: There is no .onnx file in empty. Write it first: fastnst export empty\n",
    )  # fmt: skip
    status, _, err = fastnst("stylize", "a.jpg", "--style", "hf:painter/x")
    assert (status, err.startswith("fastnst: There is no hf:painter/x on the hub")) == (1, True)
