from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastnst import Stylizer
from fastnst.runtime.engine.fixed_norms import FixedNormsNet
from fastnst.runtime.engine.levels import ground
from fastnst.runtime.engine.tiling import (
    SAMPLE_SIDE,
    SAMPLE_TILES,
    TilePlan,
    chosen_side,
    measure,
    paint,
    region_of,
    sample_tiles,
)


@pytest.fixture(scope="module")
def swift() -> Stylizer:
    return Stylizer("the-scream", fast=True, tile="off")


@pytest.fixture
def photo(astronaut) -> np.ndarray:
    """Odd sides."""
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB"))[:261, :309]


def fixed(path) -> FixedNormsNet:
    return FixedNormsNet(path)


def over_ground(photo):
    """Reader of a photo and the ground, as the coarsest level has them."""
    return region_of(np.concatenate([photo, ground(*photo.shape[:2])], axis=2))


def plan(photo, net, side, multiple=8) -> TilePlan:
    return TilePlan(*photo.shape[:2], 16, multiple, 32, net.radius, side)


def painted(net, plan, photo, rows, statistics) -> np.ndarray:
    whole = np.zeros_like(photo)
    for first, band in paint(net, plan, over_ground(photo), rows, statistics):
        whole[first : first + len(band)] = band
    return whole


plans = st.builds(
    lambda multiple, side, **values: TilePlan(multiple=multiple, side=multiple * side, **values),
    height=st.integers(1, 400), width=st.integers(1, 400), border=st.sampled_from([0, 16]),
    multiple=st.sampled_from([1, 4, 8]), minimum=st.sampled_from([16, 32]), radius=st.integers(0, 150),
    side=st.integers(8, 40), wrap=st.booleans(),
)  # fmt: skip
"""Plans of pictures of any size."""


@given(plans)
def test_tiles_lie_side_by_side_on_all_of_a_picture_and_none_is_too_large(plan):
    times = np.zeros(plan.padded, int)
    for top, left, bottom, right in plan.tiles():
        assert 0 < bottom - top <= plan.side
        assert 0 < right - left <= plan.side
        times[top:bottom, left:right] += 1
    assert (times == 1).all()


@pytest.mark.slow
@given(plans)
def test_a_window_is_its_part_of_the_picture_and_its_mirror_image(plan):
    pixels = np.random.default_rng(0).integers(0, 256, (plan.height, plan.width, 3), dtype=np.uint8)
    (down, across), (height, width) = plan.borders, plan.padded
    after = ((down, height - plan.height - down), (across, width - plan.width - across), (0, 0))
    mirrored = np.pad(pixels, after, "reflect")
    for tile in plan.tiles():
        top, left, bottom, right = plan.window(tile)
        if plan.wrap:
            columns = np.arange(left, right) % plan.width
            wanted = mirrored[top:bottom, across : across + plan.width][:, columns]
        else:
            wanted = mirrored[top:bottom, left:right]
        assert np.array_equal(plan.cut(region_of(pixels), tile)[0].transpose(1, 2, 0), wanted)


def test_nothing_further_off_changes_a_pixel(swift, photo):
    net = fixed(swift.path)
    rows = swift._net_style.at(0)
    around = photo.copy()
    seen = slice(130 - net.radius, 138 + net.radius)
    around[:] = np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8)
    around[seen, seen] = photo[seen, seen]
    one = plan(photo, net, 4096)
    statistics = measure(net, one, over_ground(photo), rows)
    pictures = [painted(net, one, picture, rows, statistics) for picture in (photo, around)]
    assert np.array_equal(*(picture[130:138, 130:138] for picture in pictures))
    assert not np.array_equal(*(picture[130:138, 130 - net.radius - 16] for picture in pictures))


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 128, 256])
def test_tiles_are_what_the_whole_is_by_the_same_statistics(swift, photo, side):
    net = fixed(swift.path)
    some = over_ground(photo)
    statistics = measure(net, plan(photo, net, side), some, swift._net_style.at(0))
    whole = painted(net, plan(photo, net, 4096), photo, swift._net_style.at(0), statistics)
    tiles = painted(net, plan(photo, net, side), photo, swift._net_style.at(0), statistics)
    assert np.abs(whole.astype(int) - tiles).max() <= 1
    plain = swift(photo)
    assert np.abs(plain.astype(int) - tiles).mean() < 0.1


@pytest.mark.slow
def test_statistics_of_parts_are_those_of_the_whole(swift, photo):
    net = fixed(swift.path)
    some = over_ground(photo)
    parts = measure(net, plan(photo, net, 64), some, swift._net_style.at(0))
    whole = measure(net, plan(photo, net, 4096), some, swift._net_style.at(0))
    assert parts.keys() == whole.keys()
    assert len(parts) == 2 * net.norms == 24
    for name, values in parts.items():
        deviation = np.sqrt(whole[name.replace("mean", "var")])
        assert np.abs(values - whole[name]).max() < 1e-2 * deviation.max()


@pytest.mark.slow
def test_a_sky_has_no_step_at_a_seam(photo):
    y, x = np.mgrid[:400, :600]
    sky = np.stack([90 + y / 8, 140 + y / 10, 200 + x / 40], axis=-1).astype(np.uint8)
    sky[250:] = photo[:150, :300].repeat(2, axis=1)
    tiled = Stylizer("the-scream", fast=True, tile=128)(sky).astype(int)
    whole = Stylizer("the-scream", fast=True, tile="off")(sky).astype(int)
    assert np.abs(tiled - whole).max() <= 2


def test_the_largest_tile_that_fits_is_chosen(swift):
    net = fixed(swift.path)
    for side, larger in ((256, 384), (384, 512), (512, 768), (768, 1024), (1024, 1536)):
        enough = (larger + 2 * net.radius) ** 2 * net.bytes_per_pixel
        assert chosen_side(net, 5000 * 5000, enough * 0.99) == side
        assert chosen_side(net, 5000 * 5000, enough * 1.01) == larger
    assert chosen_side(net, 5000 * 5000, 0) == 256
    assert chosen_side(net, 50 * 50, 50 * 50 * net.bytes_per_pixel) is None


@given(plans)
def test_windows_of_a_sample_have_one_size(plan):
    plan = replace(plan, height=8 * plan.height + 400, width=9 * plan.width + 400)
    smaller, tiles, sample = sample_tiles(plan)
    assert sample == (plan.padded[0] * plan.padded[1] > 2 * SAMPLE_TILES * SAMPLE_SIDE**2)
    if sample:
        assert len(tiles) == SAMPLE_TILES
        shown = region_of(np.zeros((plan.height, plan.width, 3), np.uint8))
        sides = {smaller.cut(shown, tile).shape for tile in tiles[::16]}
        assert len(sides) == len({smaller.inside(tile) for tile in tiles}) == 1


def test_a_sample_is_measured_of_a_large_picture(swift, astronaut, monkeypatch):
    monkeypatch.setattr("fastnst.runtime.engine.tiling.SAMPLE_TILES", 8)
    with Image.open(astronaut) as image:
        large = np.asarray(image.convert("RGB").resize((900, 900)))
    net = fixed(swift.path)
    seen = []
    monkeypatch.setattr(net, "measure", lambda windows, rows: seen.append(len(list(windows()))))
    monkeypatch.setattr(
        net, "estimate", lambda batches, rows: seen.append([len(batch) for batch, _ in batches])
    )
    some = over_ground(large)
    measure(net, plan(large, net, 256), some, swift._net_style.at(0))
    measure(net, plan(large, net, 256), some, swift._net_style.at(0), exact=True)
    # A window of a tile that is painted is as large as nine of the sample's; then all is measured.
    assert seen == [[8], 16]
