"""The page without a server."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fastnst.errors import BadStyleFile, CannotWrite, FastnstError
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.registry import find_style
from fastnst.web import export as module
from fastnst.web.export import ORT_FILES, ORT_PACKAGE, export_page, net_facts


@pytest.fixture(scope="module")
def ort(tmp_path_factory):
    """The folder of onnxruntime-web that `FASTNST_ORT` names, or as npm brings it."""
    if folder := os.environ.get("FASTNST_ORT"):
        return Path(folder)
    if shutil.which("npm") is None:
        pytest.skip("there is no npm, and FASTNST_ORT names no folder of onnxruntime-web")
    folder = tmp_path_factory.mktemp("ort")
    done = subprocess.run(
        ["npm", "pack", "--silent", ORT_PACKAGE], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("npm can't bring onnxruntime-web")
    subprocess.run(["tar", "-xf", done.stdout.strip()], cwd=folder, check=True)
    return folder / "package" / "dist"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any host of static files, which sends no headers of its own."""

    def log_message(self, *args):
        pass


@contextmanager
def site(ort, folder):
    """Export the page, and yield its address and its server."""
    export_page(folder, ort)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served(ort, tmp_path):
    """Address of an exported page, and its server."""
    with site(ort, tmp_path / "site") as found:
        yield found


def test_the_page_knows_its_net():
    facts = net_facts(find_style("udnie", fast=True))
    styles = len(facts["styles"]) * facts["levels"]
    assert facts["rows"] == styles + facts["predicted"] + facts["identity"]
    assert json.loads(json.dumps(facts)) == facts
    assert facts["padding"] % facts["multiple_of"] == 0


def test_a_net_of_one_level_or_without_a_card_is_refused(many, zoo):
    for net in (many, zoo):
        with pytest.raises(BadStyleFile, match="no net that paints from coarse to fine"):
            net_facts(net)


def test_only_the_one_version_of_onnxruntime_web_is_taken(tmp_path):
    with pytest.raises(
        FastnstError, match=r"ort.wasm.min.mjs is not there. It must be that of onnxruntime-web@"
    ):
        export_page(tmp_path / "site", tmp_path)
    for name in ORT_FILES:
        (tmp_path / name).write_text("other")
    with pytest.raises(FastnstError, match="ort.wasm.min.mjs is another file"):
        export_page(tmp_path / "site", tmp_path)
    assert not (tmp_path / "site").exists()
    with pytest.raises(CannotWrite, match="is there already, and not empty"):
        export_page(tmp_path, tmp_path)


def _close(painted: Path, expected: np.ndarray) -> bool:
    """Return whether a picture is the expected one but for rounding: of a level by 1 here and there, which the next paints over."""
    with Image.open(painted) as image:
        apart = np.abs(np.asarray(image.convert("RGB"), int) - expected)
    return apart.max() <= 2 and (apart > 0).mean() < 0.05


@pytest.mark.slow
def test_the_browser_paints_what_python_paints_and_works_offline(
    page, served, astronaut, save, tmp_path
):
    address, server = served
    photo = tmp_path / "photo.png"
    with Image.open(astronaut) as image:
        image.resize((401, 300)).save(photo)
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("crossOriginIsolated")  # So that there are threads.
    server.shutdown()  # From here on the network is off.
    server.server_close()
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#file", photo)
    status = "document.querySelector('#status').innerText"
    page.wait_for_function(f"{status} === 'Click a style.'")
    for name, strength, stroke, mix in (
        ("udnie", 1, 0, None), ("great-wave", 0.6, 0.5, None), ("the-kiss", 1, 1, ("udnie", 0.25)),
    ):  # fmt: skip
        page.locator("#strength").fill(str(strength))
        page.locator("#stroke").fill(str(stroke))
        page.select_option("#other", mix[0] if mix else "")
        assert page.is_visible("#share") == bool(mix)
        if mix:
            page.locator("#share").fill(str(mix[1]))
        page.click(f"#wall [data-style='{name}']")
        page.wait_for_function(f"{status}.startsWith('{name}, 401x300 px')")
        blend = f"{name}:{1 - mix[1]},{mix[0]}:{mix[1]}" if mix else name
        stylizer = Stylizer(blend, fast=True, strength=strength, stroke=stroke, device="cpu")
        expected = np.asarray(stylizer(photo), int)
        found = save(page, "#save")
        assert _close(found, expected)
        assert found.name == f"painted-{name}.png"
        page.evaluate("document.querySelector('#status').innerText = ''")


@pytest.mark.slow
def test_the_browser_paints_in_the_style_of_any_painting(
    page, ort, any_painting, astronaut, save, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "find_gallery", lambda fast: tmp_path / "nets" / "swift.onnx")
    with Image.open(astronaut) as image:
        image.resize((120, 90)).save(tmp_path / "photo.png")
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((200, 160)).save(
            tmp_path / "mine.png"
        )
        image.resize((160, 200)).save(tmp_path / "yours.png")
    status = "document.querySelector('#status').innerText"
    with site(ort, tmp_path / "site") as (address, _):
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        page.set_input_files("#file", tmp_path / "photo.png")
        page.wait_for_function(f"{status} === 'Click a style.'")
        for name, other, mix in (
            ("mine", "", f"{tmp_path}/mine.png"),
            ("yours", "mine", f"{tmp_path}/yours.png:0.5,{tmp_path}/mine.png:0.5"),
            ("yours", "one", f"{tmp_path}/yours.png:0.5,one:0.5"),
        ):
            page.evaluate("document.querySelector('#status').innerText = ''")
            if not page.query_selector(f"[data-style='{name}']"):
                page.set_input_files("#painting", tmp_path / f"{name}.png")
                page.wait_for_function(f"{status}.startsWith('{name}, 120x90 px')")
                page.evaluate("document.querySelector('#status').innerText = ''")
            page.select_option("#other", other)
            page.click(f"#wall [data-style='{name}']")
            page.wait_for_function(f"{status}.startsWith('{name}, 120x90 px')")
            stylizer = Stylizer(mix, fast=True, device="cpu")
            expected = np.asarray(stylizer(tmp_path / "photo.png"), int)
            assert _close(save(page, "#save"), expected)


@pytest.mark.slow
def test_the_camera_is_painted_in_the_browser(page, served):
    page.goto(served[0])
    page.wait_for_selector("body[data-ready]")
    page.click("#camera")
    page.wait_for_function(
        "/\\d frames a second/.test(document.querySelector('#status').innerText)"
    )
    assert page.evaluate("document.querySelector('#after').width") == 480
    page.click("#camera")
    page.wait_for_function("document.querySelector('#record').disabled")
