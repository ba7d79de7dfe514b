import errno
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from fastnst.errors import CannotWrite, FastnstError
from fastnst.runtime.stylize import stylize


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def photos(workdir, astronaut):
    """photos/a.png, photos/deep/b.webp, photos/broken.jpg, and a file that is no picture by its name."""
    folder = workdir / "photos"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (30, 21)), ("deep/b.png", (9, 40))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / name)
    (folder / "broken.jpg").write_bytes(astronaut.read_bytes()[:3000])
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_one_photo_goes_to_a_file_a_folder_or_beside_itself(photos, negative):
    expected = 255 - pixels(photos / "a.png")
    for output, made in (
        ("x.png", "x.png"),
        ("new/x.png", "new/x.png"),
        ("folder", "folder/a.png"),
        (None, "photos/a-negative.png"),
    ):
        (result,) = stylize([photos / "a.png"], output, style=negative)
        assert not result.error
        assert np.array_equal(pixels(made), expected)
        assert (result.height, result.width) == expected.shape[:2]


def test_a_folder_keeps_its_shape_and_a_bad_file_stops_nothing(photos, negative):
    results = stylize([photos], "out", style=negative)
    assert {str(r.output) for r in results} == {"out/a.png", "out/deep/b.png", "None"}
    (bad,) = [r for r in results if r.error]
    assert bad.input == photos / "broken.jpg"
    assert "broken.jpg is damaged" in bad.error
    assert np.array_equal(pixels("out/deep/b.png"), 255 - pixels(photos / "deep/b.png"))


def test_a_folder_inside_the_input_is_not_painted_again(photos, negative):
    for _ in range(2):
        results = stylize([photos], photos / "painted", style=negative)
        assert len(results) == 3


def test_the_output_may_be_above_the_input(photos, negative):
    results = stylize([photos], photos.parent, style=negative)
    assert len(results) == 3


def test_names_that_the_system_refuses_stop_nothing(photos, negative):
    (photos / "loop.png").symlink_to("loop.png")
    inputs = [photos / "loop.png", photos / f"{'x' * 251}.png", photos / "a.png"]
    *bad, good = stylize(inputs, "out", style=negative)
    assert [bool(result.error) for result in bad] == [True, True]
    assert str(good.output) == "out/a.png"


def test_a_folder_without_output_gets_a_sibling(photos, negative):
    stylize([photos], style=negative)
    assert (photos.parent / "photos-negative" / "deep" / "b.png").is_file()


def test_no_painting_takes_the_place_of_another(photos, negative):
    (photos / "other").mkdir()
    shutil.copy(photos / "deep/b.png", photos / "other/a.png")
    results = stylize([photos / "a.png", photos / "other/a.png"], "out", style=negative)
    assert [str(r.output) for r in results] == ["out/a.png", "out/a-2.png"]


def test_no_painting_takes_the_place_of_a_photo(photos, negative):
    Image.open(photos / "a.png").rotate(180).save(photos / "a.bmp")
    before, other = pixels(photos / "a.png"), pixels(photos / "a.bmp")
    results = stylize([photos / "a.bmp", photos / "a.png"], photos, style=negative)
    assert [r.output for r in results] == [photos / "a-2.png", None]
    assert "a.png would be overwritten" in results[1].error
    assert np.array_equal(pixels(photos / "a.png"), before)
    assert np.array_equal(pixels(photos / "a-2.png"), 255 - other)


def test_the_input_is_never_overwritten(photos, negative):
    before = (photos / "a.png").read_bytes()
    (result,) = stylize([photos / "a.png"], photos / "a.png", style=negative)
    assert "a.png would be overwritten by its painting. Give another output" in result.error
    assert (photos / "a.png").read_bytes() == before


def test_formats_that_are_only_read_come_out_as_png(photos, negative):
    Image.open(photos / "a.png").save(photos / "a.bmp")
    (result,) = stylize([photos / "a.bmp"], "out", style=negative)
    assert str(result.output) == "out/a.png"


def test_what_can_not_be_done_at_all_is_said_at_once(photos, negative):
    with pytest.raises(FastnstError, match=r"The size is 0\."):
        stylize([photos], style=negative, size=0)
    with pytest.raises(
        FastnstError, match=r"one\.jpg is one file, but the input is more than one photo"
    ):
        stylize([photos], "one.jpg", style=negative)
    with pytest.raises(CannotWrite, match=r"the format \.gif is not one of"):
        stylize([photos / "a.png"], "a.gif", style=negative)
    with pytest.raises(FastnstError, match=r"No photo was given"):
        stylize([], style=negative)
    with pytest.raises(FastnstError, match=r"A path is empty"):
        stylize([""], style=negative)


def test_an_empty_folder_is_named(workdir, negative):
    (workdir / "empty").mkdir()
    (result,) = stylize(["empty"], style=negative)
    assert "There is no picture in the folder empty." in result.error


def test_a_full_disk_leaves_nothing_half_written(photos, negative, monkeypatch):
    def full(self, path, **_):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    (result,) = stylize([photos / "a.png"], "out/x.png", style=negative)
    assert result.error.startswith("out/x.png can't be written: No space left on device.")
    assert list((photos.parent / "out").iterdir()) == []


def test_an_output_folder_that_can_not_be_made_is_named(photos, negative):
    (photos.parent / "file").write_text("")
    (result,) = stylize([photos / "a.png"], "file/deep/x.png", style=negative)
    assert result.error.startswith("file/deep/x.png can't be written:")


def test_every_file_is_reported_as_it_is_done(photos, negative):
    seen = []
    stylize([photos], "out", style=negative, report=lambda p, n, total: seen.append((n, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_exif_orientation_is_applied(workdir, negative):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save("a.jpg", exif=exif)
    (result,) = stylize(["a.jpg"], "out.jpg", style=negative)
    with Image.open("out.jpg") as image:
        assert image.size == (result.width, result.height) == (20, 40)
        assert 0x0112 not in image.getexif()
