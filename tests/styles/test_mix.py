import pickle
from pathlib import Path

import numpy as np
import pytest

from fastnst import StyleMix, Stylizer
from fastnst.errors import FastnstError, UnknownStyle
from fastnst.images.read import read_image
from fastnst.styles.card import PaintingCredit, StyleCard
from fastnst.styles.mix import STATISTICS, collage, parse_blend

GREY = np.full((20, 24, 3), 40, np.uint8)


def level(many, **options) -> int:
    """Value that grey of 40 becomes."""
    painted = Stylizer(model=many, **options)(GREY)
    assert painted.shape == GREY.shape
    assert painted.min() == painted.max()
    return int(painted[0, 0, 0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 215),
        ({"style": "alpha"}, 215),
        ({"style": "beta"}, 110),
        ({"style": "alpha", "stroke": "bold"}, 180),
        ({"style": "alpha", "stroke": 0.5}, 198),
        ({"style": "beta", "stroke": 1}, 70),
        ({"style": "alpha:3,beta:1"}, 189),
        ({"style": {"alpha": 3, "beta": 1}}, 189),
        ({"style": "alpha,beta"}, 162),
        ({"strength": 0}, 40),
        ({"strength": 0.5}, 128),
        ({"style": "beta", "strength": 0.5, "stroke": "bold"}, 55),
    ],
)
def test_rows_are_mixed_as_asked(many, options, expected):
    assert level(many, **options) == expected


def test_a_call_can_ask_for_another_mixture_and_leaves_the_first_as_it_was(many):
    stylizer = Stylizer("beta", many, stroke="bold")
    assert stylizer(GREY)[0, 0, 0] == 70
    assert stylizer(GREY, style="alpha")[0, 0, 0] == 180
    assert stylizer(GREY, stroke="fine")[0, 0, 0] == 110
    assert stylizer(GREY, strength=0)[0, 0, 0] == 40
    assert stylizer(GREY)[0, 0, 0] == 70


def test_a_blend_of_1_to_0_is_the_style_to_the_bit(many, astronaut):
    photo = np.asarray(read_image(astronaut).resize((48, 40)))
    assert np.array_equal(Stylizer("alpha:1,beta:0", many)(photo), Stylizer("alpha", many)(photo))


def test_the_styles_of_a_file_go_by_their_own_names(many, workdir, monkeypatch):
    monkeypatch.setenv("FASTNST_STYLES", str(many.parent))
    assert Stylizer("beta").path == many
    assert Stylizer("beta")(GREY)[0, 0, 0] == 110
    assert Stylizer("alpha:1,beta:1")(GREY)[0, 0, 0] == 162
    assert Stylizer("alpha:2,beta:1").name == "alpha-beta"
    assert Stylizer(many).styles == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"style": "alpha:-1"}, r"The share of alpha is -1\. It must be 0 or more"),
        ({"style": "alpha:nan"}, r"The share of alpha is nan\. It must be 0 or more"),
        ({"style": "alpha:much"}, r"The share of alpha is 'much'\. Write a blend as a:0\.6,b:0\.4"),
        (
            {"style": "alpha:0,beta:0"},
            r"The shares of alpha and beta sum to 0\. Give one that is above 0",
        ),
        ({"style": {}}, r"The shares of no style sum to 0"),
        ({"strength": 1.1}, r"The strength is 1\.1\. It is 0, the photo, to 1"),
        ({"strength": -0.1}, r"The strength is -0\.1\."),
        ({"strength": float("nan")}, r"The strength is nan\."),
        ({"stroke": 2}, r"The stroke is 2\. It is fine, medium, bold, or a number from 0 to 1"),
        ({"stroke": "huge"}, r"The stroke is huge\."),
    ],
)
def test_what_is_out_of_range_is_named(many, options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        Stylizer(model=many, **options)
    with pytest.raises(FastnstError, match=sentence):
        Stylizer(many)(GREY, **options)


def test_a_style_that_the_file_does_not_have_gets_the_nearest_name(many):
    with pytest.raises(
        UnknownStyle, match=r"many\.onnx has no style 'alpa'\. Did you mean 'alpha'\?"
    ):
        Stylizer("alpa", many)


def test_a_file_of_one_style_has_one_stroke_and_one_strength(negative):
    with pytest.raises(FastnstError, match=r"negative\.onnx has one size of stroke\. Leave out"):
        Stylizer(negative, stroke="bold")
    with pytest.raises(FastnstError, match=r"negative\.onnx has one strength\. Leave out"):
        Stylizer(negative)(GREY, strength=0.5)


def test_a_mix_can_be_compared_hashed_and_pickled_with_its_blend_as_text():
    mix = StyleMix({"alpha": 3, "beta": 0.1}, 0.5, stroke="bold")
    assert mix.style == "alpha:3.0,beta:0.1"
    assert {mix: 1}[StyleMix("alpha:3.0,beta:0.1", 0.5, stroke="bold")] == 1
    assert pickle.loads(pickle.dumps(mix)) == mix


def test_a_changed_mix_keeps_what_is_not_given():
    mix = StyleMix("alpha", 0.5, stroke="bold")
    assert mix.changed() is mix
    assert mix.changed("beta") == StyleMix("beta", 0.5, stroke="bold")
    assert mix.changed(strength=0.0) == StyleMix("alpha", 0.0, stroke="bold")
    assert mix.changed(stroke=0.0) == StyleMix("alpha", 0.5, stroke=0.0)
    # A whole mix takes the place of all three.
    assert mix.changed(StyleMix("beta")) == StyleMix("beta")
    assert mix.changed(StyleMix("beta"), 0.2) == StyleMix("beta", 0.2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"style": "a:x"}, "The share of a is 'x'"),
        ({"style": {"a": -1}}, "The share of a is -1"),
        ({"style": {"a": None}}, r"The share of a is None\. Write a blend as a:0\.6,b:0\.4"),
        ({"style": 3}, r"3 is no style\. Give the name of one, or a blend as a:0\.6,b:0\.4"),
        ({"style": ["a"]}, r"\['a'\] is no style"),
        ({"strength": 2}, "The strength is 2"),
        ({"stroke": "huge"}, "The stroke is huge"),
    ],
)
def test_a_mix_out_of_range_is_refused_when_it_is_made(options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        StyleMix(**options)


def test_capitals_and_repeated_names_add_up():
    assert parse_blend("Alpha:1,alpha:1,beta:2", ["alpha", "beta"]) == {"alpha": 0.5, "beta": 0.5}


def no_painting(name: str) -> np.ndarray:
    raise AssertionError(f"no painting was asked for, but {name} is")


def levels_card(**options) -> StyleCard:
    net = {"name": "unet", "styles": 7, "levels": 3, "identity": True}
    return StyleCard(
        "a",
        (PaintingCredit(name="one"), PaintingCredit(name="two")),
        net,
        8,
        32,
        base=200,
        **options,
    )


def test_a_net_of_levels_has_a_row_of_each_style_for_each_and_a_size_for_each_stroke():
    of = StyleMix("one:1,two:3", 0.8).for_net(Path("a.onnx"), levels_card(), no_painting)
    rows = np.zeros((3, 7))
    for level in range(3):
        rows[level, level], rows[level, 3 + level], rows[level, 6] = 0.2, 0.6, 0.2
    assert np.abs(of.rows - rows).max() < 1e-6
    assert np.array_equal(of.at(2), of.at(9))
    assert of.base == 200
    for stroke, base in (("fine", 320), ("medium", 200), ("bold", 125)):
        size = (
            StyleMix("one", stroke=stroke).for_net(Path("a.onnx"), levels_card(), no_painting).base
        )
        assert size == pytest.approx(base)


def any_card() -> StyleCard:
    net = {"name": "unet", "styles": 7, "levels": 2, "identity": True, "predicted": 2}
    return StyleCard(
        "a", (PaintingCredit(name="one"), PaintingCredit(name="two")), net, 8, 32, base=200
    )


def described(name: str) -> np.ndarray:
    return np.full(STATISTICS, {"p.jpg": 3.0, "q.jpg": 5.0}[Path(name).name], np.float32)


def test_a_painting_has_the_predicted_rows_and_its_statistics():
    style = StyleMix("p.jpg:3,two", 0.8).for_net(Path("a.onnx"), any_card(), described)
    rows = np.zeros((2, 7))
    for level in range(2):
        rows[level, 2 + level], rows[level, 4 + level], rows[level, 6] = 0.2, 0.6, 0.2
    assert np.abs(style.rows - rows).max() < 1e-6
    assert np.array_equal(style.statistics, described("p.jpg"))
    assert np.array_equal(style.at(1), np.concatenate([style.rows[1], style.statistics]))


def test_a_painting_with_no_share_changes_nothing():
    alone = StyleMix("p.jpg").for_net(Path("a.onnx"), any_card(), described)
    with_others = StyleMix("p.jpg:1,q.jpg:0,two:0").for_net(Path("a.onnx"), any_card(), described)
    assert np.array_equal(alone.rows, with_others.rows)
    assert np.array_equal(alone.statistics, with_others.statistics)
    plain = StyleMix("one").for_net(Path("a.onnx"), any_card(), no_painting)
    assert not plain.statistics.any()


def test_a_collage_has_the_moments_of_both_paintings():
    rng = np.random.default_rng(0)
    a, b = rng.normal(4, 1, (960, 300)), rng.normal(2, 3, (960, 100))
    of = [
        np.concatenate([part.mean(1), part.std(1)]).astype(np.float32)
        for part in (a, b, np.concatenate([a, b], 1))
    ]
    np.testing.assert_allclose(collage(of[:2], [3, 1]), of[2], rtol=1e-4)


def test_a_file_without_a_predictor_refuses_a_painting():
    with pytest.raises(FastnstError, match=r"^a\.onnx can't paint in the style of any painting\."):
        StyleMix("p.jpg").for_net(Path("a.onnx"), levels_card(), described)


def test_a_mix_that_leaves_its_folder_keeps_its_paintings(workdir):
    mix = StyleMix("p.jpg:0.5,one:0.5", 0.3)
    assert mix.absolute() == StyleMix({str(workdir / "p.jpg"): 0.5, "one": 0.5}, 0.3)
    assert StyleMix("one").absolute() == StyleMix("one")


def test_the_path_of_a_painting_may_have_commas(workdir):
    (workdir / "a, b.jpg").write_bytes(b"")
    mix = StyleMix("a, b.jpg").absolute()
    assert mix.style == str(workdir / "a, b.jpg")
    assert mix.shares([]) == {mix.style: 1.0}
    assert StyleMix({"a, b.jpg": 2.0}).style == "a, b.jpg"
