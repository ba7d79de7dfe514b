from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import fastnst
from fastnst import Stylizer
from fastnst.errors import BadStyleFile, FastnstError


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (17, 31), (64, 64), (5, 3), (101, 2)])
def test_any_size_comes_back_exactly(negative, shape):
    photo = noise(*shape)
    assert np.array_equal(Stylizer(negative)(photo), 255 - photo)


def test_the_same_kind_comes_back(negative, astronaut):
    stylizer = Stylizer(negative)
    with Image.open(astronaut) as image:
        pixels = np.asarray(image.convert("RGB"))
        from_image = stylizer(image)
    from_path, from_text, from_array = (
        stylizer(astronaut),
        stylizer(str(astronaut)),
        stylizer(pixels),
    )
    assert isinstance(from_array, np.ndarray)
    for painted in (from_image, from_path, from_text):
        assert isinstance(painted, Image.Image)
        assert np.array_equal(np.asarray(painted), 255 - pixels)
    assert np.array_equal(from_array, 255 - pixels)


def test_transparency_is_kept(negative):
    image = Image.fromarray(np.dstack([noise(9, 9), noise(9, 9)[..., 0]]), "RGBA")
    painted = Stylizer(negative)(image)
    assert np.array_equal(np.asarray(painted)[..., 3], np.asarray(image)[..., 3])


def test_size_sets_the_longer_side(negative, astronaut):
    assert Stylizer(negative)(astronaut, size=100).size == (100, 100)
    assert Stylizer(negative)(noise(40, 80), size=20).shape == (10, 20, 3)


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


@pytest.mark.parametrize(
    "array",
    [noise(4, 4).astype(np.float32), noise(4, 4)[..., 0], noise(4, 4)[:0], noise(4, 4)[..., :2]],
)
def test_other_arrays_are_refused(negative, array):
    with pytest.raises(
        FastnstError, match=r"The array is .* Give uint8 RGB of shape \(height, width, 3\)"
    ):
        Stylizer(negative)(array)


def test_memory_running_out_is_one_sentence(negative, monkeypatch):
    stylizer = Stylizer(negative)

    class Full:
        def run(self, *_: object) -> None:
            raise RuntimeError(
                "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bad_alloc: Failed to allocate"
            )

    monkeypatch.setattr(stylizer, "_session", Full())
    with pytest.raises(FastnstError, match="not enough memory to paint 40x40 px at once"):
        stylizer(noise(8, 8))


@pytest.mark.parametrize("painted", [np.zeros((1, 3, 80, 80)), np.full((1, 3, 40, 40), np.nan)])
def test_a_net_that_paints_another_size_or_no_numbers_is_refused(negative, monkeypatch, painted):
    stylizer = Stylizer(negative)

    class Odd:
        def run(self, *_: object) -> list[np.ndarray]:
            return [painted]

    monkeypatch.setattr(stylizer, "_session", Odd())
    with pytest.raises(BadStyleFile, match="is no style net: it made"):
        stylizer(noise(8, 8))


def test_a_size_beyond_all_bounds_is_one_sentence(negative):
    for size in (10**6, 10**10):
        with pytest.raises(
            FastnstError, match=f"would be {size}x{size} px, more than the 180 megapix"
        ):
            Stylizer(negative)(noise(8, 8), size=size)


def test_a_path_may_end_in_anything(negative, tmp_path):
    (tmp_path / "net.bin").write_bytes(negative.read_bytes())
    assert Stylizer(tmp_path / "net.bin").name == "net"


@pytest.mark.slow
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


@pytest.mark.parametrize("blend", [None, "beta"])
def test_frames_may_be_painted_at_a_time(many, blend):
    stylizer = Stylizer(many, blend=blend, strength=0.5, stroke="bold")
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
