from collections import Counter

import pytest

from fastnst import StyleMix
from fastnst.errors import FastnstError
from fastnst.styles.draw import StyleDraws, content_key, parse_range
from fastnst.styles.mix import parse_blend

KEYS = [number.to_bytes(2) for number in range(3000)]


def test_what_is_drawn_is_kept_from_version_to_version():
    draws = StyleDraws(("a", "b", "c"), True, (0.3, 1.0), (0.0, 1.0), share=1.0, seed=7)
    drawn = [draws.draw(key, epoch) for key, epoch in ((b"x", 0), (b"x", 1), (b"y", 0))]
    assert drawn == [
        (0, StyleMix("a", 0.763, stroke=0.97)),
        (1, StyleMix("b:0.39,c:0.6,a:0.01", 0.362, stroke=0.76)),
        (0, StyleMix("a", 0.437, stroke=0.2)),
    ]


def test_seed_key_and_epoch_alone_decide():
    one, other = StyleDraws(("a", "b"), seed=1), StyleDraws(("a", "b"), seed=2)
    drawn = {key: one.draw(key) for key in KEYS}
    assert {key: one.draw(key) for key in reversed(KEYS)} == drawn
    for different in (
        {key: other.draw(key) for key in KEYS},
        {key: one.draw(key, 1) for key in KEYS},
    ):
        same = sum(different[key] == drawn[key] for key in KEYS)
        assert same < 0.3 * len(KEYS)  # Of two halves that stay as they are, a quarter is in both.


def test_strengths_strokes_and_shares_fill_their_ranges():
    draws = StyleDraws(("a", "b", "c"), False, (0.3, 1.0), (0.2, 0.6), share=0.25)
    drawn = [found for key in KEYS if (found := draws.draw(key))]
    assert 0.22 < len(drawn) / len(KEYS) < 0.28
    strengths = sorted(mix.strength for _, mix in drawn)
    strokes = sorted(mix.stroke for _, mix in drawn)
    assert 0.3 <= strengths[0] < 0.32 < 0.98 < strengths[-1] <= 1
    assert 0.2 <= strokes[0] < 0.22 < 0.58 < strokes[-1] <= 0.6
    assert all(mix.style == "abc"[number] for number, mix in drawn)
    counts = Counter(mix.style for _, mix in drawn)
    assert min(counts.values()) > 0.8 * len(drawn) / 3


def test_the_share_changes_no_style():
    few, all_ = (StyleDraws(("a", "b"), share=share) for share in (0.3, 1.0))
    assert all(few.draw(key) in (None, all_.draw(key)) for key in KEYS)


def test_blends_hold_one_to_three_styles_of_all_shares():
    draws = StyleDraws(tuple("abcdefgh"), True, share=1.0)
    blends = [parse_blend(mix.style) for _, mix in map(draws.draw, KEYS)]
    sizes = Counter(map(len, blends))
    assert sizes.keys() == {1, 2, 3}
    assert min(sizes.values()) > 0.9 * len(KEYS) / 3
    assert len({tuple(blend.items()) for blend in blends}) > 0.6 * len(KEYS)
    assert all(share > 0 for blend in blends for share in blend.values())


def test_content_has_a_key_of_its_shape_too():
    assert content_key((2, 3), bytes(6)) != content_key((3, 2), bytes(6))
    assert content_key((2, 3), bytes(6)) == content_key([2, 3], memoryview(bytes(6)))


def test_ranges_are_read():
    assert (parse_range("0.7", "strength"), parse_range("0.3:1", "strength")) == (0.7, (0.3, 1.0))


@pytest.mark.parametrize(
    "text", ["", "a", "0.1:", "0.1:0.2:0.3", "1.2", "-0.1:1", "0.9:0.3", "nan"]
)
def test_what_is_no_range_is_said(text):
    with pytest.raises(FastnstError, match=r"The strength is .* a range such as 0\.3:1"):
        parse_range(text, "strength")


def test_impossible_rules_are_refused():
    with pytest.raises(FastnstError, match="No style was given"):
        StyleDraws(())
    with pytest.raises(FastnstError, match=r"The share of the images that are painted is 2\."):
        StyleDraws(("a",), share=2)
    with pytest.raises(FastnstError, match=r"The stroke is 0\.8:0\.2"):
        StyleDraws(("a",), stroke=(0.8, 0.2))
