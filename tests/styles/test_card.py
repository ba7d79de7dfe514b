import json
from pathlib import Path

import pytest

from fastnst.errors import BadStyleFile
from fastnst.styles.card import PaintingCredit, StyleCard

CARD = StyleCard(
    name="a",
    styles=(PaintingCredit(title="Title", artist="Artist", year=1889, licence="public domain"),),
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


@pytest.mark.parametrize("of", [lambda found: found, lambda found: {"grid": found, "steps": 7}])
def test_an_evaluation_of_earlier_versions_has_the_names_of_today(of):
    earlier, now = (
        of({"style": "a", "sizes": [{"size": 256, name: 1.5}], "steps": 7})
        for name in ("grid", "checkerboard")
    )
    text = json.dumps(json.loads(CARD.to_json()) | {"evaluation": earlier})
    assert StyleCard.from_json(text, Path("a.onnx")).evaluation == now


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
