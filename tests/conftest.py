"""Shared fixtures: the one photograph, the runtime's small nets, and photos that the tests make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hub import hub  # noqa: F401
from hypothesis import settings
from PIL import Image

ASSETS = Path(__file__).parent / "assets"
settings.register_profile("same", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("same")  # Each run draws the same examples.


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The library behind `auto`, one after the other, in float32 so that values can be worked out by hand."""
    if request.param == "openvino" and find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    with pytest.MonkeyPatch.context() as patch:
        module = "fastnst.runtime.engine.openvino_engine"
        patch.setattr(f"{module}.is_fast", lambda device: request.param == "openvino")
        patch.setattr(f"{module}._has_bfloat16", lambda: False)
        patch.setattr(f"{module}._where", lambda: "CPU")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield request.param


@pytest.fixture
def astronaut() -> Path:
    """512x512, RGB, JPEG."""
    return ASSETS / "astronaut.jpg"


@pytest.fixture
def negative() -> Path:
    """A style with a card, whose painting is 255 - photo."""
    return ASSETS / "negative.onnx"


@pytest.fixture
def many() -> Path:
    """Styles alpha and beta, two strokes each, and an identity row: see scripts/make_test_assets.py."""
    return ASSETS / "many.onnx"


@pytest.fixture
def zoo() -> Path:
    """A net in the form of the ONNX model zoo's, 224x224 only."""
    return ASSETS / "zoo.onnx"


@pytest.fixture
def classifier() -> Path:
    """An ONNX file that is no style net."""
    return ASSETS / "classifier.onnx"


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FASTNST_STYLES", raising=False)
    return tmp_path


@pytest.fixture
def make_photos() -> Callable[..., Path]:
    """Writes `count` smooth, different pictures into a folder."""

    def make(folder: Path, count: int = 8, size: tuple[int, int] = (96, 80)) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            rng = np.random.default_rng(number)
            coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{number:03d}.jpg")
        return folder

    return make
