"""Limits of what visitors may give."""

import stat
import zipfile

import pytest
from clips import make
from PIL import Image

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.web.limits import Limits, plain_name


def test_a_photo_of_too_many_pixels_is_refused_by_its_header(tmp_path):
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    Limits(megapixels=0.06).check_photo(tmp_path / "a.png")
    with pytest.raises(UnreadableImage, match="300x200 px, more than 0.059 megapixels"):
        Limits(megapixels=0.059).check_photo(tmp_path / "a.png")


def test_the_frames_of_an_animation_count_together(tmp_path):
    frames = [Image.new("RGB", (100, 100), (9 * k, 0, 0)) for k in range(5)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    Limits(megapixels=0.05).check_photo(tmp_path / "a.gif")
    with pytest.raises(UnreadableImage, match="5 pictures of 100x100 px in it"):
        Limits(megapixels=0.049).check_photo(tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "page.jpg",
            b"<html><script>alert(1)</script></html>",
            "is not a picture that can be read",
        ),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
        ("empty.png", b"", "is not a picture"),
        ("clip.mp4", b"", "clip.mp4 is a video. Videos have a tab of their own."),
    ],
)
def test_what_is_no_photo_is_refused_in_a_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImage, match=words):
        Limits().check_photo(tmp_path / name)


def test_a_video_is_held_to_seconds_and_pixels(tmp_path):
    clip = make(tmp_path / "a.mp4", count=50)  # 2 s of 64x48
    Limits(seconds=2.1, megapixels=0.0031).check_video(clip)
    with pytest.raises(FastnstError, match="2 seconds long, more than 1.5"):
        Limits(seconds=1.5).check_video(clip)
    with pytest.raises(FastnstError, match="frames of 64x48 px, more than 0.003 mega"):
        Limits(megapixels=0.003).check_video(clip)
    with pytest.raises(UnreadableImage, match="no video by its name"):
        Limits().check_video(clip.rename(tmp_path / "a.jpg"))


def test_a_zip_is_unpacked_within_the_folder(tmp_path):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("a.jpg", "day 1/b.png", "../../up.jpg", "/etc/c.jpg", "notes.txt", ".hidden.jpg",
                     "__MACOSX/._a.jpg", "clip.MP4"):  # fmt: skip
            archive.writestr(name, name)
        archive.writestr(link, "/etc/passwd")
    folder = tmp_path / "deep" / "er"
    Limits().unpack(tmp_path / "a.zip", folder)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"a.jpg", "day 1/b.png", "file/file/up.jpg", "file/etc/c.jpg", "clip.MP4"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "deep"}


def test_a_zip_that_holds_too_much_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(3_000_000))
        archive.writestr("b.png", b"")
    with pytest.raises(FastnstError, match="a.zip holds more than 2 MB"):
        Limits(megabytes=2).unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(FastnstError, match="There are 2 files, more than 1"):
        Limits(files=1).unpack(tmp_path / "a.zip", tmp_path / "out")
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with pytest.raises(FastnstError, match="a.zip can't be unpacked"):
        Limits().unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        (".htaccess", "htaccess"),
        ("Été à la mer.JPG", "Été à la mer.JPG"),
        ("a<b>:|?*\x00.png", "a_b______.png"),
        ("-", "file"),
        ("..", "file"),
        ("x" * 300 + ".png", "x" * 80 + ".png"),
    ],
)
def test_names_are_plain(given, plain):
    assert plain_name(given) == plain


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(FastnstError, match="limit of seconds is 0. Give more than 0"):
        Limits(seconds=0)
