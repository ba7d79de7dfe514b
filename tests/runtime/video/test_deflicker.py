from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="steady videos need OpenCV: pip install 'fastnst[webcam]'")

from fastnst.runtime.video.deflicker import HOLD, Steady


def moving(photo, count=8, step=(1, 3), height=96, width=128):
    rows, columns = step
    return [
        np.ascontiguousarray(photo[rows * t : rows * t + height, columns * t : columns * t + width])
        for t in range(count)
    ]


def flickering(seed=0, amount=40):
    rng = np.random.default_rng(seed)

    def paint(frame):
        noise = rng.normal(0, amount, frame.shape)
        return np.clip(frame + noise, 0, 255).astype(np.uint8)

    return paint


@pytest.fixture
def photo(astronaut):
    return np.asarray(Image.open(astronaut).convert("RGB").resize((256, 256)))


def apart(frames, step):
    rows, columns = step
    height, width = frames[0].shape[:2]
    return np.mean(
        [
            np.abs(
                later[: height - rows, : width - columns].astype(int) - earlier[rows:, columns:]
            ).mean()
            for earlier, later in pairwise(frames)
        ]
    )


@pytest.mark.parametrize("step", [(0, 0), (1, 3), (4, 0)])
def test_what_flickers_is_held_still_along_the_motion(photo, step):
    frames = moving(photo, 10, step)
    plain = [*map(flickering(), frames)]
    steady = [*map(Steady(flickering()), frames)]
    assert apart(steady[4:], step) < 0.5 * apart(plain[4:], step)


def test_a_painting_that_does_not_flicker_is_left_as_it_is(photo):
    frames = [photo] * 6
    steady = Steady(lambda frame: 255 - frame)
    for frame in frames:
        assert np.abs(steady(frame).astype(int) - (255 - frame)).max() <= 1


def test_another_scene_begins_anew_without_a_trace(photo):
    steady = Steady(lambda frame: frame)
    for _ in range(4):
        steady(photo)
    other = 255 - photo[::-1]
    assert np.array_equal(steady(other), other)
    # So does a frame of another size.
    assert np.array_equal(steady(photo[:100]), photo[:100])


def test_what_moves_over_a_ground_leaves_no_ghost(photo):
    ground = np.full((96, 128, 3), 90, np.uint8)
    ground[::7] = 120  # The flow has something to hold on to.

    def with_square(left):
        frame = ground.copy()
        frame[30:60, left : left + 30] = 230
        return frame

    steady = Steady(lambda frame: frame)
    for left in (0, 12, 24, 36, 48, 60):
        painted = steady(with_square(left))
    wanted = with_square(60)
    # Where the square was, two steps ago and more, the ground is back.
    assert np.abs(painted[30:60, :40].astype(int) - wanted[30:60, :40]).mean() < 6


def test_the_painting_may_have_another_size_than_the_frame(photo):
    steady = Steady(lambda frame: np.ascontiguousarray(frame.repeat(2, 0).repeat(2, 1)))
    for frame in moving(photo, 3):
        painted = steady(frame)
    assert painted.shape == (192, 256, 3)
    assert np.abs(painted[::2, ::2].astype(int) - frame).mean() < 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (17, 3)])
def test_small_frames_do(shape):
    rng = np.random.default_rng(0)
    steady = Steady(lambda frame: frame)
    for _ in range(3):
        frame = rng.integers(0, 255, (*shape, 3)).astype(np.uint8)
        assert steady(frame).shape == frame.shape


def test_it_keeps_most_of_what_was(photo):
    assert 0.5 < HOLD < 1
    paints = iter([photo, 255 - photo])
    steady = Steady(lambda frame: next(paints))
    steady(photo)
    mixed = steady(photo).astype(int)
    assert np.abs(mixed - photo).mean() < np.abs(mixed - (255 - photo.astype(int))).mean()
