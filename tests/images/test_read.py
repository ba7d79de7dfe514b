import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fastnst.errors import UnreadableImage
from fastnst.images.read import open_image, read_image, readable_images


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


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


def test_only_images_that_can_be_read_are_given(tmp_path):
    Image.new("LA", (3, 2), (7, 9)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"none")
    found = list(readable_images([tmp_path / name for name in ("b.png", "a.png", "gone.png")]))
    assert [(image.mode, image.size) for image in found] == [("RGB", (3, 2))]


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
    with open_image(tmp_path / "deep.png") as deep, open_image(tmp_path / "a.png") as plain:
        assert (deep.bits, plain.bits) == (16, 8)


def test_a_tiff_of_sixteen_bits_is_known(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "deep.tif")
    Image.fromarray(noise(2, 2)).save(tmp_path / "a.tif")
    with open_image(tmp_path / "deep.tif") as deep, open_image(tmp_path / "a.tif") as plain:
        assert (deep.bits, plain.bits) == (16, 8)


def test_pages_are_read_and_small_copies_of_them_are_not(tmp_path):
    pages = [Image.fromarray(noise(6, 4 + number)) for number in range(3)]
    small = Image.fromarray(noise(2, 2))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=[small, *pages[1:]])
    with open_image(tmp_path / "a.tif") as picture:
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
        open_image(tmp_path / "a.tif", max_pixels=1000) as picture,
        pytest.raises(UnreadableImage, match="is 100x100 px, more than 0.001 megapixels"),
    ):
        list(picture.frames())


def test_pages_have_this_limit_alone(tmp_path, monkeypatch, recwarn):
    Image.new("RGB", (100, 100)).save(tmp_path / "a.tif", save_all=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_image(tmp_path / "a.tif").size == (100, 100)
    assert not recwarn.list
    assert Image.MAX_IMAGE_PIXELS == 1000


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
