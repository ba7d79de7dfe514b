import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import FastnstError


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


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


@pytest.mark.parametrize(
    "array",
    [noise(4, 4).astype(np.float32), noise(4, 4)[..., 0], noise(4, 4)[:0], noise(4, 4)[..., :2]],
)
def test_other_arrays_are_refused(negative, array):
    with pytest.raises(
        FastnstError, match=r"The array is .* Give uint8 RGB of shape \(height, width, 3\)"
    ):
        Stylizer(negative)(array)


def test_a_size_beyond_all_bounds_is_one_sentence(negative):
    for size in (10**6, 10**10):
        with pytest.raises(
            FastnstError, match=f"would be {size}x{size} px, more than the 180 megapix"
        ):
            Stylizer(negative)(noise(8, 8), size=size)
