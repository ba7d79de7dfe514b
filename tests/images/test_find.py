import pytest

from fastnst.images.find import find_images


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.jpg", "a/c.PNG", "a/d/e.heic", "a/notes.txt", "clip.mp4",
        ".hidden.jpg", ".thumbnails/f.jpg", "painted/b.jpg", "jpg",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def found(folder, **options) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_images(folder, **options)]


def test_images_are_found_at_any_depth_in_order_and_hidden_ones_are_not(folder):
    assert found(folder) == ["a/c.PNG", "a/d/e.heic", "b.jpg", "painted/b.jpg"]


def test_further_endings_are_found_if_asked_for(folder):
    assert "clip.mp4" in found(folder, also=frozenset({".mp4"}))


def test_one_folder_can_be_left_out_but_not_the_one_that_is_searched(folder):
    assert found(folder, exclude=folder / "painted") == ["a/c.PNG", "a/d/e.heic", "b.jpg"]
    assert found(folder / "painted", exclude=folder / "painted") == ["b.jpg"]


def test_a_folder_that_can_not_be_listed_is_told_or_passed_over(tmp_path):
    errors: list[OSError] = []
    assert find_images(tmp_path / "none", on_error=errors.append) == []
    assert [error.filename for error in errors] == [str(tmp_path / "none")]
    assert find_images(tmp_path / "none") == []
