import numpy as np
import pytest
import torch

from fastnst.errors import FastnstError
from fastnst.training.paintings import NO_PAINTING, Painting
from fastnst.training.styles import Draw, TrainingStyles

A, B = Painting("a.png", weight=2.0), Painting("b.png", weight=0.5)
CPU = torch.device("cpu")


def styles(*paintings, strokes=None, identity=None, levels=1):
    return TrainingStyles.of(NO_PAINTING, paintings, strokes, identity, levels)


def test_several_paintings_have_an_identity_row_and_two_strokes_unless_the_net_has_levels():
    one, two, levels = styles(A), styles(A, B), styles(A, B, levels=3)
    assert (one.strokes, one.identity, one.count, one.rows) == ((1.0,), False, 1, 1)
    assert (two.strokes, two.identity, two.count, two.rows) == ((1.0, 1.75), True, 4, 5)
    assert (levels.strokes, levels.identity, levels.count, levels.rows) == ((1.0,), True, 2, 7)
    assert styles(A, B, identity=False, strokes=[2.0]).rows == 2


def test_a_painting_alone_is_the_only_one():
    assert TrainingStyles.of(A, (), None, None, 1).paintings == [A]


@pytest.mark.parametrize(
    ("paintings", "options", "sentence"),
    [
        ([], {}, r"^No painting was given\. Say: fastnst train PAINTING"),
        ([A, A], {}, r"^Two paintings have the name a\."),
        ([A], {"strokes": [2, 1]}, r"^strokes are \[2, 1\]\. They must rise from above 0\.$"),
        ([A], {"strokes": [0, 1]}, r"^strokes are \[0, 1\]\."),
        ([A], {"strokes": [1], "levels": 2}, r"^strokes are \[1\], and the net has 2 levels\. Leave"),
    ],
)  # fmt: skip
def test_what_can_not_be_learnt_is_one_sentence(paintings, options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        styles(*paintings, **options)


def test_a_batch_has_any_style_and_three_in_four_at_full_strength():
    draw = styles(A, B).draw(np.random.default_rng(0), 4000, CPU)
    assert torch.bincount(draw.styles).tolist() == pytest.approx([1000] * 4, rel=0.1)
    assert (draw.strengths == 1).float().mean() == pytest.approx(0.75, abs=0.02)
    assert draw.strengths[draw.strengths < 1].mean() == pytest.approx(0.5, abs=0.03)
    assert styles(A).draw(np.random.default_rng(0), 2, CPU).strengths is None


def test_photos_are_held_out_for_each_style_in_turn():
    assert styles(A, B).in_turn(3, 4, CPU).styles.tolist() == [3, 0, 1, 2]


def test_a_style_counts_by_its_painting_and_its_strength():
    numbers, strengths = torch.tensor([0, 1, 2, 3]), torch.tensor([1.0, 0.5, 1.0, 0.5])
    assert styles(A, B).factors(Draw(numbers)).tolist() == [2, 2, 0.5, 0.5]
    assert styles(A, B).factors(Draw(numbers, strengths)).tolist() == [2, 1, 0.5, 0.25]


def test_any_painting_is_a_style_after_the_last_that_is_drawn_by_its_share():
    of = TrainingStyles.of(NO_PAINTING, [A, B], None, None, 3, 0.25)
    assert (of.count, of.predicted, of.rows) == (2, 3, 10)
    draw = of.draw(np.random.default_rng(0), 4000, CPU, [7, 9])
    assert torch.bincount(draw.styles).tolist() == pytest.approx([1500, 1500, 1000], rel=0.1)
    assert ((draw.paintings >= 0) == (draw.styles == 2)).all()
    chosen = draw.paintings[draw.styles == 2]
    assert torch.bincount(chosen)[[7, 9]].tolist() == pytest.approx([500, 500], rel=0.2)
    assert of.factors(Draw(torch.tensor([0, 2]))).tolist() == [2, 1]
    turn = of.in_turn(0, 6, CPU, [7, 9])
    assert turn.styles.tolist() == [0, 2, 1, 2, 0, 2]
    assert turn.paintings.tolist() == [-1, 7, -1, 9, -1, 7]


def test_a_net_may_have_no_style_but_that_of_any_painting():
    of = TrainingStyles.of(NO_PAINTING, (), None, None, 3, 0.5)
    assert (of.count, of.rows, of.identity) == (0, 4, True)
    draw = of.draw(np.random.default_rng(0), 10, CPU, [7])
    assert draw.styles.tolist() == [0] * 10
    assert draw.paintings.tolist() == [7] * 10
