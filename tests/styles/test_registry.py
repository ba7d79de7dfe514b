import os
import shutil
from pathlib import Path

import pytest

from fastnst.errors import FastnstError, UnknownStyle
from fastnst.styles import registry
from fastnst.styles.registry import find_gallery, find_style, list_styles


def test_styles_are_the_files_of_the_folders_and_earlier_folders_win(workdir, monkeypatch):
    mine, local = workdir / "mine", workdir / "checkpoints"
    for path in (mine / "blue.onnx", local / "blue.onnx", local / "red.onnx"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.setenv("FASTNST_STYLES", str(mine))
    styles = list_styles()
    assert styles["blue"] == mine / "blue.onnx"
    assert styles["red"].resolve() == local / "red.onnx"
    assert find_style("blue") == mine / "blue.onnx"


def test_a_path_wins_over_names(workdir):
    (workdir / "red.onnx").write_bytes(b"")
    assert find_style(Path("red.onnx")) == Path("red.onnx")


def test_an_unknown_style_gets_the_nearest_name():
    with pytest.raises(
        UnknownStyle, match=r"There is no style 'stary-nigth'\. Did you mean 'starry-night'\?"
    ):
        find_style("stary-nigth")


def test_a_missing_file_is_named():
    with pytest.raises(UnknownStyle, match=r"There is no file gone\.onnx"):
        find_style("gone.onnx")


def test_a_file_of_many_styles_gives_their_names_and_not_its_own(workdir, monkeypatch, many):
    (workdir / "checkpoints").mkdir()
    (workdir / "checkpoints" / "many.onnx").write_bytes(many.read_bytes())
    (workdir / "checkpoints" / "red.onnx").write_bytes(b"")
    styles = list_styles()
    assert {"alpha", "beta", "red"} <= set(styles)
    assert "many" not in styles
    assert find_style("beta:0.2,alpha:0.8") == styles["alpha"]


def test_of_two_nets_with_one_style_the_fast_one_is_taken_if_asked_for(workdir, monkeypatch, many):
    data = many.read_bytes()
    for folder, name in (("a", b"swift  "), ("b", b"johnson")):
        (workdir / folder).mkdir()
        # The card is JSON, where blanks behind a string's end do no harm.
        new = data.replace(
            b'"name": "johnson"', b'"name": "' + name.strip() + b'"' + b" " * name.count(b" ")
        )
        (workdir / folder / "gallery.onnx").write_bytes(new)
    monkeypatch.setenv("FASTNST_STYLES", f"{workdir / 'a'}:{workdir / 'b'}")
    assert find_style("alpha") == workdir / "b" / "gallery.onnx"
    assert find_style("alpha", fast=True) == workdir / "a" / "gallery.onnx"


def test_a_blend_is_found_in_the_file_that_has_all_of_it(workdir, monkeypatch, many, negative):
    (workdir / "a").mkdir()
    for name, source in (("alpha", negative), ("many", many)):
        (workdir / "a" / f"{name}.onnx").write_bytes(source.read_bytes())
    monkeypatch.setenv("FASTNST_STYLES", str(workdir / "a"))
    assert find_style("alpha") == workdir / "a" / "alpha.onnx"
    assert find_style("alpha:0.6, beta:0.4") == workdir / "a" / "many.onnx"
    with pytest.raises(UnknownStyle, match=r"There is no style 'bta'\. Did you mean 'beta'\?"):
        find_style("alpha,bta")
    with pytest.raises(UnknownStyle, match=r"No file has all of beta, starry-night\. Blend styles"):
        (workdir / "a" / "starry-night.onnx").write_bytes(negative.read_bytes())
        find_style("beta,starry-night")


def test_what_is_no_folder_of_styles_is_named(workdir, monkeypatch):
    (workdir / "mine").mkdir()
    monkeypatch.setenv("FASTNST_STYLES", f"{workdir / 'mine'}{os.pathsep}gone")
    with pytest.raises(FastnstError, match=r"\$FASTNST_STYLES names gone, which is no folder\."):
        list_styles()


def test_capitals_make_no_difference(workdir, monkeypatch, many):
    monkeypatch.setenv("FASTNST_STYLES", str(many.parent))
    assert find_style("ALPHA") == find_style("alpha") == many
    assert find_style("Beta:0.2,Alpha:0.8") == many


def test_the_gallery_is_the_bundled_file_of_most_styles(workdir, monkeypatch, many):
    shutil.copy(many, workdir / "many.onnx")
    monkeypatch.setenv("FASTNST_STYLES", str(workdir))
    assert find_gallery(fast=True) == list_styles(fast=True)["the-scream"]
    assert find_gallery() == list_styles()["the-scream"]
    monkeypatch.setattr(registry, "bundled", lambda folder: workdir / folder)
    with pytest.raises(UnknownStyle, match="The gallery of styles is missing"):
        find_gallery()
