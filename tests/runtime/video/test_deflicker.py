from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2", reason="--deflicker needs OpenCV: pip install '.[webcam]'")

from fastnst.runtime.video.deflicker import Deflicker


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


def deflickered(paint):
    """A painter whose paintings are deflickered."""
    deflicker = Deflicker()
    return lambda frame: deflicker(frame, paint(frame))


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
    held = [*map(deflickered(flickering()), frames)]
    assert apart(held[4:], step) < 0.5 * apart(plain[4:], step)


def test_a_painting_that_does_not_flicker_is_left_as_it_is(photo):
    frames = [photo] * 6
    held = deflickered(lambda frame: 255 - frame)
    for frame in frames:
        assert np.abs(held(frame).astype(int) - (255 - frame)).max() <= 1


def test_another_scene_begins_anew_without_a_trace(photo):
    held = deflickered(lambda frame: frame)
    for _ in range(4):
        held(photo)
    other = 255 - photo[::-1]
    assert np.array_equal(held(other), other)
    # So does a frame of another size.
    assert np.array_equal(held(photo[:100]), photo[:100])


def test_what_moves_over_a_ground_leaves_no_ghost(photo):
    ground = np.full((96, 128, 3), 90, np.uint8)
    ground[::7] = 120  # The flow has something to hold on to.

    def with_square(left):
        frame = ground.copy()
        frame[30:60, left : left + 30] = 230
        return frame

    held = deflickered(lambda frame: frame)
    for left in (0, 12, 24, 36, 48, 60):
        painted = held(with_square(left))
    wanted = with_square(60)
    # Where the square was, two steps ago and more, the ground is back.
    assert np.abs(painted[30:60, :40].astype(int) - wanted[30:60, :40]).mean() < 6


def test_the_painting_may_have_another_size_than_the_frame(photo):
    held = deflickered(lambda frame: np.ascontiguousarray(frame.repeat(2, 0).repeat(2, 1)))
    for frame in moving(photo, 3):
        painted = held(frame)
    assert painted.shape == (192, 256, 3)
    assert np.abs(painted[::2, ::2].astype(int) - frame).mean() < 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (17, 3)])
def test_small_frames_do(shape):
    rng = np.random.default_rng(0)
    held = deflickered(lambda frame: frame)
    for _ in range(3):
        frame = rng.integers(0, 255, (*shape, 3)).astype(np.uint8)
        assert held(frame).shape == frame.shape


def test_where_nothing_moves_nine_tenths_are_the_painting_before(photo):
    deflicker = Deflicker()
    light, dark = np.full_like(photo, 200), np.full_like(photo, 100)
    assert np.array_equal(deflicker(photo, light), light)
    assert np.abs(deflicker(photo, dark).astype(int) - (0.9 * 200 + 0.1 * 100)).max() <= 1
