import sys
from pathlib import Path

import pytest
from PIL import Image

from fastnst.errors import CannotWrite, MissingExtra
from fastnst.images.formats import takes_animation, takes_pages
from fastnst.images.read import read_image
from fastnst.images.write import write_image


def test_animations_and_pages_have_formats_of_their_own():
    names = ["a.GIF", "a.png", "a.apng", "a.webp", "a.tif", "a.TIFF", "a.jpg", "a.mp4", "a"]
    assert [n for n in names if takes_animation(Path(n))] == ["a.GIF", "a.png", "a.apng", "a.webp"]
    assert [n for n in names if takes_pages(Path(n))] == ["a.tif", "a.TIFF"]


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(
        CannotWrite, match=r"the format \.xyz is not one of \.apng, \.avif, \.bmp, \.gif"
    ):
        write_image(tmp_path / "a.xyz", Image.new("RGB", (4, 4)))
    assert list(tmp_path.iterdir()) == []


def test_heic_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"any")
    for do in (
        lambda: read_image(tmp_path / "a.heic"),
        lambda: write_image(tmp_path / "b.heic", Image.new("RGB", (4, 4))),
    ):
        with pytest.raises(
            MissingExtra, match=r"is HEIC, which needs pillow-heif\. .*pip install .*\[heif\]"
        ):
            do()
