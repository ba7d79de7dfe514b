import numpy as np
import pytest

from fastnst import Stylizer
from fastnst.errors import FastnstError, UnknownStyle
from fastnst.images.read import read_image

GREY = np.full((20, 24, 3), 40, np.uint8)


def level(many, **options) -> int:
    """What grey of 40 becomes."""
    painted = Stylizer(many, **options)(GREY)
    assert painted.shape == GREY.shape
    assert painted.min() == painted.max()
    return int(painted[0, 0, 0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 215),
        ({"blend": "alpha"}, 215),
        ({"blend": "beta"}, 110),
        ({"blend": "alpha", "stroke": "bold"}, 180),
        ({"blend": "alpha", "stroke": 0.5}, 198),
        ({"blend": "beta", "stroke": 1}, 70),
        ({"blend": "alpha:3,beta:1"}, 189),
        ({"blend": {"alpha": 3, "beta": 1}}, 189),
        ({"blend": "alpha,beta"}, 162),
        ({"strength": 0}, 40),
        ({"strength": 0.5}, 128),
        ({"blend": "beta", "strength": 0.5, "stroke": "bold"}, 55),
    ],
)
def test_rows_are_mixed_as_asked(many, options, expected):
    assert level(many, **options) == expected


def test_a_call_can_ask_for_another_mixture_and_leaves_the_first_as_it_was(many):
    stylizer = Stylizer(many, blend="beta", stroke="bold")
    assert stylizer(GREY)[0, 0, 0] == 70
    assert stylizer(GREY, style="alpha")[0, 0, 0] == 180
    assert stylizer(GREY, stroke="fine")[0, 0, 0] == 110
    assert stylizer(GREY, strength=0)[0, 0, 0] == 40
    assert stylizer(GREY)[0, 0, 0] == 70


def test_a_blend_of_1_to_0_is_the_style_to_the_bit(many, astronaut):
    photo = np.asarray(read_image(astronaut).resize((48, 40)))
    assert np.array_equal(
        Stylizer(many, blend="alpha:1,beta:0")(photo), Stylizer(many, blend="alpha")(photo)
    )


def test_the_styles_of_a_file_go_by_their_own_names(many, workdir, monkeypatch):
    monkeypatch.setenv("FASTNST_STYLES", str(many.parent))
    assert Stylizer("beta").path == many
    assert level("beta") == 110
    assert level("alpha:1,beta:1") == 162
    assert Stylizer("alpha:2,beta:1").name == "alpha-beta"
    assert Stylizer(many).styles == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"blend": "alpha:-1"}, r"The share of alpha is -1\. It must be 0 or more"),
        ({"blend": "alpha:nan"}, r"The share of alpha is nan\. It must be 0 or more"),
        ({"blend": "alpha:much"}, r"The share of alpha is 'much'\. Write a blend as a:0\.6,b:0\.4"),
        (
            {"blend": "alpha:0,beta:0"},
            r"The shares of alpha and beta sum to 0\. Give one that is above 0",
        ),
        ({"blend": {}}, r"The shares of no style sum to 0"),
        ({"strength": 1.1}, r"The strength is 1\.1\. It is 0, the photo, to 1"),
        ({"strength": -0.1}, r"The strength is -0\.1\."),
        ({"strength": float("nan")}, r"The strength is nan\."),
        ({"stroke": 2}, r"The stroke is 2\. It is fine, medium, bold, or a number from 0 to 1"),
        ({"stroke": "huge"}, r"The stroke is huge\."),
    ],
)
def test_what_is_out_of_range_is_named(many, options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        Stylizer(many, **options)
    with pytest.raises(FastnstError, match=sentence):
        names = {"blend": "style"}
        Stylizer(many)(GREY, **{names.get(key, key): value for key, value in options.items()})


def test_a_style_that_the_file_does_not_have_gets_the_nearest_name(many):
    with pytest.raises(
        UnknownStyle, match=r"many\.onnx has no style 'alpa'\. Did you mean 'alpha'\?"
    ):
        Stylizer(many, blend="alpa")


def test_a_file_of_one_style_has_one_stroke_and_one_strength(negative):
    with pytest.raises(FastnstError, match=r"negative\.onnx has one size of stroke\. Leave out"):
        Stylizer(negative, stroke="bold")
    with pytest.raises(FastnstError, match=r"negative\.onnx has one strength\. Leave out"):
        Stylizer(negative)(GREY, strength=0.5)
