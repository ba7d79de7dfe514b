import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="the webcam needs OpenCV: pip install 'fastnst[webcam]'")

from fastnst import StyleMix, Stylizer
from fastnst.errors import FastnstError
from fastnst.runtime.live.camera import Camera
from fastnst.runtime.live.controls import Controls
from fastnst.runtime.live.painter import CameraPainter


class Source:
    """A video of frames each of which is brighter than the one before."""

    def __init__(self, count):
        self.left, self.number = count, -1

    def read(self):
        time.sleep(0.02)
        self.number += 1
        return np.full((8, 8, 3), self.number, np.uint8) if self.number < self.left else None

    def close(self):
        pass


@pytest.fixture
def controls(negative):
    return Controls(
        Stylizer(negative).styles, StyleMix(), strokes=False, strengths=False, mirror=False
    )


def paintings(painter):
    """All that a painter gives until it is over."""
    last, found = None, []
    while True:
        painting = painter.newest(last)
        if painting is not None:
            last = painting
            found.append(painting)
        elif painter.over:
            return found


@pytest.mark.parametrize("at_once", [1, 3])
def test_paintings_are_of_newer_and_newer_frames(negative, controls, at_once):
    with Camera(Path("clip.mp4"), open_source=lambda path: Source(20)) as camera:
        painter = CameraPainter(Stylizer(negative), at_once, camera, controls, False)
        found = paintings(painter)
        painter.close()
    numbers = [painting.frame.number for painting in found]
    assert len(numbers) > 3
    assert numbers == sorted(set(numbers))
    assert all((255 - p.pixels.astype(int) == p.frame.pixels).all() for p in found)
    assert len(painter.painting) == len(painter.waited) >= len(found)


def test_one_that_can_not_be_painted_is_told(negative, controls):
    class Broken:
        def __call__(self, pixels, mix, kept):
            raise FastnstError("There is not enough memory.")

    with Camera(Path("clip.mp4"), open_source=lambda path: Source(20)) as camera:
        painter = CameraPainter(Broken(), 1, camera, controls, False)
        with pytest.raises(FastnstError, match="not enough memory"):
            paintings(painter)
        painter.close()


def test_it_stops_when_it_is_closed(negative, controls):
    with Camera(Path("clip.mp4"), open_source=lambda path: Source(10_000)) as camera:
        painter = CameraPainter(Stylizer(negative), 2, camera, controls, False)
        while painter.newest(None) is None:
            pass
        painter.close()
        assert painter.over
