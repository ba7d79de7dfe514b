import numpy as np
import pytest
from PIL import Image

from fastnst import StyleMix, Stylizer
from fastnst.errors import FastnstError
from fastnst.runtime.engine.levels import ground, level_sizes, resized
from fastnst.runtime.engine.tiling import region_of
from fastnst.styles.card import PaintingCredit, StyleCard

pytestmark = pytest.mark.slow


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
    credits = (PaintingCredit(name="one"), PaintingCredit(name="two"))
    card = StyleCard("a", credits, config.as_dict(), net.multiple_of, net.minimum, base=64)
    folder = tmp_path_factory.mktemp("model")
    save_net(folder / "a.safetensors", net, card)
    return export(folder / "a.safetensors").path


@pytest.fixture
def photo(astronaut):
    with Image.open(astronaut) as image:
        return np.asarray(image.convert("RGB").resize((250, 190)))


def test_the_finest_level_is_painted_over_the_ones_below(model, photo):
    stylizer = Stylizer(model)
    sizes = level_sizes(190, 250, 64)
    assert len(sizes) == 3
    canvas = ground(*sizes[0])
    middle = resized(photo, sizes[1])  # Each is made smaller of the next.
    photos = [resized(middle, sizes[0]), middle, photo]
    for level, size in enumerate(sizes):
        row = np.zeros(7, np.float32)
        row[level] = 1
        if level:
            canvas = resized(canvas, size)
        canvas = stylizer.painter.paint(photos[level][None], canvas[None], row[None])[0]
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


def test_one_style_in_a_file_of_its_own_paints_the_same(model, photo):
    from fastnst.exporting.export import export

    one = export(model.with_suffix(".safetensors"), style="two").path
    alone = Stylizer(one)
    assert alone.card.levels == 3
    assert np.abs(alone(photo).astype(int) - Stylizer(model)(photo, style="two")).max() <= 1
    with pytest.raises(FastnstError, match="paints strokes of any size"):
        export(model.with_suffix(".safetensors"), style="two", stroke="bold")


MIXES = [
    StyleMix("one"),
    StyleMix("two", 0.6),
    StyleMix("one:0.3,two:0.7", stroke="bold"),
    StyleMix("two", stroke="bold"),
]


def test_each_picture_of_a_batch_has_a_style_and_strokes_of_its_own(model, photo):
    stylizer = Stylizer(model)
    photos = np.stack([photo, photo[::-1], photo[:, ::-1], 255 - photo])
    painted = stylizer.paint_batch(photos, MIXES)
    for one, picture, mix in zip(painted, photos, MIXES, strict=True):
        # What two runs round apart at a level, the next one may paint apart.
        assert np.abs(one.astype(int) - stylizer(picture, mix)).mean() < 0.05
        assert np.abs(one.astype(int) - stylizer(picture, mix)).max() <= 2
    assert np.array_equal(stylizer.paint_batch(photos[:1]), stylizer(photo)[None])


def test_the_share_that_is_done_grows_over_all_levels(model, photo):
    shares = []
    Stylizer(model, tile=64)(photo, on_share=lambda share, text: shares.append(share))
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert shares[-1] == pytest.approx(1)
