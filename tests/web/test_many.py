"""The tab of many files, in a browser."""

import zipfile

import pytest
from PIL import Image

from fastnst.runtime.batch.stylize import stylize

pytestmark = pytest.mark.slow
STATUS = "document.querySelector('#many-status').innerText"


@pytest.fixture
def opened(page, address):
    """The tab."""
    page.goto(address)
    page.wait_for_selector("#wall img")
    page.get_by_role("tab", name="Many").click()
    page.click("#many-style input")
    page.get_by_role("option", name="udnie", exact=True).click()
    return page


def test_a_zip_is_painted_as_a_folder_by_the_command_line(opened, save, make_photos, workdir):
    photos = make_photos(workdir / "photos" / "day", 2)
    (photos / "bad.jpg").write_text("<html>")
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for path in sorted(photos.iterdir()):
            archive.write(path, path.relative_to(workdir / "photos"))
    opened.set_input_files("#many input[type=file]", "photos.zip")
    opened.wait_for_selector("#many >> text=photos")
    opened.click("#many-paint")
    opened.wait_for_function(f"{STATUS}.includes('2 painted.')")
    assert "bad.jpg is not a picture that can be read" in opened.inner_text("#many-status")
    assert "/tmp" not in opened.inner_text("#many-status")
    stylize(["photos"], "other", style="udnie")
    with zipfile.ZipFile(save(opened, "#many-download")) as painted:
        assert sorted(painted.namelist()) == ["day/000.jpg", "day/001.jpg"]
        for name in painted.namelist():
            assert painted.read(name) == (workdir / "other" / name).read_bytes()


def test_files_of_one_name_are_kept_apart(opened, save, workdir):
    for folder, color in (("a", "red"), ("b", "blue")):
        (workdir / folder).mkdir()
        Image.new("RGB", (40, 40), color).save(f"{folder}/photo.png")
    opened.set_input_files("#many input[type=file]", ["a/photo.png", "b/photo.png"])
    opened.wait_for_selector("#many >> text=photo")
    opened.click("#many-paint")
    opened.wait_for_function(f"{STATUS}.includes('2 painted.')")
    with zipfile.ZipFile(save(opened, "#many-download")) as painted:
        assert sorted(painted.namelist()) == ["photo-2.png", "photo.png"]
