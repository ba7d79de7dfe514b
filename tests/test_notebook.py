"""The notebook runs from top to bottom, with the settings for debugging."""

import shutil
import sys

import pytest
from PIL import Image

from fastnst.system.package_data import bundled

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("torch")
pytest.importorskip("ipykernel")

NOTEBOOK = bundled("checkpoints").parent / "docs" / "fastnst.ipynb"


def test_it_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Of the machinery that runs notebooks.
@pytest.mark.skipif(sys.platform == "win32", reason="its kernels need another event loop")
def test_every_cell_runs_and_shows_pictures(workdir, make_photos, astronaut, monkeypatch):
    monkeypatch.setenv("FASTNST_DEBUG", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(workdir / "cache"))
    make_photos(workdir / "photos")
    shutil.copy(astronaut, "photo.jpg")
    Image.open(astronaut).rotate(90).save("painting.jpg")
    notebook = nbformat.read(NOTEBOOK, 4)
    client = nbclient.NotebookClient(
        notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(workdir)}}
    )
    client.execute()
    shown = [
        index
        for index, cell in enumerate(notebook.cells)
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
    ]
    assert len(shown) >= 5  # The photo, a style, a blend, the sheet, the trained style.
    assert (workdir / "runs" / "my-style" / "my-style.onnx").is_file()
    with Image.open("painted.jpg") as painted:
        assert painted.size == (640, 640)
