"""The tab of videos, in a browser."""

import pytest
from clips import make

from fastnst.runtime.batch.stylize import stylize
from fastnst.web.video import first_frame

STATUS = "document.querySelector('#video-status').innerText"


@pytest.fixture
def opened(page, address):
    """The tab."""
    page.goto(address)
    page.wait_for_selector("#wall img")
    page.get_by_role("tab", name="Video").click()
    return page


def choose(page, style):
    page.click("#video-style input")
    page.get_by_role("option", name=style, exact=True).click()


def test_the_first_frame_is_small(tmp_path):
    assert first_frame(make(tmp_path / "a.mp4", count=2, size=(96, 1280))).size == (640, 48)


@pytest.mark.slow
def test_a_video_is_painted_as_by_the_command_line(opened, save, tmp_path, workdir):
    clip = make(tmp_path / "clip.mp4", count=8, sound=True)
    opened.set_input_files("#video input[type=file]", clip)
    opened.wait_for_function(f"{STATUS}.includes('clip.mp4: choose')")
    choose(opened, "udnie")
    opened.wait_for_selector("#video-frame img")
    opened.click("#video-paint")
    opened.wait_for_function(f"{STATUS}.includes('clip-udnie.mp4, 8 frames of 64x48 px')")
    painted = save(opened, "#video-download")
    stylize([clip], "other.mp4", style="udnie")
    assert painted.name == "clip-udnie.mp4"
    assert painted.read_bytes() == (workdir / "other.mp4").read_bytes()


@pytest.mark.slow
def test_a_video_is_stopped_and_what_is_painted_kept(opened, save, tmp_path):
    clip = make(tmp_path / "long.mp4", count=400, size=(240, 320))
    opened.set_input_files("#video input[type=file]", clip)
    opened.wait_for_function(f"{STATUS}.includes('long.mp4: choose')")
    choose(opened, "udnie")
    opened.click("#video-paint")
    opened.wait_for_function("/frames, .* a second/.test(document.body.innerText)")
    opened.click("#video-stop")
    opened.wait_for_function(f"{STATUS}.includes('Stopped: long-udnie.mp4, ')")
    assert first_frame(save(opened, "#video-download")).size == (320, 240)


@pytest.mark.slow
def test_what_is_no_video_gets_a_sentence(opened, tmp_path):
    (tmp_path / "page.mp4").write_text("<html><script>alert(1)</script>")
    opened.set_input_files("#video input[type=file]", tmp_path / "page.mp4")
    opened.wait_for_selector("text=page.mp4 is no video that can be read")
    assert "/tmp" not in opened.inner_text("body")
