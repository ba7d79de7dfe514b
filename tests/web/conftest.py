"""The page, served as it is, and a browser that looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from visitors import save_predicting_nets, serving, visitor

pytest.importorskip("gradio")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items) -> None:
    """Let the libraries under Gradio warn one another."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of a server."""
    with serving() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium, headless, with a camera that shows a pattern."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"there is no browser: {', '.join(BROWSERS)}")
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page of a new visitor that can reach this machine alone, and fails the test if it asks for more."""
    with visitor(browser) as opened:
        yield opened


@pytest.fixture
def save(tmp_path: Path) -> Callable[[object, str], Path]:
    """Clicks something that downloads a file, and gives back the file under its suggested name."""

    def click(page, selector: str) -> Path:
        with page.expect_download() as waiting:
            page.click(selector)
        path = tmp_path / "downloads" / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    return click


@pytest.fixture
def any_painting(workdir, tmp_path, monkeypatch) -> None:
    """Nets that paint in the style of any painting, and a folder of kept styles of the test's own."""
    pytest.importorskip("torch")
    folder = tmp_path / "nets"
    folder.mkdir()
    save_predicting_nets(folder)
    monkeypatch.setenv("FASTNST_STYLES", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
