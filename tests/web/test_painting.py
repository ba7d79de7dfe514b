"""Choices of visitors, painted as the command line paints it."""

import shutil

import numpy as np
import pytest
from clips import make
from PIL import Image

from fastnst.errors import FastnstError, UnknownStyle
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.options import VideoOptions
from fastnst.styles.mix import StyleMix
from fastnst.web.limits import Limits
from fastnst.web.painting import (
    Choice,
    add_painting,
    paint_photo,
    paint_video,
    paints_like_any,
    small_copy,
)
from fastnst.web.sessions import Session

pytestmark = pytest.mark.slow


@pytest.fixture
def session(tmp_path):
    return Session(tmp_path / "session")


@pytest.fixture
def photo(tmp_path, astronaut):
    with Image.open(astronaut) as image:
        image.resize((96, 80)).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


@pytest.mark.parametrize(
    ("choice", "mix", "name"),
    [
        (Choice("udnie"), StyleMix("udnie"), "photo-udnie.jpg"),
        (Choice("udnie", strength=0.6, stroke=0.25), StyleMix("udnie", 0.6, stroke=0.25), "photo-udnie-0.6-stroke-0.25.jpg"),
        (Choice("udnie", "the-kiss", 0.25), StyleMix("udnie:0.75,the-kiss:0.25"), "photo-udnie-0.75-the-kiss-0.25.jpg"),
        (Choice("udnie", "the-kiss", 0), StyleMix("udnie"), "photo-udnie.jpg"),
        (Choice("udnie", "the-kiss", 1), StyleMix("the-kiss"), "photo-the-kiss.jpg"),
        (Choice("udnie", "udnie", 0.5), StyleMix("udnie"), "photo-udnie.jpg"),
    ],
)  # fmt: skip
def test_a_photo_has_the_bytes_and_the_name_of_the_command_lines(
    session, photo, workdir, choice, mix, name
):
    result = paint_photo(photo, choice, session, Limits(), "cpu")
    assert result.output == photo.with_name(name)
    stylize([photo], "other.jpg", style=mix, device="cpu")
    assert result.output.read_bytes() == (workdir / "other.jpg").read_bytes()


def test_colours_and_a_mask_are_the_command_lines_too(session, photo, workdir):
    Image.fromarray(np.tile(np.arange(96, dtype=np.uint8) * 2, (80, 1))).save("mask.png")
    choice = Choice("udnie", keep_color="palette")
    result = paint_photo(photo, choice, session, Limits(), "cpu", mask=workdir / "mask.png")
    options = PhotoOptions(keep_color="palette", masks=["mask.png"])
    stylize([photo], "other.jpg", style="udnie", photo_options=options, device="cpu")
    assert result.output.read_bytes() == (workdir / "other.jpg").read_bytes()


def test_a_visitors_own_style_has_a_name_and_is_not_mixed(session, photo, negative):
    session.styles["mine"] = negative
    result = paint_photo(photo, Choice("mine"), session, Limits(), "cpu")
    with Image.open(photo) as before, Image.open(result.output) as after:
        assert np.abs(255 - np.asarray(before, int) - np.asarray(after)).mean() < 2
    with pytest.raises(FastnstError, match="mine is a net of its own, and can't be mixed"):
        Choice("mine", "udnie").stylizer(session, "cpu")
    with pytest.raises(UnknownStyle, match="mine"):
        Choice("mine").stylizer(Session(session.folder / "other"), "cpu")


def test_any_painting_is_a_style_and_is_mixed(session, photo, any_painting, astronaut, workdir):
    assert paints_like_any()
    upload = workdir / "upload" / "astronaut.jpg"
    upload.parent.mkdir()
    shutil.copy(astronaut, upload)
    assert add_painting(upload, session, Limits()) == "astronaut"
    shutil.copy(astronaut, upload)
    assert add_painting(upload, session, Limits()) == "astronaut-2"
    result = paint_photo(photo, Choice("astronaut"), session, Limits(), "cpu")
    assert result.output.name == "photo-astronaut.jpg"
    stylize([photo], "other.jpg", style=astronaut, device="cpu")
    assert result.output.read_bytes() == (workdir / "other.jpg").read_bytes()
    result = paint_photo(photo, Choice("astronaut", "one", 0.25), session, Limits(), "cpu")
    assert result.output.name == "photo-astronaut-0.75-one-0.25.jpg"
    stylize([photo], "other.jpg", style=StyleMix(f"{astronaut}:0.75,one:0.25"), device="cpu")
    assert result.output.read_bytes() == (workdir / "other.jpg").read_bytes()
    stylizer = Choice("astronaut").for_frames(session, "cpu", 2)
    assert stylizer(np.zeros((32, 32, 3), np.uint8)).shape == (32, 32, 3)


def test_what_is_no_painting_is_refused(session, tmp_path):
    Image.new("RGB", (100, 100), "red").save(tmp_path / "red.png")
    with pytest.raises(FastnstError, match="has one colour all over"):
        add_painting(tmp_path / "red.png", session, Limits())
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(FastnstError, match="is not a picture"):
        add_painting(tmp_path / "page.jpg", session, Limits())
    assert session.styles == {}


def test_what_can_not_be_painted_is_said(session, photo):
    with pytest.raises(FastnstError, match="No style is chosen"):
        paint_photo(photo, Choice(""), session, Limits(), "cpu")
    with pytest.raises(FastnstError, match="The strength is 7"):
        paint_photo(photo, Choice("udnie", strength=7), session, Limits(), "cpu")
    with pytest.raises(FastnstError, match="more than 0.001 megapixels"):
        paint_photo(photo, Choice("udnie"), session, Limits(megapixels=0.001), "cpu")


@pytest.mark.parametrize(
    "name", ["udni", "udnie:0.5,the-kiss:0.5", "/etc/passwd", "tests/assets/negative.onnx", "x.jpg"]
)
def test_only_names_of_styles_are_styles(session, photo, name):
    for choice in (Choice(name), Choice("udnie", name, 0.5)):
        with pytest.raises(UnknownStyle, match="There is no style"):
            choice.stylizer(session, "cpu")
        with pytest.raises(UnknownStyle, match="There is no style"):
            choice.for_frames(session, "cpu", 1)


def test_choices_of_one_file_share_its_net(session):
    one, other = (
        Choice("udnie", strength=strength).stylizer(session, "cpu") for strength in (1, 0.5)
    )
    assert one.net is other.net
    assert (one.mix.strength, other.mix.strength) == (1, 0.5)


def test_a_small_copy_is_no_larger_than_the_photo(photo, astronaut):
    assert small_copy(photo, Limits(), 200).size == (96, 80)
    assert small_copy(astronaut, Limits(), 100).size == (100, 100)


@pytest.mark.slow
def test_a_video_is_the_command_lines_and_can_be_stopped(session, tmp_path, workdir):
    clip = make(tmp_path / "clip.mp4", sound=True)
    shares = []
    result = paint_video(
        clip, Choice("udnie"), session, Limits(), "cpu", options=VideoOptions(), stop=lambda: False,
        on_share=lambda share, note: shares.append(share),
    )  # fmt: skip
    stylize([clip], "other.mp4", style="udnie", device="cpu")
    assert result.output == tmp_path / "clip-udnie.mp4"
    assert result.output.read_bytes() == (workdir / "other.mp4").read_bytes()
    assert (result.frames, len(shares)) == (12, 12)
    result = paint_video(
        clip, Choice("udnie"), session, Limits(), "cpu", options=VideoOptions(), stop=lambda: len(shares) > 14,
        on_share=lambda share, note: shares.append(share),
    )  # fmt: skip
    assert result.stopped
    assert 3 <= result.frames < 12
