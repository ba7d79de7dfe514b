"""Frames of a camera, painted by a route of the server."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.web.live import MOST_FRAME_BYTES, FramePainter
from fastnst.web.painting import Choice
from fastnst.web.sessions import Sessions
from fastnst.web.studio import Studio


def jpeg(width=64, height=48):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def painter(tmp_path):
    return FramePainter(Studio(Sessions(tmp_path), device="cpu"))


@pytest.fixture
def session(tmp_path):
    return Sessions(tmp_path).of("one")


def test_a_frame_is_painted_by_the_net_for_real_time(painter, session):
    answer = painter.answer(jpeg(), Choice("udnie", strength=0.5), session)
    assert (answer.status_code, answer.media_type) == (200, "image/jpeg")
    parts = [part.split(";dur=")[0] for part in answer.headers["server-timing"].split(", ")]
    assert parts == ["wait", "decode", "net", "encode"]
    with Image.open(io.BytesIO(jpeg())) as photo, Image.open(io.BytesIO(answer.body)) as painted:
        expected = Stylizer("udnie", fast=True, strength=0.5, device="cpu")(np.asarray(photo))
        assert np.abs(np.asarray(painted, int) - expected).mean() < 4  # JPEG at 85.


@pytest.mark.parametrize(
    ("body", "style", "words"),
    [
        (b"<html>", "udnie", "The frame can't be read: "),
        (b"", "udnie", "The frame can't be read: "),
        (jpeg()[:200], "udnie", "The frame can't be read: "),
        (jpeg(1400, 1400), "udnie", "The frame has 1400x1400 px. Choose a smaller size."),
        (jpeg(), "udni", "There is no style 'udni'. Did you mean 'udnie'?"),
        (jpeg(), "/etc/passwd", "There is no style '/etc/passwd'."),
        (jpeg(), "../x.onnx", "There is no style '../x.onnx'"),
    ],
)  # fmt: skip
def test_what_can_not_be_painted_gets_a_sentence(painter, session, body, style, words):
    answer = painter.answer(body, Choice(style), session)
    assert answer.status_code == 400
    assert answer.body.decode().startswith(words)


def test_a_png_is_no_frame(painter, session):
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    assert painter.answer(out.getvalue(), Choice("udnie"), session).status_code == 400


def test_frames_that_would_wait_are_refused(painter, session):
    while painter._free.acquire(blocking=False):
        pass
    assert painter.answer(jpeg(), Choice("udnie"), session).status_code == 503
    painter._free.release()
    assert painter.answer(jpeg(), Choice("udnie"), session).status_code == 200


def test_frames_of_strangers_and_large_ones_are_refused(address):
    url, asked = f"{address}/live/frame", {"visitor": "nobody", "style": "udnie"}
    answer = httpx.post(url, params=asked, content=jpeg())
    assert (answer.status_code, answer.text[:32]) == (403, "The page is no longer connected.")
    assert httpx.get(f"{address}/live/styles").json()[0] == "adele-bloch-bauer"
    assert MOST_FRAME_BYTES < 10_000_000


@pytest.mark.slow
def test_the_camera_is_painted_recorded_and_kept(page, address, save):
    page.goto(address)
    page.wait_for_selector("#visitor [data-name]", state="attached")
    page.get_by_role("tab", name="Live").click()
    page.click("#live-start")
    figures = "document.querySelector('#live-figures').innerText"
    page.wait_for_function(f"/[1-9]\\d* frames a second, \\d+ ms behind/.test({figures})")
    page.select_option("#live-style", "the-kiss")
    page.select_option("#live-size", "480")
    page.wait_for_function("document.querySelector('#live-canvas').width === 480")
    with Image.open(save(page, "#live-snapshot")) as snapshot:
        assert snapshot.size in ((480, 270), (480, 360))
        low, high = np.asarray(snapshot.convert("L")).min(), np.asarray(snapshot.convert("L")).max()
        assert high - low > 50
    page.click("#live-record")
    page.wait_for_timeout(1500)
    clip = save(page, "#live-record")
    assert clip.name in ("painted.webm", "painted.mp4")
    from fastnst.runtime.video.decode import frames

    assert next(iter(frames(clip)))[0].shape[1] == 480
    page.click("#live-start")
    page.wait_for_function("document.querySelector('#live-record').disabled")
