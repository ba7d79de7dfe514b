import time
from pathlib import Path

import pytest

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst import Stylizer
from fastnst.errors import FastnstError
from fastnst.runtime.live.webcam import webcam


def test_a_display_that_is_gone_is_one_sentence(monkeypatch, negative):
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(FastnstError, match="There is no display"):
        webcam(Stylizer(negative), Path("clip.mp4"))


def test_a_camera_that_gives_nothing_is_one_sentence(monkeypatch, negative):
    class Dark:
        def read(self):
            time.sleep(0.01)

        def close(self):
            pass

    monkeypatch.setattr("fastnst.runtime.live.webcam.has_display", lambda: True)
    monkeypatch.setattr("fastnst.runtime.live.webcam.FIRST_FRAME_TIMEOUT", 0.3)
    with pytest.raises(FastnstError, match="gives no pictures"):
        webcam(Stylizer(negative), 0, open_source=lambda number: Dark())
