import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
from fastnst.errors import FastnstError
from fastnst.training.paintings import Painting


def test_one_colour_is_no_style(tmp_path):
    rng = np.random.default_rng(0)
    near = rng.integers(119, 122, (96, 96, 3), dtype=np.uint8)
    for name, image in (
        ("blue.png", Image.new("RGB", (96, 96), "blue")),
        ("grey.png", Image.fromarray(near)),
    ):
        image.save(tmp_path / name)
        with pytest.raises(
            FastnstError, match=rf"{name} has one colour all over, so there is no style"
        ):
            Painting(path=tmp_path / name).load()


def test_what_can_not_be_seen_is_no_style(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (96, 96, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(
        FastnstError, match=r"a\.png is fully transparent\. Give one that can be seen"
    ):
        Painting(path=tmp_path / "a.png").load()
    pixels[:50, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert Painting(path=tmp_path / "a.png", size=96).load().shape == (1, 3, 96, 96)
