import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import FastnstError
from fastnst.runtime.engine import stylizer as module
from fastnst.runtime.engine.fixed_norms import FrozenNet
from fastnst.runtime.engine.session import open_session
from fastnst.runtime.engine.tiling import Plan, chosen_side, measure, paint, region_of
from fastnst.styles.registry import find_style


@pytest.fixture(scope="module")
def swift() -> Stylizer:
    return Stylizer("the-scream", fast=True, tile="off")


@pytest.fixture
def photo(astronaut) -> np.ndarray:
    """Odd sides."""
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB"))[:261, :309]


def frozen(path) -> FrozenNet:
    return FrozenNet(path, lambda model: open_session(path, "cpu", model)[0])


def plan(photo, net, side, multiple=8) -> Plan:
    return Plan(*photo.shape[:2], 16, multiple, 32, net.reach, side)


def painted(net, plan, photo, rows, statistics) -> np.ndarray:
    whole = np.zeros_like(photo)
    for first, band in paint(net, plan, region_of(photo), rows, statistics):
        whole[first : first + len(band)] = band
    return whole


plans = st.builds(
    lambda multiple, side, **values: Plan(multiple=multiple, side=multiple * side, **values),
    height=st.integers(1, 400), width=st.integers(1, 400), border=st.sampled_from([0, 16]),
    multiple=st.sampled_from([1, 4, 8]), minimum=st.sampled_from([16, 32]), reach=st.integers(0, 150),
    side=st.integers(8, 40), wrap=st.booleans(),
)  # fmt: skip
"""Plans of pictures of any size."""


@given(plans)
def test_cores_lie_side_by_side_on_all_of_a_picture_and_none_is_too_large(plan):
    times = np.zeros(plan.padded, int)
    for top, left, bottom, right in plan.cores():
        assert 0 < bottom - top <= plan.side
        assert 0 < right - left <= plan.side
        times[top:bottom, left:right] += 1
    assert (times == 1).all()


@given(plans)
def test_a_window_is_its_part_of_the_picture_and_its_mirror_image(plan):
    pixels = np.random.default_rng(0).integers(0, 256, (plan.height, plan.width, 3), dtype=np.uint8)
    (down, across), (height, width) = plan.borders, plan.padded
    after = ((down, height - plan.height - down), (across, width - plan.width - across), (0, 0))
    mirrored = np.pad(pixels, after, "reflect")
    for core in plan.cores():
        top, left, bottom, right = plan.window(core)
        if plan.wrap:
            columns = np.arange(left, right) % plan.width
            wanted = mirrored[top:bottom, across : across + plan.width][:, columns]
        else:
            wanted = mirrored[top:bottom, left:right]
        assert np.array_equal(plan.cut(region_of(pixels), core)[0].transpose(1, 2, 0), wanted)


@pytest.mark.parametrize(
    ("style", "fast", "reach"), [("starry-night", False, 108), ("starry-night", True, 104)]
)
def test_how_far_a_net_looks_is_the_sum_of_its_kernels(style, fast, reach):
    # unet: 2 + 2 + 4, eight convolutions of 8, shuffled 8, 4, two of 4, shuffled 4, 2, 2, shuffled 2; the low
    # frequencies: pooled, 4, shuffled 2.
    # swift: 4 + 4, ten of 8, shuffled 8, 4, shuffled 4.
    assert frozen(find_style(style, fast=fast)).reach == reach


def test_nothing_further_off_changes_a_pixel(swift, photo):
    net = frozen(swift.path)
    rows = swift._look.rows
    around = photo.copy()
    seen = slice(130 - net.reach, 138 + net.reach)
    around[:] = np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8)
    around[seen, seen] = photo[seen, seen]
    one = plan(photo, net, 4096)
    statistics = measure(net, one, region_of(photo), rows)
    pictures = [painted(net, one, picture, rows, statistics) for picture in (photo, around)]
    assert np.array_equal(*(picture[130:138, 130:138] for picture in pictures))
    assert not np.array_equal(*(picture[130:138, 130 - net.reach - 16] for picture in pictures))


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 128, 256])
def test_tiles_are_what_the_whole_is_by_the_same_statistics(swift, photo, side):
    net = frozen(swift.path)
    some = region_of(photo)
    statistics = measure(net, plan(photo, net, side), some, swift._look.rows)
    whole = painted(net, plan(photo, net, 4096), photo, swift._look.rows, statistics)
    tiles = painted(net, plan(photo, net, side), photo, swift._look.rows, statistics)
    assert np.abs(whole.astype(int) - tiles).max() <= 1
    plain = swift(photo)
    assert np.abs(plain.astype(int) - tiles).mean() < 0.1


@pytest.mark.slow
def test_statistics_of_parts_are_those_of_the_whole(swift, photo):
    net = frozen(swift.path)
    some = region_of(photo)
    parts = measure(net, plan(photo, net, 64), some, swift._look.rows)
    whole = measure(net, plan(photo, net, 4096), some, swift._look.rows)
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


def test_every_style_strength_and_stroke_is_painted_in_tiles(many, photo):
    whole, tiles = (Stylizer(many, tile=tile) for tile in ("off", 128))
    for wish in (
        {"style": "beta"},
        {"style": "alpha:0.3,beta:0.7"},
        {"strength": 0.4},
        {"stroke": "bold"},
    ):
        pictures = [stylizer(photo, **wish).astype(int) for stylizer in (whole, tiles)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1
    assert np.array_equal(tiles(photo, strength=0), photo)


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (33, 200), (200, 129)])
def test_odd_sizes_come_back_exactly(negative, shape):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(Stylizer(negative, tile=64)(photo), 255 - photo)


@pytest.mark.slow
def test_tiles_are_taken_where_memory_is_small(swift, photo, monkeypatch):
    monkeypatch.setattr(module, "SURELY_FITS", 1000)
    asked = []
    monkeypatch.setattr(
        module,
        "measure",
        lambda *args, **options: asked.append(args[1].side) or measure(*args, **options),
    )
    auto = Stylizer("the-scream", fast=True)
    need = 261 * 309 * frozen(swift.path).bytes_per_pixel / 0.6
    for free, side in ((need * 1.01, None), (need * 0.99, 256), (0.0, 256)):
        monkeypatch.setattr(module, "free_memory", lambda free=free: free)
        asked.clear()
        auto(photo)
        assert asked == ([] if side is None else [side])


def test_the_largest_tile_that_fits_is_chosen(swift):
    net = frozen(swift.path)
    for side, larger in ((256, 384), (384, 512), (512, 768), (768, 1024)):
        enough = (larger + 2 * net.reach) ** 2 * net.bytes_per_pixel / 0.6
        assert chosen_side(net, 5000, 5000, enough * 0.99) == side
        assert chosen_side(net, 5000, 5000, enough * 1.01) == larger
    assert chosen_side(net, 5000, 5000, 0) == 256
    assert chosen_side(net, 50, 50, 1e12) is None


@pytest.mark.slow
def test_a_sample_is_measured_of_a_large_picture(swift, astronaut, monkeypatch):
    monkeypatch.setattr("fastnst.runtime.engine.tiling.SAMPLE", 8)
    with Image.open(astronaut) as image:
        large = np.asarray(image.convert("RGB").resize((900, 900)))
    net = frozen(swift.path)
    seen = []
    inner = net.measure
    monkeypatch.setattr(
        net,
        "measure",
        lambda windows, rows: seen.append(len(list(windows()))) or inner(windows, rows),
    )
    some = region_of(large)
    measure(net, plan(large, net, 256), some, swift._look.rows)
    measure(net, plan(large, net, 256), some, swift._look.rows, exact=True)
    assert seen == [8, 16]


@pytest.mark.parametrize("tile", ["of", 63, 0, -5])
def test_an_impossible_tile_is_refused(negative, tile):
    with pytest.raises(
        FastnstError, match=r"The tile is .* Give auto, off, or a side of 64 px or more"
    ):
        Stylizer(negative, tile=tile)


def test_a_net_with_unknown_parts_says_so_and_is_painted_whole(tmp_path, monkeypatch, photo):
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
            helper.make_node("Sub", ["image", "mean"], ["stylized"]),
        ],
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, ["n", 3, "h", "w"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(
        FastnstError, match="can't paint in tiles: how far its part GlobalAveragePool looks"
    ):
        Stylizer(tmp_path / "odd.onnx", tile=64)(photo)
    monkeypatch.setattr(module, "SURELY_FITS", 1000)
    monkeypatch.setattr(module, "free_memory", lambda: 0.0)
    auto, off = (Stylizer(tmp_path / "odd.onnx", tile=tile)(photo) for tile in ("auto", "off"))
    assert np.array_equal(auto, off)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(96, 256), (101, 311), (40, 16)])
@pytest.mark.parametrize("tile", ["auto", 64])
def test_a_panorama_rolled_is_painted_the_same_and_rolled(astronaut, shape, tile):
    with Image.open(astronaut) as image:
        panorama = np.asarray(image.convert("RGB").resize(shape[::-1]))
    stylizer = Stylizer("the-scream", fast=True, wrap=True, tile=tile)
    by = 64 % shape[1]  # The net's blocks are of 8 px: they stay where they are.
    painted = stylizer(panorama).astype(int)
    rolled = np.roll(stylizer(np.roll(panorama, by, axis=1)), -by, axis=1)
    assert painted.shape == panorama.shape
    if shape[1] % 8 == 0:
        assert np.abs(painted - rolled).max() <= 1
    seam = np.abs(painted[:, 0] - painted[:, -1]).mean()
    inner = np.abs(np.diff(painted, axis=1)).mean(axis=(0, 2))
    assert (
        seam
        < 3 * np.quantile(inner, 0.99) + np.abs(panorama[:, 0].astype(int) - panorama[:, -1]).mean()
    )
