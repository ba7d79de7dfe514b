import numpy as np
import pytest
from PIL import Image, ImageCms

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge, to_rgb_array
from fastnst.images.read import read_image

ORIENTED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a[::-1].transpose(1, 0, 2),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: a[:, ::-1].transpose(1, 0, 2),
}
"""Ways that a picture is to be stored for each EXIF orientation, so that it is shown as it is; inverses below."""


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_applied(tmp_path, orientation):
    shown = noise(5, 7)
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    stored = Image.fromarray(np.ascontiguousarray(ORIENTED[undo](shown)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), shown)


def test_a_wide_gamut_profile_is_brought_to_srgb(tmp_path):
    # In Lab the numbers are so different that a profile which is not applied can't go unseen.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.createProfile("sRGB")
    pixels = Image.new("RGB", (4, 4), (200, 60, 30))
    as_lab = ImageCms.profileToProfile(pixels, srgb, lab, outputMode="LAB")
    as_lab.save(tmp_path / "a.tif", icc_profile=lab.tobytes())
    got = np.asarray(read_image(tmp_path / "a.tif")).astype(int)
    assert np.abs(got - (200, 60, 30)).max() <= 2


def test_a_broken_profile_is_ignored(tmp_path):
    Image.fromarray(noise(4, 4)).save(tmp_path / "a.png", icc_profile=b"no profile")
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), noise(4, 4))


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path):
    values = np.array([[0, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.asarray(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 128, 255]


def test_grey_of_0_to_1_in_floating_point_is_scaled(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "a.tif")
    assert np.asarray(read_image(tmp_path / "a.tif"))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_comes_along(tmp_path, mode):
    image = Image.fromarray(noise(6, 6, 4), "RGBA").convert(mode)
    image.save(tmp_path / "a.png")
    got = read_image(tmp_path / "a.png")
    assert got.mode == "RGBA"
    expected = image.convert("RGBA").getchannel("A")
    assert np.array_equal(np.asarray(got.getchannel("A")), np.asarray(expected))


def test_a_transparent_colour_of_a_palette_becomes_alpha(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    assert np.asarray(read_image(tmp_path / "a.png")).tolist() == [
        [[255, 0, 0, 0], [0, 0, 255, 255]]
    ]


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK"])
def test_other_modes_become_rgb(tmp_path, mode):
    Image.fromarray(noise(6, 6)).convert(mode).save(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif").mode == "RGB"


def test_resize_sets_the_longer_side():
    assert resize_long_edge(Image.new("RGB", (300, 100)), 150).size == (150, 50)
    assert resize_long_edge(Image.new("RGB", (100, 300)), 600).size == (200, 600)
    assert resize_long_edge(Image.new("RGB", (1000, 1)), 10).size == (10, 1)
    with pytest.raises(
        FastnstError, match=r"The size is 0\. It is the longer side in pixels: 1 or more"
    ):
        resize_long_edge(Image.new("RGB", (4, 4)), 0)


def test_bands_of_rows_make_the_whole_array(monkeypatch):
    pixels = noise(7, 5, 4)
    monkeypatch.setattr("fastnst.images.pixels.BAND_PIXELS", 10)
    assert np.array_equal(to_rgb_array(Image.fromarray(pixels)), pixels[..., :3])
