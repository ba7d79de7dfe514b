import math

import numpy as np
import pytest
from PIL import Image

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.styles.painting import is_picture, read_painting, scaled_like


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, len(mode)), np.uint8)
    return Image.fromarray(values, mode) if mode != "RGB" else Image.fromarray(values)


def test_a_picture_is_told_by_its_extension():
    assert [is_picture(name) for name in ("a.jpg", "b/c.TIFF", "great-wave", "a.onnx", "jpg")] == [
        True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "side"), [((640, 480), 320), ((400, 100), 100), ((3000, 100), 64)]
)
def test_a_painting_is_scaled_to_the_area_of_a_square(size, side):
    scaled = scaled_like(picture(*size), side)
    assert math.sqrt(math.prod(scaled.size)) == pytest.approx(
        side, rel=0.5 if min(size) == 100 else 0.01
    )
    assert scaled.width / scaled.height == pytest.approx(size[0] / size[1], rel=0.06)
    assert min(scaled.size) >= 16


def test_a_small_painting_is_not_enlarged():
    assert scaled_like(picture(80, 70), 320).size == (80, 70)


def test_a_painting_that_has_no_style_is_one_sentence(workdir):
    picture(16, 16).save("tiny.png")
    Image.new("RGB", (100, 100), "grey").save("flat.png")
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save("clear.png")
    for name, sentence in {
        "tiny.png": "is 16x16 px, too small",
        "flat.png": "has one colour all over",
        "clear.png": "is fully transparent",
    }.items():
        with pytest.raises(FastnstError, match=sentence):
            read_painting(name)
    with pytest.raises(UnreadableImage):
        read_painting("none.png")


def test_a_painting_that_is_transparent_in_part_is_read(workdir):
    picture(100, 90, "RGBA").save("part.png")
    assert read_painting("part.png").mode == "RGB"
