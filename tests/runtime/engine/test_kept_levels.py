import threading

import numpy as np
import pytest

from fastnst import Stylizer
from fastnst.runtime.engine import kept_levels as module
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.styles.mix import NetStyle

STYLES = [NetStyle(np.ones((2, 3), np.float32), np.zeros(0, np.float32), 224.0)]


def frame(value: int, side: int = 64) -> np.ndarray:
    return np.full((1, side, side, 3), value, np.uint8)


@pytest.fixture
def kept():
    """Levels below that count how often they are painted."""
    kept, painted = KeptLevels(), []

    def under(photos, styles=STYLES):
        def paint():
            painted.append(photos)
            return photos

        return kept.under(photos, styles, paint)

    under.painted = painted
    return under


def test_every_second_frame_is_painted_over_what_lies_under_the_one_before(kept):
    found = [int(kept(frame(value))[0, 0, 0, 0]) for value in (1, 2, 3, 4, 5)]
    assert found == [1, 1, 3, 3, 5]


def test_a_cut_another_style_and_another_size_have_their_own(kept):
    other = [NetStyle(STYLES[0].rows * 2, STYLES[0].statistics, 224.0)]
    kept(frame(1))
    assert kept(frame(1 + int(module.CUT) + 1))[0, 0, 0, 0] == 1 + int(module.CUT) + 1
    assert kept(frame(12), other)[0, 0, 0, 0] == 12
    assert kept(frame(13, 32), other).shape == (1, 32, 32, 3)
    assert len(kept.painted) == 4


def test_threads_take_each_canvas_once(kept):
    kept(frame(0))
    threads = [threading.Thread(target=kept, args=(frame(0),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 + 8 // 2 <= len(kept.painted) <= 8


def test_a_still_picture_is_painted_as_ever(astronaut):
    stylizer, kept = Stylizer("starry-night", fast=True), KeptLevels()
    photo = np.asarray(stylizer(astronaut, size=480))[:300]
    alone = stylizer(photo)
    for _ in range(3):
        assert np.array_equal(stylizer(photo, kept=kept), alone)
