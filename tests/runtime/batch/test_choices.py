import pickle
import shutil

import pytest

from fastnst.errors import FastnstError, UnknownStyle, UnreadableImage
from fastnst.runtime.batch.choices import find_choices
from fastnst.runtime.engine import painting_statistics as module
from fastnst.styles.draw import RANDOM
from fastnst.styles.registry import find_gallery


@pytest.fixture
def paintings(workdir, make_photos):
    """paintings/000.jpg and paintings/deep/000.jpg, paintings/deep/001.jpg."""
    make_photos(workdir / "paintings", 1)
    make_photos(workdir / "paintings" / "deep", 2, (80, 96))
    return workdir / "paintings"


def test_random_is_all_styles_of_a_file(many):
    choices = find_choices(RANDOM, many)
    assert (choices.names, choices.files) == (("alpha", "beta"), (many, many))
    assert choices.blended


def test_a_folder_stands_for_its_paintings_by_the_net_that_predicts_styles(paintings):
    for folder in (paintings, str(paintings), "paintings"):
        choices = find_choices(folder)
        names = ("000.jpg", "deep/000.jpg", "deep/001.jpg")
        assert choices.names == tuple(str(paintings / name) for name in names)
        assert set(choices.files) == {find_gallery(fast=True)}
        assert choices.blended
    listed = find_choices([paintings / "deep", "the-kiss:0.5,paintings/000.jpg:0.5", "the-kiss"])
    mixed = f"the-kiss:0.5,{paintings / '000.jpg'}:0.5"
    assert listed.names == (*choices.names[1:], mixed, "the-kiss")
    assert set(listed.files) == {find_gallery(fast=True)}
    assert not listed.blended
    assert {path for path, _, _ in listed.described} == set(choices.names)


def test_another_process_computes_no_statistics(paintings, monkeypatch):
    sent = pickle.dumps(find_choices(paintings))
    monkeypatch.setattr(module, "_described", {})
    monkeypatch.setattr(module, "_computed", None)
    choices = pickle.loads(sent)
    choices.check(1.0)
    for name in choices.names:
        assert (module.painting_statistics(name) == module._described[module._as_it_is(name)]).all()


def test_a_style_has_its_name_though_there_is_a_folder_of_it(paintings):
    paintings.rename(paintings.with_name("the-kiss"))
    assert find_choices("the-kiss").names == ("the-kiss",)
    assert len(find_choices("./the-kiss").names) == 3


def test_what_can_not_be_drawn_from_is_said(paintings, workdir, many):
    with pytest.raises(FastnstError, match=r"many\.onnx can't paint in the style of any painting"):
        find_choices(paintings, many).check(1.0)
    shutil.copy(paintings / "000.jpg", paintings / "a, b.jpg")
    with pytest.raises(FastnstError, match=r"a, b\.jpg has a comma, so its style can't be blended"):
        find_choices(paintings)
    assert str(paintings / "a, b.jpg") in find_choices([paintings]).names
    (paintings / "broken.jpg").write_text("no picture")
    with pytest.raises(UnreadableImage, match=r"broken\.jpg"):
        find_choices([paintings])
    (workdir / "empty").mkdir()
    with pytest.raises(FastnstError, match=r"There is no picture in the folder empty\. Give"):
        find_choices("empty")
    with pytest.raises(UnknownStyle, match="There is no style 'emty'"):
        find_choices("emty")
