import hashlib
import multiprocessing
import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastnst.runtime.engine import levels as module
from fastnst.runtime.engine.levels import enlarged, ground, level_sizes, resized, shrunk
from fastnst.runtime.engine.tiling import region_of


def test_the_first_level_is_as_large_for_every_picture_and_the_last_is_the_picture():
    assert level_sizes(224, 224, 224) == [(224, 224)]
    assert level_sizes(448, 448, 224) == [(224, 224), (448, 448)]
    assert level_sizes(3584, 3584, 224) == [(s, s) for s in (224, 448, 896, 1792, 3584)]
    # A panorama has its first level's pixels in its own form, and steps need not be of 2.
    assert level_sizes(200, 2000, 200) == [(63, 632), (112, 1125), (200, 2000)]
    assert level_sizes(64, 48, 224) == [(64, 48)]


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(64, 512))
def test_levels_of_any_picture_grow_to_it_by_one_factor_near_2(height, width, base):
    sizes = level_sizes(height, width, base)
    assert sizes[-1] == (height, width)
    assert min(map(min, sizes)) >= 1
    assert sizes == sorted(sizes)
    areas = [rows * columns for rows, columns in sizes]
    if len(sizes) > 1 and min(sizes[0]) >= 32:  # Whole pixels: within 2% of a side.
        assert areas[0] == pytest.approx(base**2, rel=0.04)
        factors = [(after / before) ** 0.5 for before, after in pairwise(areas)]
        assert factors == pytest.approx([factors[0]] * len(factors), rel=0.04)
        assert 2**0.5 * 0.97 <= factors[0] <= 2**1.5 * 1.03
    if len(sizes) == 1:
        assert areas[0] <= 2 * base**2 * 1.01


def test_the_ground_is_the_same_everywhere_and_goes_on_at_its_sides():
    one = ground(120, 160)
    assert hashlib.sha256(one.tobytes()).hexdigest()[:16] == "520aa5b9fcf65ce7"
    assert not np.array_equal(one, ground(120, 160, 1))
    large = ground(960, 1280)
    assert large.mean() == pytest.approx(127.5, abs=3)
    assert large.std() == pytest.approx(54, abs=3)
    across = np.abs(np.diff(one.astype(int), axis=1)).mean()
    assert np.abs(one[:, 0].astype(int) - one[:, -1]).mean() < 1.5 * across


def test_a_shrunk_picture_is_the_mean_of_what_its_pixels_cover():
    picture = np.random.default_rng(0).integers(0, 256, (900, 400, 3), dtype=np.uint8)
    means = picture.reshape(90, 10, 40, 10, 3).mean(axis=(1, 3))
    small = shrunk(region_of(picture), 900, 400, (90, 40))
    assert np.abs(small - means).max() <= 1
    odd = shrunk(region_of(picture), 900, 400, (77, 33))
    assert abs(odd.mean() - picture.mean()) < 0.5


def test_parts_of_an_enlarged_canvas_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    photo, canvas = (rng.integers(0, 256, (n, n, 3), dtype=np.uint8) for n in (256, 64))
    both = enlarged(region_of(photo), canvas, 256, 256)
    whole = resized(canvas, (256, 256))
    for top, left, bottom, right in ((0, 0, 256, 256), (40, 100, 90, 220)):
        part = both(top, left, bottom, right)
        assert np.array_equal(part[..., :3], photo[top:bottom, left:right])
        assert np.abs(part[..., 3:].astype(int) - whole[top:bottom, left:right]).max() <= 1


@pytest.fixture
def cores(monkeypatch):
    """Four of them."""
    monkeypatch.setattr(module, "cpu_count", lambda: 4)
    module._pool.cache_clear()
    yield
    module._pool.cache_clear()


@pytest.mark.parametrize("size", [(300, 457), (180, 171), (139, 200), (60, 70), (500, 640)])
def test_bands_are_resampled_as_the_whole_is(cores, monkeypatch, astronaut, size):
    with Image.open(astronaut) as image:
        pixels = np.asarray(image.convert("RGB").crop((100, 60, 400, 310)))
    bands, whole = (
        monkeypatch.setattr(module, "LEAST_IN_BANDS", least) or resized(pixels, size).astype(int)
        for least in (0, 10**9)
    )
    # Pillow rounds between going along rows and columns, and from version 13 on it may go along columns first.
    assert np.abs(bands - whole).max() <= 8
    assert np.abs(bands - whole).mean() < 0.3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
def test_a_forked_process_resamples_too(cores):
    pixels = np.zeros((300, 300, 3), np.uint8)
    resized(pixels, (400, 400))  # Starts the threads, which the child has not.
    child = multiprocessing.get_context("fork").Process(target=resized, args=(pixels, (400, 400)))
    child.start()
    child.join(20)
    assert child.exitcode == 0
