import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from fastnst.errors import FastnstError, MissingExtra, UnreadableImage
from fastnst.images.read import open_picture, read_image, resize_longer
from fastnst.images.write import write_image

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
"""How a picture is to be stored for each EXIF orientation, so that it is shown as it is; inverses below."""


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


def test_what_is_no_picture_is_named(tmp_path, astronaut):
    text, cut = tmp_path / "text.jpg", tmp_path / "cut.jpg"
    text.write_text("hello")
    cut.write_bytes(astronaut.read_bytes()[:20000])
    with pytest.raises(UnreadableImage, match=r"There is no file .*gone\.jpg"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableImage, match=r"text\.jpg is not a picture that can be read"):
        read_image(text)
    with pytest.raises(UnreadableImage, match=r"cut\.jpg is damaged or can't be read: .*truncated"):
        read_image(cut)
    with pytest.raises(UnreadableImage, match="is a folder"):
        read_image(tmp_path)


def test_resize_sets_the_longer_side():
    assert resize_longer(Image.new("RGB", (300, 100)), 150).size == (150, 50)
    assert resize_longer(Image.new("RGB", (100, 300)), 600).size == (200, 600)
    assert resize_longer(Image.new("RGB", (1000, 1)), 10).size == (10, 1)
    with pytest.raises(
        FastnstError, match=r"The size is 0\. It is the longer side in pixels: 1 or more"
    ):
        resize_longer(Image.new("RGB", (4, 4)), 0)


def test_heic_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"any")
    for do in (
        lambda: read_image(tmp_path / "a.heic"),
        lambda: write_image(tmp_path / "b.heic", Image.new("RGB", (4, 4))),
    ):
        with pytest.raises(
            MissingExtra, match=r"is HEIC, which needs pillow-heif\. .*pip install '\.\[heif\]'"
        ):
            do()


def png(pixels: np.ndarray) -> bytes:
    """A PNG of 16 bits a channel, RGB or RGBA, which Pillow does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def tiff(pixels: np.ndarray) -> bytes:
    """A TIFF of 16 bits a channel, RGB, not compressed."""
    height, width, _ = pixels.shape
    data = pixels.astype("<u2").tobytes()
    bits = struct.pack("<HHH", 16, 16, 16)
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8 + len(data)), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 8), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    at = 8 + len(data) + len(bits)
    return b"II*\0" + struct.pack("<I", at) + data + bits + directory + bytes(4)


@pytest.mark.parametrize(("write", "channels"), [(png, 3), (png, 4), (tiff, 3)])
def test_sixteen_bits_a_channel_become_eight(tmp_path, write, channels):
    pixels = np.random.default_rng(0).integers(0, 65536, (7, 9, channels), dtype=np.uint16)
    (tmp_path / "a").write_bytes(write(pixels))
    got = np.asarray(read_image(tmp_path / "a")).astype(int)
    assert got.shape == pixels.shape
    assert np.abs(got - pixels / 257).max() <= 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(workdir):
    os.mkfifo("pipe.jpg")
    with pytest.raises(
        UnreadableImage, match=r"pipe\.jpg is a pipe or a device, not a file\. Give a file, or pipe"
    ):
        read_image("pipe.jpg")


def sixteen_bit_png(path, color: int, channels: int) -> None:
    """2x1 px, which Pillow can't write in colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    row = b"\0" + struct.pack(f">{2 * channels}H", *range(0, 2000 * channels, 1000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, color, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(row))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("color", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_a_png_of_sixteen_bits_is_known(tmp_path, color, channels):
    sixteen_bit_png(tmp_path / "deep.png", color, channels)
    Image.fromarray(noise(2, 2)).save(tmp_path / "a.png")
    with open_picture(tmp_path / "deep.png") as deep, open_picture(tmp_path / "a.png") as plain:
        assert (deep.bits, plain.bits) == (16, 8)


def test_a_tiff_of_sixteen_bits_is_known(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "deep.tif")
    Image.fromarray(noise(2, 2)).save(tmp_path / "a.tif")
    with open_picture(tmp_path / "deep.tif") as deep, open_picture(tmp_path / "a.tif") as plain:
        assert (deep.bits, plain.bits) == (16, 8)


def test_pages_are_read_and_small_copies_of_them_are_not(tmp_path):
    pages = [Image.fromarray(noise(6, 4 + number)) for number in range(3)]
    small = Image.fromarray(noise(2, 2))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=[small, *pages[1:]])
    with open_picture(tmp_path / "a.tif") as picture:
        assert (picture.count, picture.animated) == (3, False)
        read = list(picture.frames())
    assert [page.size for page in read] == [(4, 6), (5, 6), (6, 6)]
    assert all(
        np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(read, pages, strict=True)
    )


def test_every_page_has_the_limit(tmp_path):
    pages = [Image.new("RGB", (10, 10)), Image.new("RGB", (100, 100))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with (
        open_picture(tmp_path / "a.tif", most_pixels=1000) as picture,
        pytest.raises(UnreadableImage, match="is 100x100 px, more than 0.001 megapixels"),
    ):
        list(picture.frames())


def test_what_is_no_file_at_all_is_named():
    with pytest.raises(
        UnreadableImage, match=r"A NoneType is no picture\. Give the path of a file"
    ):
        read_image(None)


def test_a_file_without_permission_is_named_once(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"")

    def refuse(source):
        raise PermissionError(13, "Permission denied", str(source))

    monkeypatch.setattr(Image, "open", refuse)  # Root may read everything.
    with pytest.raises(UnreadableImage) as error:
        read_image(tmp_path / "a.png")
    assert str(error.value) == f"{tmp_path / 'a.png'} can't be read: permission denied."
