import numpy as np
import pytest

from fastnst.errors import FastnstError
from fastnst.images.colors import (
    luminance,
    match_colors,
    match_luminance,
    parse_keep_color,
    with_luminance,
)

RNG = np.random.default_rng(0)


def picture(low=40, high=200, size=(30, 40)):
    return RNG.integers(low, high, (*size, 3)).astype(np.uint8)


def test_luminance_is_y_of_yiq():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    np.testing.assert_allclose(luminance(pixels)[0], [76.245, 149.685, 29.07, 9], rtol=1e-5)


def test_a_picture_with_its_own_luminance_is_itself():
    pixels = picture(0, 256)
    np.testing.assert_array_equal(with_luminance(pixels, luminance(pixels)), pixels)


def test_a_new_luminance_is_reached_everywhere_and_keeps_the_hue():
    pixels = picture()
    y = RNG.uniform(0, 255, pixels.shape[:2]).astype(np.float32)
    painted = with_luminance(pixels, y)
    assert np.abs(luminance(painted) - y).max() <= 0.51
    chroma = pixels - luminance(pixels)[..., None]
    new = painted - luminance(painted)[..., None]
    # Never turned round, never stronger; where there is room, the same.
    assert (np.sum(chroma * new, axis=-1) > -60).all()
    roomy = np.abs(y - 127) < 10
    np.testing.assert_allclose(new[roomy], chroma[roomy], atol=1.1)


def test_matched_colours_have_the_other_s_mean_and_covariance():
    source, target = picture(100, 160), picture(60, 200)
    target[..., 0] = target[..., 1] // 2 + 40
    got = match_colors(source, target).reshape(-1, 3)
    wanted = target.reshape(-1, 3)
    np.testing.assert_allclose(got.mean(axis=0), wanted.mean(axis=0), atol=1)
    spread = np.sqrt(np.diag(np.cov(wanted, rowvar=False)))
    difference = (np.cov(got, rowvar=False) - np.cov(wanted, rowvar=False)) / np.outer(
        spread, spread
    )
    assert np.abs(difference).max() < 0.03


def test_a_painting_of_one_colour_can_be_matched():
    flat = np.full((8, 8, 3), 77, np.uint8)
    target = picture()
    expected = np.full(3, target.reshape(-1, 3).mean(axis=0))
    np.testing.assert_allclose(match_colors(flat, target)[0, 0], expected, atol=1)


def test_matched_luminance_has_the_other_s_mean_and_deviation():
    y, to = luminance(picture(0, 80)), luminance(picture(90, 170))
    got = match_luminance(y, to)
    assert abs(got.mean() - to.mean()) < 0.01
    assert abs(got.std() - to.std()) < 0.01


def test_a_flag_keeps_the_luminance_and_other_words_are_refused():
    given = (True, False, "luminance", "palette")
    assert [parse_keep_color(value) for value in given] == [
        "luminance", None, "luminance", "palette"
    ]  # fmt: skip
    with pytest.raises(FastnstError, match=r"can't be kept by 'hue'\. Give luminance or palette"):
        parse_keep_color("hue")
