import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.runtime.batch.outputs import style_in_file_name
from fastnst.runtime.batch.stylize import stylize


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "many"),
        ({"style": "alpha"}, "alpha"),
        ({"style": "ALPHA"}, "alpha"),
        ({"style": "alpha:1,beta:3", "strength": 0.7}, "alpha-0.25-beta-0.75-0.7"),
        ({"style": "beta", "stroke": "bold"}, "beta-bold"),
        ({"style": "beta", "stroke": 1}, "beta-bold"),
        ({"style": "beta", "stroke": 0.25, "strength": 0}, "beta-0-stroke-0.25"),
        ({"style": "beta", "stroke": 0, "strength": 1}, "beta"),
    ],
)
def test_names_have_what_is_not_as_usual(many, options, part):
    assert style_in_file_name(Stylizer(**options, model=many)) == part


def test_two_strengths_are_two_files(workdir, many):
    Image.new("RGB", (32, 32), (200, 100, 0)).save("a.png")
    for strength in (1.0, 0.5):
        stylizer = Stylizer("alpha", many, strength=strength)
        (result,) = stylize(["a.png"], style=stylizer)
        assert not result.error
    colors = [Image.open(name).getpixel((9, 9)) for name in ("a-alpha.png", "a-alpha-0.5.png")]
    assert colors[0] != colors[1]


def test_a_file_that_is_there_is_replaced_only_if_it_is_named_or_that_is_asked_for(
    workdir, negative
):
    Image.new("RGB", (32, 32), "red").save("a.png")
    painted = np.full((32, 32, 3), (0, 255, 255), np.uint8)

    def content(name):
        with Image.open(name) as image:
            return np.asarray(image)

    for output, name in ((None, "a-negative.png"), ("out", "out/a.png")):
        (workdir / "out").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), "white").save(name)
        (result,) = stylize(["a.png"], output, style=negative)
        assert result.error == (
            f"{name} is there already. Say --overwrite to replace it, --skip-existing to keep it,"
            " or give another output with -o."
        )
        assert content(name).min() == 255
        (result,) = stylize(["a.png"], output, style=negative, skip_existing=True)
        assert result.skipped
        (result,) = stylize(["a.png"], output, style=negative, overwrite=True)
        assert not result.error
        assert np.array_equal(content(name), painted)
    Image.new("RGB", (32, 32), "white").save("named.png")
    (result,) = stylize(["a.png"], "named.png", style=negative)
    assert not result.error
    assert np.array_equal(content("named.png"), painted)
