import threading
import time
from itertools import islice

import numpy as np
import pytest
from clips import make, picture

from fastnst import StyleMix, Stylizer, stream
from fastnst.errors import FastnstError, UnknownStyle, UnreadableImage


def numbered(count, size=(8, 8)):
    return [np.full((*size, 3), n, np.uint8) for n in range(count)]


@pytest.mark.usefixtures("engine")
def test_every_frame_of_a_video_comes_painted_in_order_with_its_time(tmp_path, negative):
    stamps = [0, 40, 90, 200, 210]
    clip = make(tmp_path / "clip.mp4", stamps=stamps)
    painted = list(stream(clip, style=negative))
    assert [frame.number for frame in painted] == [0, 1, 2, 3, 4]
    assert [frame.time for frame in painted] == pytest.approx([s / 1000 for s in stamps])
    for frame in painted:
        assert np.abs(frame.photo.astype(int) - picture(frame.number)).mean() < 3
        assert np.array_equal(frame.pixels, 255 - frame.photo)


def test_frames_of_ones_own_are_painted(negative):
    frames = numbered(3)
    painted = [frame.pixels for frame in stream(frames, style=Stylizer(negative))]
    assert [int(p.mean()) for p in painted] == [255, 254, 253]


def test_frames_are_scaled(negative):
    (frame,) = stream([np.zeros((30, 60, 3), np.uint8)], style=negative, size=20)
    assert frame.pixels.shape == frame.photo.shape == (10, 20, 3)


def test_it_can_be_left(tmp_path, negative):
    clip = make(tmp_path / "clip.mp4", 40)
    before = threading.active_count()
    assert len(list(islice(stream(clip, style=negative), 2))) == 2
    for _ in range(50):
        if threading.active_count() <= before:
            break
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_a_style_by_name_is_painted_by_the_net_for_real_time(monkeypatch):
    asked = []
    monkeypatch.setattr(Stylizer, "for_video", lambda self: asked.append(self) or self)
    list(stream(numbered(1, (32, 32)), style=StyleMix("the-scream", 0.5)))
    assert asked[0].mix.strength == 0.5


def test_what_is_wrong_is_said(tmp_path, negative):
    with pytest.raises(UnreadableImage):
        list(stream(tmp_path / "none.mp4", style=negative))
    with pytest.raises(UnknownStyle):
        list(stream(numbered(1), style="no-such"))
    with pytest.raises(FastnstError, match="uint8"):
        list(stream([np.zeros((4, 4, 3))], style=negative))
