import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from clips import HEIGHT, WIDTH, bars, make
from PIL import Image

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst import Stylizer, stream

pytestmark = pytest.mark.slow

WATCHER = Path(__file__).parent / "watcher.py"


MANAGER = """<openbox_config xmlns="http://openbox.org/3.4/rc"><applications><application class="*">
<decor>no</decor><focus>yes</focus><position force="yes"><x>0</x><y>0</y></position>
</application></applications></openbox_config>"""
"""Puts windows into the corner, without a frame. (Without a manager of windows, Qt does not always draw them.)"""


@pytest.fixture(scope="module")
def display(tmp_path_factory):
    """A real X server without a screen."""
    for program in ("Xvfb", "openbox", "xdotool"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: apt install xvfb openbox xdotool")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", "1024x768x24"],
        pass_fds=[write], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    file = tmp_path_factory.mktemp("openbox") / "rc.xml"
    file.write_text(MANAGER)
    manager = subprocess.Popen(
        ["openbox", "--config-file", file], env={**os.environ, "DISPLAY": f":{number}"},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1)
    yield f":{number}"
    for process in (manager, server):
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def watched(display, tmp_path_factory):
    """Report of what a real window showed."""
    folder = tmp_path_factory.mktemp("watched")
    clip = make(
        folder / "clip.mp4", 63, (HEIGHT, WIDTH), [200 * n for n in range(63)],
        show=bars,
    )  # fmt: skip
    model = Path(__file__).parents[2] / "assets" / "many.onnx"
    done = subprocess.run(
        [sys.executable, WATCHER, clip, model], cwd=folder, env={**os.environ, "DISPLAY": display},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["failures"]
    return folder, found


class TestWindow:
    def test_it_is_at_most_two_frames_behind(self, watched):
        behind = watched[1]["behind"]
        assert len(behind) == 8
        assert 0 <= min(behind) <= max(behind) <= 2

    def test_it_shows_the_painting_and_beside_it_the_photo(self, watched):
        folder, _ = watched
        screen = np.asarray(Image.open(folder / "screen.png")).astype(int)
        painted = screen[HEIGHT // 2 + 20 : HEIGHT - 10, :WIDTH]
        near = [
            np.abs(painted - (255 - bars(n)[HEIGHT // 2 + 20 : HEIGHT - 10])).mean()
            for n in range(63)
        ]
        assert min(near) < 12
        beside = np.asarray(Image.open(folder / "beside.png")).astype(int)
        photo, painting = beside[100:220, :WIDTH], beside[100:220, WIDTH : 2 * WIDTH]
        assert np.abs(painting - (255 - photo)).mean() < 12
        assert photo.std() > 30

    def test_keys_do_what_the_help_says(self, watched):
        _, found = watched
        assert found["help"]
        assert (found["next"], found["first"]) == ("beta", "alpha")
        assert found["strength"] == pytest.approx(0.7)
        assert found["stroke"] == 0.25
        assert found["mirror"]

    def test_the_snapshot_and_the_videos_are_there(self, watched, many):
        folder, found = watched
        (snapshot,) = folder.glob("fastnst-*.png")
        pixels = np.asarray(Image.open(snapshot)).astype(int)
        assert pixels.shape == (HEIGHT, 2 * WIDTH, 3)
        assert np.abs(pixels[:, WIDTH:] - (255 - pixels[:, :WIDTH])).mean() < 3
        whole = list(stream(folder / "whole.mp4", style=Stylizer(many, strength=0)))
        # The key r ended it, and a second one did not begin another under its name.
        assert 10 < len(whole) <= found["frames"]
        assert whole[0].photo.shape == (HEIGHT, WIDTH, 3)
        assert not list(folder.glob(".fastnst-*"))
