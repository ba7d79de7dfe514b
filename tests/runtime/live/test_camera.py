import time

import numpy as np
import pytest
from clips import make

from fastnst.errors import FastnstError
from fastnst.runtime.live.camera import Camera


class FakeSource:
    """A camera that gives numbers as fast as it is let."""

    def __init__(self, frames, gap=0.0):
        self.frames, self.gap, self.closed = iter(frames), gap, False

    def read(self):
        time.sleep(self.gap)
        return next(self.frames, None)

    def close(self):
        self.closed = True


def numbered(count, size=(8, 8)):
    return [np.full((*size, 3), n, np.uint8) for n in range(count)]


def test_only_the_newest_frame_is_kept():
    with Camera(0, open_source=lambda n: FakeSource(numbered(200), 0.001)) as camera:
        time.sleep(0.1)
        frame = camera.newest(-1, timeout=1)
        assert frame.number > 5
        assert frame.pixels[0, 0, 0] == frame.number
        later = camera.newest(frame.number, timeout=1)
        assert later.number > frame.number
        assert later.time > frame.time


def test_it_waits_for_a_frame_no_longer_than_told():
    with Camera(0, open_source=lambda n: FakeSource([])) as camera:
        started = time.monotonic()
        assert camera.newest(-1, timeout=0.1) is None
        assert time.monotonic() - started < 2


def test_one_that_is_lost_is_taken_up_again(monkeypatch):
    monkeypatch.setattr("fastnst.runtime.live.camera.RECONNECT_SECONDS", 0.05)
    opened = []

    def open_source(number):
        if len(opened) in (1, 2):  # Not there, twice.
            opened.append(None)
            raise FastnstError("There is no camera.")
        opened.append(FakeSource(numbered(3)))
        return opened[-1]

    with Camera(0, open_source=open_source) as camera:
        number = -1
        for _ in range(100):
            frame = camera.newest(number, timeout=0.1)
            number = frame.number if frame else number
            if number >= 4:
                break
        assert number >= 4
        assert opened[0].closed
        assert not camera.ended


def test_that_it_is_lost_can_be_seen(monkeypatch):
    monkeypatch.setattr("fastnst.runtime.live.camera.RECONNECT_SECONDS", 0.05)
    with Camera(0, open_source=lambda n: FakeSource(numbered(1))) as camera:
        camera.newest(-1, timeout=1)
        seen = set()
        for _ in range(40):
            seen.add(camera.lost)
            time.sleep(0.01)
        assert True in seen


def test_a_video_is_played_at_its_pace_and_ends(tmp_path):
    clip = make(tmp_path / "clip.mp4", stamps=[0, 100, 200, 300])
    with Camera(clip) as camera:
        times, number = [], -1
        while frame := camera.newest(number, timeout=2):
            number = frame.number
            times.append(frame.time)
        assert camera.ended
    assert number == 3
    assert 0.25 < times[-1] - times[0] < 1.5


def test_an_error_while_reading_reaches_who_waits():
    class Broken:
        def read(self):
            raise FastnstError("It broke.")

        def close(self):
            pass

    with (
        Camera(0, open_source=lambda n: Broken()) as camera,
        pytest.raises(FastnstError, match="broke"),
    ):
        camera.newest(-1, timeout=1)


def test_no_camera_is_one_sentence():
    pytest.importorskip("cv2", reason="cameras need OpenCV")
    with pytest.raises(FastnstError, match="There is no camera 87"):
        Camera(87)


def test_no_file_is_one_sentence(tmp_path):
    with pytest.raises(FastnstError, match="There is no file"):
        Camera(tmp_path / "none.mp4")
