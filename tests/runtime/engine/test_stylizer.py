from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import fastnst
from fastnst import StyleMix, Stylizer, StylizerSpec
from fastnst.errors import FastnstError


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (17, 31), (64, 64), (5, 3), (101, 2)])
def test_any_size_comes_back_exactly(negative, shape):
    photo = noise(*shape)
    assert np.array_equal(Stylizer(negative)(photo), 255 - photo)


def test_a_zoo_net_paints_at_its_own_size_and_says_so(zoo):
    stylizer = Stylizer(zoo)
    assert stylizer.card is None
    assert (
        stylizer.note == "zoo.onnx paints at 224x224 px only, so that is the size of what it gives."
    )
    square = noise(224, 224)
    assert np.array_equal(stylizer(square), 255 - square)
    assert stylizer(noise(300, 600)).shape == (112, 224, 3)
    assert stylizer(noise(30, 20)).shape == (224, 149, 3)


def test_a_path_may_end_in_anything(negative, tmp_path):
    (tmp_path / "net.bin").write_bytes(negative.read_bytes())
    assert Stylizer(tmp_path / "net.bin").name == "net"


def test_the_shipped_style_paints_no_line_along_the_border(astronaut):
    pixels = np.asarray(fastnst.Stylizer("starry-night")(astronaut), float)
    for side in (pixels, pixels[::-1], pixels.transpose(1, 0, 2), pixels.transpose(1, 0, 2)[::-1]):
        # Without the margin the outermost line differs by up to 16.
        assert np.abs((side[0] - side[4]).mean(axis=0)).max() < 8


def test_the_shipped_style_paints_a_photo(astronaut):
    photo = Image.open(astronaut).convert("RGB").resize((160, 120))
    painted = fastnst.Stylizer("starry-night")(photo)
    pixels = np.asarray(painted, float)
    assert painted.size == (160, 120)
    # The painting is blue; the photo is orange and grey.
    assert pixels[..., 2].mean() > pixels[..., 0].mean() + 10
    # And it is still this photo: its light and dark are where they were.
    grey, before = pixels.mean(axis=2), np.asarray(photo, float).mean(axis=2)
    assert np.corrcoef(grey.ravel(), before.ravel())[0, 1] > 0.4


def test_threads_may_share_it(many):
    stylizer = Stylizer(many)
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 255, (40 + n, 48, 3)).astype(np.uint8) for n in range(8)]
    names = stylizer.styles
    wishes = [(photo, names[n % len(names)], n / 8) for n, photo in enumerate(photos)] * 4

    def paint(wish):
        photo, style, strength = wish
        return stylizer(photo, style=style, strength=strength)

    alone = [paint(wish) for wish in wishes]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(paint, wishes))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_threads_may_share_it_in_tiles(negative):
    stylizer = Stylizer(negative, tile=64)
    photos = [np.full((150, 130, 3), n, np.uint8) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        painted = list(pool.map(stylizer, photos))
    assert [int(p.mean()) for p in painted] == [255, 254, 253, 252, 251, 250]


def test_it_is_warmed_up(negative):
    stylizer = Stylizer(negative)
    stylizer.warm_up(40)
    stylizer.warm_up((64, 48))
    with pytest.raises(FastnstError, match="0x48"):
        stylizer.warm_up((0, 48))


@pytest.mark.parametrize("style", [None, "beta"])
def test_frames_may_be_painted_at_a_time(many, style):
    stylizer = Stylizer(style, many, strength=0.5, stroke="bold")
    shared = stylizer.for_video(2)
    assert shared is not stylizer
    assert shared is stylizer.for_video(2)
    assert stylizer.for_video() is stylizer
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 255, (40, 48, 3)).astype(np.uint8) for _ in range(8)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(shared, photos))
    for photo, painted in zip(photos, together, strict=True):
        assert np.abs(stylizer(photo).astype(int) - painted).max() <= 1


def test_videos_are_painted_by_the_fast_net_of_the_same_style():
    slow = Stylizer("the-scream:0.5,the-kiss:0.5", strength=0.7, stroke="bold")
    fast = slow.for_video()
    assert (slow.card.net["name"], fast.card.net["name"]) == ("unet", "swift")
    given = Stylizer("the-scream:0.5,the-kiss:0.5", fast=True, strength=0.7, stroke="bold")
    photo = np.random.default_rng(0).integers(0, 255, (40, 48, 3)).astype(np.uint8)
    assert np.array_equal(fast(photo), given(photo))
    assert slow.for_video() is fast
    assert fast.for_video() is fast
    by_path = Stylizer(slow.path)
    assert by_path.for_video() is by_path


def test_stylizers_of_one_file_may_share_its_net(many):
    first = Stylizer("alpha", many)
    spec = StylizerSpec(StyleMix("alpha:0.5,beta:0.5", strength=0.5), many)
    shared = first.sharing_net(spec)
    photo = noise(8, 8)
    assert shared.net is first.net
    assert shared.spec == spec
    assert np.array_equal(shared(photo), Stylizer(spec.mix, many)(photo))
    assert np.array_equal(first(photo), Stylizer("alpha", many)(photo))
    with pytest.raises(FastnstError, match="no style 'no'"):
        first.sharing_net(StylizerSpec(StyleMix("no"), many))


def test_a_batch_of_two_styles_is_two_calls(many):
    stylizer = Stylizer(many)
    photos = np.stack([noise(40, 48), noise(48, 40).transpose(1, 0, 2), 255 - noise(40, 48)])
    mixes = [StyleMix("alpha", 0.7), StyleMix("beta", stroke="bold"), StyleMix("alpha", 0.7)]
    painted = stylizer.paint_batch(photos, mixes)
    for photo, mix, one in zip(photos, mixes, painted, strict=True):
        wanted = stylizer(photo, mix.style, strength=mix.strength, stroke=mix.stroke)
        assert np.abs(one.astype(int) - wanted).max() <= 1
    for style in (None, mixes[1]):
        alone = np.stack([stylizer(photo, style) for photo in photos])
        assert np.array_equal(stylizer.paint_batch(photos, style), alone)


def test_a_batch_of_two_shipped_styles_is_two_calls(astronaut):
    stylizer = Stylizer("the-scream", fast=True)
    with Image.open(astronaut) as image:
        photo = np.asarray(image.convert("RGB").resize((96, 80)))
    photos, mixes = np.stack([photo, photo[::-1]]), [StyleMix("the-kiss"), StyleMix("udnie", 0.8)]
    painted = stylizer.paint_batch(photos, mixes)
    for pixels, mix, one in zip(photos, mixes, painted, strict=True):
        assert np.abs(one.astype(int) - stylizer(pixels, mix)).max() <= 1


def test_a_batch_by_a_net_of_one_size_is_fitted_into_it(zoo):
    painted = Stylizer(zoo).paint_batch(np.stack([noise(300, 600), 255 - noise(300, 600)]))
    assert painted.shape == (2, 112, 224, 3)


def test_a_batch_that_can_not_be_painted_is_named(many):
    stylizer = Stylizer(many)
    photos = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(FastnstError, match=r"There are 3 styles for 2 photos\. Give one for all"):
        stylizer.paint_batch(photos, [StyleMix()] * 3)
    with pytest.raises(
        FastnstError, match=r"uint8 of shape \(8, 8, 3\)\. Give .* \(count, height,"
    ):
        stylizer.paint_batch(photos[0])
    with pytest.raises(FastnstError, match=r"The array is list\. Give uint8 RGB"):
        stylizer.paint_batch([photos[0]])
    with pytest.raises(FastnstError, match="has no style 'gamma'"):
        stylizer.paint_batch(photos, StyleMix("gamma"))
