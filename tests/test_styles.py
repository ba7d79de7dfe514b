import json
from pathlib import Path

import pytest

from fastnst.errors import BadStyleFile, UnknownStyle
from fastnst.styles.card import Credit, StyleCard
from fastnst.styles.onnx_metadata import read_card
from fastnst.styles.registry import find_style, list_styles

CARD = StyleCard(
    name="a",
    styles=(Credit("Title", "Artist", 1889, "public domain"),),
    net={"name": "johnson", "width": 4, "blocks": 1, "styles": 1},
    multiple_of=4,
    minimum=16,
    loss={"style_weight": 5.0},
    steps=7,
    training_set="photos",
    fastnst="0.1.0",
)


def test_a_card_survives_json():
    assert StyleCard.from_json(CARD.to_json(), Path("a.onnx")) == CARD


def test_a_card_ignores_facts_it_does_not_know():
    values = json.loads(CARD.to_json()) | {"mood": "blue"}
    assert StyleCard.from_json(json.dumps(values), Path("a.onnx")) == CARD


def test_a_card_of_a_later_format_says_to_update():
    values = json.loads(CARD.to_json()) | {"format": 99, "fastnst": "9.0"}
    with pytest.raises(
        BadStyleFile, match=r"written by fastnst 9\.0, in a later format.*pip install"
    ):
        StyleCard.from_json(json.dumps(values), Path("a.onnx"))


@pytest.mark.parametrize("fact", [{"multiple_of": 0}, {"minimum": "x"}, {"net": {}}, {"net": None}])
def test_impossible_facts_are_refused(fact):
    values = json.loads(CARD.to_json()) | fact
    with pytest.raises(BadStyleFile, match=r"The style card in a\.onnx is damaged"):
        StyleCard.from_json(json.dumps(values), Path("a.onnx"))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', '{"format": 1, "styles": 3}'])
def test_a_damaged_card_is_named(text):
    with pytest.raises(BadStyleFile, match=r"The style card in a\.onnx is damaged"):
        StyleCard.from_json(text, Path("a.onnx"))


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


def test_a_card_is_read_without_the_net(many, negative, zoo, tmp_path):
    card = read_card(many)
    assert [style.name for style in card.styles] == ["alpha", "beta"]
    assert (card.strokes, card.identity, card.rows) == ((1.0, 2.0), True, 5)
    assert read_card(negative).name == "negative"
    assert read_card(zoo) is None
    assert read_card(tmp_path / "gone.onnx") is None


def test_a_file_cut_anywhere_or_of_noise_has_a_card_or_none(many, tmp_path):
    data = many.read_bytes()
    path = tmp_path / "a.onnx"
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        assert read_card(path) is None or end > len(data) - 7
    path.write_bytes(b"\xff" * 1000)
    assert read_card(path) is None


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
