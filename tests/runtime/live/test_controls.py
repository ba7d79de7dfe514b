import pytest

from fastnst.runtime.live.controls import Controls, named
from fastnst.styles.mix import StyleMix


class TestControls:
    def controls(self, **options):
        return Controls(["a", "b", "c"], StyleMix("a", stroke=0.0), **options)

    def test_styles_go_round(self):
        now = self.controls()
        seen = []
        for key in ("right", "right", "right", "left", "left", "2", "9", "0"):
            now.press(key)
            seen.append(now.mix.style)
        assert seen == ["b", "c", "a", "c", "b", "b", "b", "b"]

    @pytest.mark.parametrize("key", ["left", "right"])
    def test_from_a_blend_the_first_style_is_next(self, key):
        now = Controls(["a", "b", "c"], StyleMix("a:0.5,b:0.5"))
        now.press(key)
        assert now.mix.style == "a"

    def test_strength_and_stroke_stay_in_their_ranges(self):
        now = self.controls()
        for _ in range(13):
            now.press("down")
        assert now.mix.strength == 0
        now.press("up")
        assert now.mix.strength == 0.1
        for _ in range(9):
            now.press("+")
        assert now.mix.stroke == 1
        now.press("-")
        assert now.mix.stroke == 0.75

    def test_a_net_that_has_none_of_it_says_so(self):
        now = self.controls(strengths=False, strokes=False)
        now.press("down")
        assert (now.mix.strength, now.message) == (1.0, "one strength")
        now.press("+")
        assert (now.mix.stroke, now.message) == (0.0, "one stroke")

    def test_switches_and_what_is_for_others(self):
        now = self.controls()
        for key, name in (("s", "beside"), ("m", "mirror"), ("f", "full"), ("h", "help")):
            assert now.press(key) == ""
            assert getattr(now, name)
            now.press(key)
            assert not getattr(now, name)
        assert now.press("r") == "record"
        assert now.press(" ") == "snapshot"
        assert not now.quit
        now.press("q")
        assert now.quit

    @pytest.mark.parametrize(
        ("code", "key"),
        [
            (-1, ""), (65363, "right"), (2424832, "left"), (63232, "up"), (65364, "down"),
            (27, "q"), (ord("Q"), "q"), (ord("7"), "7"), (32, " "), (ord("="), "+"), (ord("?"), "h"),
            (0x100000 | ord("s"), "s"), (65505, ""), (0, ""),
        ],
    )  # fmt: skip
    def test_keys_are_named_on_every_system(self, code, key):
        assert named(code) == key
