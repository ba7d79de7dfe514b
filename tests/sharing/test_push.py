import json
import shutil

import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import BadStyleFile, FastnstError
from fastnst.sharing.push import push

# huggingface_hub calls what its own HTTP library no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def run(workdir, many):
    """A run folder as `train` and `export` leave it."""
    folder = workdir / "runs" / "my-style"
    folder.mkdir(parents=True)
    shutil.copy(many, folder / "my-style.onnx")
    (folder / "my-style.safetensors").write_bytes(b"weights")
    for step in (250, 500):
        Image.new("RGB", (8, 8), (step // 2, 0, 0)).save(folder / f"step-{step:06d}.png")
    figures = {
        "sizes": [{"size": 512, "photos": 4, "repetition": 0.25, "grid": 1.5, "total": None}]
    }
    (folder / "evaluation.json").write_text(json.dumps(figures))
    return folder


def test_a_style_is_pushed_and_painted_with_from_the_hub(hub, run, many):
    result = push(run, "painter/my-style", licence="mit")
    (_, (sha, files)) = hub.commits["painter/my-style"]
    assert result.url == f"{hub.url}/painter/my-style"
    assert result.revision == sha
    assert result.files == ("README.md", "my-style.onnx", "my-style.safetensors", "samples.png")
    assert files["my-style.onnx"] == many.read_bytes()
    assert files["my-style.safetensors"] == b"weights"
    assert files["samples.png"] == (run / "step-000500.png").read_bytes()
    page = files["README.md"].decode()
    assert page.startswith(
        "---\nlibrary_name: fastnst\npipeline_tag: image-to-image\nlicense: mit\n"
    )
    assert "| many | 512 | 4 | 0.25 | 1.5 |" in page
    photo = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    for name in ("hf:painter/my-style", f"hf:painter/my-style@{sha}"):
        assert np.array_equal(Stylizer(name)(photo), Stylizer(many)(photo))
    by_model = Stylizer("beta", "hf:painter/my-style")
    assert np.array_equal(by_model(photo), Stylizer("beta", many)(photo))


def test_a_photo_is_painted_for_the_page_and_a_second_push_is_a_second_commit(hub, run, astronaut):
    push(run / "my-style.onnx", "painter/my-style", photo=astronaut)
    push(run, "painter/my-style", photo=astronaut, message="Again")
    commits = hub.commits["painter/my-style"]
    (run / "sample.jpg").write_bytes(commits[1][1]["sample.jpg"])
    with Image.open(run / "sample.jpg") as sample:
        assert sample.size == (512, 512)
    assert "license:" not in commits[1][1]["README.md"].decode()


def test_without_a_token_that_is_said(hub, run, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(FastnstError, match=r"does not let you use hf:painter/x.*hf auth login"):
        push(run, "painter/x")
    assert hub.commits == {}


def test_without_a_connection_that_is_said(hub, run):
    hub.server.shutdown()
    hub.server.server_close()
    with pytest.raises(
        FastnstError, match=r"reached\. Connect to the internet \(without HF_HUB_OFFLINE\)\.$"
    ):
        push(run, "painter/x")


def test_what_is_no_style_is_said(hub, run, classifier):
    (run / "my-style.onnx").unlink()
    with pytest.raises(BadStyleFile, match=r"no \.onnx file in .*fastnst export .*my-style"):
        push(run, "painter/x")
    with pytest.raises(BadStyleFile, match=r"classifier\.onnx has no card"):
        push(classifier, "painter/x")
    with pytest.raises(FastnstError, match=r"hf:nothing is no style of the hub"):
        push(run, "nothing")
