import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from fastnst import StyleMix, Stylizer
from fastnst.errors import FastnstError
from fastnst.runtime.engine import level_painter as module
from fastnst.runtime.engine.fixed_norms import FixedNormsNet
from fastnst.runtime.engine.levels import ground
from fastnst.runtime.engine.tiling import measure


def fixed(path) -> FixedNormsNet:
    return FixedNormsNet(path)


@pytest.fixture
def photo(astronaut) -> np.ndarray:
    """Odd sides."""
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB"))[:261, :309]


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
def test_tiles_are_taken_where_memory_is_small(photo, monkeypatch):
    monkeypatch.setattr(module, "SURELY_FITS", 1000)
    asked = []
    monkeypatch.setattr(
        module,
        "measure",
        lambda *args, **options: asked.append(args[1].side) or measure(*args, **options),
    )
    auto = Stylizer("the-scream", fast=True)
    need = 261 * 309 * fixed(auto.path).bytes_per_pixel
    for free, side in ((need * 1.01, None), (need * 0.99, 256), (0.0, 256)):
        monkeypatch.setattr(module, "room", lambda *_, free=free: free)
        asked.clear()
        auto(photo)
        assert asked == ([] if side is None else [side])


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
    monkeypatch.setattr(module, "room", lambda *_: 0.0)
    auto, off = (Stylizer(tmp_path / "odd.onnx", tile=tile)(photo) for tile in ("auto", "off"))
    assert np.array_equal(auto, off)


def test_a_batch_is_painted_picture_by_picture_where_memory_is_small(many, photo, monkeypatch):
    monkeypatch.setattr(module, "SURELY_FITS", 1000)
    stylizer = Stylizer(many)
    photos, mixes = np.stack([photo, photo[::-1]]), [StyleMix("alpha", 0.5), StyleMix("beta")]
    wanted = np.stack([stylizer(*pair) for pair in zip(photos, mixes, strict=True)])
    runs = []
    run = stylizer.net.run
    monkeypatch.setattr(
        stylizer.net,
        "run",
        lambda *args, rows, padding: (
            runs.append(len(rows)) or run(*args, rows=rows, padding=padding)
        ),
    )
    need = 261 * 309 * fixed(many).bytes_per_pixel
    for free, batches in ((2.01 * need, [2]), (1.99 * need, [1, 1]), (0.99 * need, [])):
        monkeypatch.setattr(module, "room", lambda *_, free=free: free)
        runs.clear()
        assert np.abs(stylizer.paint_batch(photos, mixes).astype(int) - wanted).max() <= 1
        assert runs == batches


def test_the_share_that_is_done_is_told_after_each_tile(negative):
    shares = []
    Stylizer(negative, tile=64)(
        np.zeros((100, 200, 3), np.uint8), on_share=lambda share, text: shares.append(share)
    )
    # 3 by 4 tiles of 132x232 px, with no norm to be measured.
    assert len(shares) == 12
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_part_of_the_work_has_its_share_of_the_whole():
    shares = []
    part = module.part_of(lambda share, text: shares.append((share, text)), 0.25, 0.5)
    part(0, "a")
    part(0.5, "b")
    part(1, "c")
    assert shares == [(0.25, "a"), (0.5, "b"), (0.75, "c")]
    assert module.part_of(None, 0, 1) is None


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(96, 256), (101, 311), (40, 16)])
@pytest.mark.parametrize("tile", ["auto", 64])
def test_a_panorama_rolled_is_painted_the_same_and_rolled(astronaut, shape, tile, monkeypatch):
    with Image.open(astronaut) as image:
        panorama = np.asarray(image.convert("RGB").resize(shape[::-1]))
    stylizer = Stylizer("the-scream", fast=True, wrap=True, tile=tile)
    by = 64 % shape[1]  # The net's blocks are of 8 px: they stay where they are.
    painted = stylizer(panorama).astype(int)
    monkeypatch.setattr(
        "fastnst.runtime.engine.coarse_to_fine.ground",
        lambda *size: np.roll(ground(*size), by, axis=1),
    )
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
