import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from clips import make
from PIL import Image

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst import Stylizer, stream
from fastnst.cli.app import main
from fastnst.errors import FastnstError, MissingExtra
from fastnst.runtime.live.controls import Controls, named
from fastnst.runtime.live.webcam import webcam

WIDTH, HEIGHT, BITS = 324, 240, 6
WATCHER = Path(__file__).parent / "watcher.py"


class TestControls:
    def controls(self, **options):
        return Controls(["a", "b", "c"], "a", **options)

    def test_styles_go_round(self):
        now = self.controls()
        seen = []
        for key in ("right", "right", "right", "left", "left", "2", "9", "0"):
            now.press(key)
            seen.append(now.style)
        assert seen == ["b", "c", "a", "c", "b", "b", "b", "b"]

    @pytest.mark.parametrize("key", ["left", "right"])
    def test_from_a_blend_the_first_style_is_next(self, key):
        now = Controls(["a", "b", "c"], "a:0.5,b:0.5")
        now.press(key)
        assert now.style == "a"

    def test_strength_and_stroke_stay_in_their_ranges(self):
        now = self.controls()
        for _ in range(13):
            now.press("down")
        assert now.strength == 0
        now.press("up")
        assert now.strength == 0.1
        for _ in range(9):
            now.press("+")
        assert now.stroke == 1
        now.press("-")
        assert now.stroke == 0.75

    def test_a_net_that_has_none_of_it_says_so(self):
        now = self.controls(strengths=False, strokes=False)
        now.press("down")
        assert (now.strength, now.message) == (1.0, "one strength")
        now.press("+")
        assert (now.stroke, now.message) == (0.0, "one stroke")

    def test_switches_and_what_is_for_others(self):
        now = self.controls()
        for key, name in (("s", "beside"), ("m", "mirror"), ("f", "full"), ("h", "help")):
            assert now.press(key) == ""
            assert getattr(now, name)
            now.press(key)
            assert not getattr(now, name)
        assert now.press("r") == "record"
        assert now.press(" ") == "snapshot"
        assert not now.quit
        now.press("q")
        assert now.quit

    @pytest.mark.parametrize(
        ("code", "key"),
        [
            (-1, ""), (65363, "right"), (2424832, "left"), (63232, "up"), (65364, "down"),
            (27, "q"), (ord("Q"), "q"), (ord("7"), "7"), (32, " "), (ord("="), "+"), (ord("?"), "h"),
            (0x100000 | ord("s"), "s"), (65505, ""), (0, ""),
        ],
    )  # fmt: skip
    def test_keys_are_named_on_every_system(self, code, key):
        assert named(code) == key


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


def bars(number, height=HEIGHT, width=WIDTH):
    """A counter as bars, bright for 1."""
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    frame = np.empty((height, width, 3), np.uint8)
    for bit, left, right in zip(bits, edges, edges[1:], strict=False):
        frame[:, left:right] = 210 if bit else 40
    frame[: height // 2, :, 2] //= 2
    return frame


@pytest.fixture(scope="module")
def watched(display, tmp_path_factory):
    """What was seen in a real window."""
    folder = tmp_path_factory.mktemp("watched")
    clip = make(
        folder / "clip.mp4", 63, (HEIGHT, WIDTH), [200 * n for n in range(63)],
        show=bars,
    )  # fmt: skip
    model = Path(__file__).parent.parent / "assets" / "many.onnx"
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

    def test_no_display_is_one_sentence(self, capsys, monkeypatch, tmp_path):
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setattr("sys.argv", ["fastnst", "webcam", "--style", "the-scream"])
        with pytest.raises(SystemExit):
            main()
        assert "There is no display" in capsys.readouterr().err

    def test_a_display_that_is_gone_is_the_same(self, monkeypatch, negative):
        monkeypatch.setenv("DISPLAY", ":4711")
        with pytest.raises(FastnstError, match="There is no display"):
            webcam(Stylizer(negative), Path("clip.mp4"))


class Outlet:
    def __init__(self, *args, **options):
        self.sent = []

    def send(self, pixels):
        self.sent.append(pixels)

    def close(self):
        pass


class TestVirtual:
    def module(self, monkeypatch, camera):
        module = type(sys)("pyvirtualcam")
        module.Camera = camera
        monkeypatch.setitem(sys.modules, "pyvirtualcam", module)
        monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: False)

    def test_it_gets_what_is_painted(self, tmp_path, monkeypatch, negative):
        outlet = Outlet()
        self.module(monkeypatch, lambda *args, **options: outlet)
        clip = make(
            tmp_path / "clip.mp4", 5, (HEIGHT, WIDTH), [100 * n for n in range(5)], show=bars
        )
        watched = webcam(Stylizer(negative), clip, virtual=True, mirror=True)
        assert watched.frames == len(outlet.sent) >= 2
        # As they are, though they would be shown mirrored.
        for pixels in outlet.sent:
            assert min(np.abs(pixels.astype(int) - (255 - bars(n))).mean() for n in range(5)) < 6

    def test_none_on_the_system_is_one_sentence(self, tmp_path, monkeypatch, negative):
        def missing(*args, **options):
            raise RuntimeError("no backend")

        self.module(monkeypatch, missing)
        clip = make(tmp_path / "clip.mp4", 2)
        with pytest.raises(FastnstError, match="v4l2loopback"):
            webcam(Stylizer(negative), clip, virtual=True)

    def test_without_the_package_it_says_what_to_install(self, tmp_path, monkeypatch, negative):
        monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
        monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: False)
        clip = make(tmp_path / "clip.mp4", 2)
        with pytest.raises(MissingExtra, match=r"fastnst\[virtual\]"):
            webcam(Stylizer(negative), clip, virtual=True)


def test_a_camera_that_gives_nothing_is_one_sentence(monkeypatch, negative):
    class Dark:
        def read(self):
            time.sleep(0.01)

        def close(self):
            pass

    monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: True)
    monkeypatch.setattr("fastnst.runtime.live.webcam.PATIENCE", 0.3)
    with pytest.raises(FastnstError, match="gives no pictures"):
        webcam(Stylizer(negative), 0, lens=lambda number: Dark())


@pytest.mark.parametrize("words", [["--size", "0"], ["--camera", "none.mp4"], []])
def test_what_is_wrong_is_one_sentence(words, monkeypatch, capsys):
    monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: True)
    style = ["--style", "the-scream"] if words else []
    monkeypatch.setattr("sys.argv", ["fastnst", "webcam", *style, *words])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert said.startswith("fastnst: ")
    assert len(said.splitlines()) == 1
