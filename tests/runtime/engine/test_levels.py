import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.runtime.engine.levels import enlarged, ground, level_sizes, resized, shrunk
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.runtime.engine.tiling import region_of
from fastnst.styles.card import Credit, StyleCard


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


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A net of three levels and two styles, untrained, with rows that differ."""
    torch = pytest.importorskip("torch")
    from fastnst.exporting.export import export
    from fastnst.models import ConditionalInstanceNorm2d, NetConfig, build_net, save_net

    torch.manual_seed(0)
    config = NetConfig(name="unet", width=8, blocks=1, styles=7, identity=True, levels=3)
    net = build_net(config)
    for module in net.modules():
        if isinstance(module, ConditionalInstanceNorm2d):
            torch.nn.init.normal_(module.weight, 1.0, 0.3)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
    credits = (Credit(name="one"), Credit(name="two"))
    card = StyleCard("a", credits, config.as_dict(), net.multiple_of, net.minimum, base=64)
    folder = tmp_path_factory.mktemp("model")
    save_net(folder / "a.safetensors", net, card)
    return export(folder / "a.safetensors").path


@pytest.fixture
def photo(astronaut):
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB").resize((250, 190)))


@pytest.mark.slow
def test_the_finest_level_is_painted_over_the_ones_below(model, photo):
    stylizer = Stylizer(model)
    sizes = level_sizes(190, 250, 64)
    assert len(sizes) == 3
    canvas = ground(*sizes[0])
    for level, size in enumerate(sizes):
        row = np.zeros(7, np.float32)
        row[level] = 1
        if level:
            canvas = resized(canvas, size)
        canvas = stylizer._paint_level(resized(photo, size), canvas, row)
    assert np.array_equal(stylizer(photo), canvas)


def test_strength_0_is_the_photo_and_a_blend_of_1_and_0_the_plain_style(model, photo):
    stylizer = Stylizer(model)
    assert np.array_equal(stylizer(photo, strength=0), photo)
    plain = stylizer(photo, style="two")
    assert np.array_equal(stylizer(photo, style="two:1,one:0"), plain)
    assert not np.array_equal(stylizer(photo, style="one"), plain)


def test_strokes_of_any_size_come_from_the_size_of_the_first_level(model, photo):
    stylizer = Stylizer(model)
    medium = stylizer(photo)
    assert np.array_equal(stylizer(photo, stroke="medium"), medium)
    assert np.array_equal(stylizer(photo, stroke=0.5), medium)
    for stroke in ("fine", "bold", 0.25):
        assert not np.array_equal(stylizer(photo, stroke=stroke), medium)
    with pytest.raises(FastnstError, match="The stroke is huge"):
        stylizer(photo, stroke="huge")


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [False, True])
def test_tiles_are_the_whole(model, photo, wrap):
    options = {"exact": True, "wrap": wrap}
    tiles = Stylizer(model, tile=64, **options)(photo)
    whole = Stylizer(model, tile=1024, **options)(photo)
    # Each level is rounded, and what the next one makes of a level's difference is its own.
    assert np.abs(tiles.astype(int) - whole).mean() < 0.05


def test_a_picture_that_is_not_in_memory_is_painted_as_one_that_is(model, photo):
    stylizer = Stylizer(model, exact=True)
    bands = dict(stylizer.bands(region_of(photo), *photo.shape[:2]))
    result = np.concatenate([bands[first] for first in sorted(bands)])
    # Its first levels are painted on means in place of cubic curves.
    assert result.shape == photo.shape
    assert np.abs(result.astype(int) - stylizer(photo)).mean() < 6


@pytest.mark.slow
def test_one_style_in_a_file_of_its_own_paints_the_same(model, photo):
    from fastnst.exporting.export import export

    one = export(model.with_suffix(".safetensors"), style="two").path
    alone = Stylizer(one)
    assert alone.card.levels == 3
    assert np.abs(alone(photo).astype(int) - Stylizer(model)(photo, style="two")).max() <= 1
    with pytest.raises(FastnstError, match="paints strokes of any size"):
        export(model.with_suffix(".safetensors"), style="two", stroke="bold")
