import sys

import numpy as np
import pytest
from clips import HEIGHT, WIDTH, bars, make

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst import Stylizer
from fastnst.errors import FastnstError, MissingExtra
from fastnst.runtime.live.webcam import webcam


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
        stats = webcam(Stylizer(negative), clip, virtual=True, mirror=True)
        assert stats.frames == len(outlet.sent) >= 2
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
        with pytest.raises(MissingExtra, match=r"pip install .*\[virtual\]"):
            webcam(Stylizer(negative), clip, virtual=True)
