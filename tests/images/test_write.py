import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from fastnst.errors import CannotWrite
from fastnst.images.write import write_image


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".jpeg"])
def test_pictures_are_written_well(tmp_path, suffix, astronaut):
    image = Image.open(astronaut).convert("RGB").resize((64, 48))
    path = tmp_path / f"a{suffix}"
    write_image(path, image)
    with Image.open(path) as back:
        assert back.size == (64, 48)
        assert "sRGB" in ImageCms.getProfileName(
            ImageCms.ImageCmsProfile(io.BytesIO(back.info["icc_profile"]))
        )
        error = np.abs(np.asarray(back.convert("RGB"), int) - np.asarray(image, int))
        # JPEG gives 2.3 here, and 4.1 with 4:2:0 chroma, 6.5 with Pillow's default quality; WebP 3.9 and 5.4.
        assert error.mean() <= {".png": 0.0, ".webp": 4.5}.get(suffix, 3.0)
        if suffix.startswith(".j"):
            # One 1x1 sampling factor per component: 4:4:4.
            assert [layer[1:3] for layer in back.layer] == [(1, 1)] * 3


def test_alpha_is_kept_by_png_and_laid_on_white_by_jpeg(tmp_path):
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 0))
    write_image(tmp_path / "a.png", image)
    write_image(tmp_path / "a.jpg", image)
    assert np.asarray(Image.open(tmp_path / "a.png"))[..., 3].max() == 0
    assert np.asarray(Image.open(tmp_path / "a.jpg")).min() == 255


def test_a_picture_too_large_for_its_format_is_one_sentence(tmp_path):
    with pytest.raises(CannotWrite, match=r"a\.webp can't be written: .* WebP holds 16383"):
        write_image(tmp_path / "a.webp", Image.new("RGB", (16384, 1)))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_is_the_same_file_whenever_it_is_written(tmp_path):
    write_image(tmp_path / "a.jpg", Image.new("RGB", (8, 8), "red"))
    with Image.open(tmp_path / "a.jpg") as image:
        profile = image.info["icc_profile"]
    assert profile[24:36] == bytes.fromhex(
        "07d000010001000000000000"
    )  # Of no second in particular.
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert "sRGB" in ImageCms.getProfileDescription(opened)
