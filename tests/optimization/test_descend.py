import math
from itertools import pairwise

import pytest
import torch

from fastnst.errors import Diverged
from fastnst.optimization.descend import RATES, descend
from fastnst.perceptual import LossTerms

ZERO = torch.zeros(())
GENERATOR = torch.Generator().manual_seed(0)
TARGET = torch.rand(1, 3, 8, 8, generator=GENERATOR) * 355 - 50
"""Half as far past black and white as a picture can't go."""
SCALES = torch.logspace(-3, 0, 192).view(1, 3, 8, 8)
"""Scales of a valley a thousand times as steep in one direction as in another."""


def valley(pixels):
    return LossTerms((SCALES * (pixels - TARGET).square()).mean() / 1e4, ZERO, ZERO)


LEAST = valley(TARGET.clamp(0, 255)).total.item()
START = torch.full((1, 3, 8, 8), 127.0)


@pytest.mark.parametrize("optimizer", RATES)
def test_every_optimizer_goes_down_at_its_default_rate(optimizer):
    *_, last = descend(valley, START, iterations=100, optimizer=optimizer)
    began = valley(START).total.item()
    # Of the way to the least that pixels can reach.
    assert (last.losses["total"] - LEAST) < 0.4 * (began - LEAST)
    assert last.number == 100 or optimizer == "lbfgs"


def test_lbfgs_falls_at_every_iteration_and_finds_the_bounded_minimum():
    steps = list(descend(valley, START, iterations=150))
    totals = [step.losses["total"] for step in steps]
    assert all(after < before for before, after in pairwise(totals))
    assert totals[-1] - LEAST < 0.002 * (totals[0] - LEAST)


@pytest.mark.parametrize("optimizer", RATES)
def test_pixels_stay_between_black_and_white(optimizer):
    for step in descend(valley, START, iterations=20, optimizer=optimizer):
        assert step.pixels.min() >= 0
        assert step.pixels.max() <= 255


def test_the_losses_are_those_of_the_pixels_that_come_with_them():
    for optimizer in RATES:
        for step in descend(valley, START, iterations=3, optimizer=optimizer, ema_decay=0.0):
            assert step.losses["total"] == pytest.approx(valley(step.pixels).total.item())


def test_the_average_is_of_the_iterates_by_their_weights():
    plain = [
        s.pixels for s in descend(valley, START, iterations=4, optimizer="adam", ema_decay=0.0)
    ]
    mean = [s.pixels for s in descend(valley, START, iterations=4, optimizer="adam", ema_decay=0.5)]
    expected = sum(pixels * 0.5**age for age, pixels in enumerate(reversed(plain[1:])))
    torch.testing.assert_close(mean[-1], expected / (1 + 0.5 + 0.25 + 0.125))
    torch.testing.assert_close(mean[1], plain[1])


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_term_that_is_no_number_is_named_with_its_iteration(optimizer, value):
    calls = 0

    def broken(pixels):
        nonlocal calls
        calls += 1
        terms = valley(pixels)
        return terms._replace(style=pixels.sum() * 0 + value) if calls > 3 else terms

    steps = []
    with pytest.raises(Diverged, match=rf"The style term became {value} at iteration 3"):
        for step in descend(broken, START, iterations=10, optimizer=optimizer):
            steps.append(step)
    assert [step.number for step in steps] == [0, 1, 2]
    assert torch.isfinite(steps[-1].pixels).all()


def test_lbfgs_ends_where_nothing_leads_down():
    def flat(pixels):
        return LossTerms(pixels.sum() * 0 + 1, ZERO, ZERO)

    (start,) = descend(flat, START, iterations=10)
    assert start.number == 0
    assert torch.equal(start.pixels, START)


def test_a_gradient_that_is_no_number_is_told():
    def steep(pixels):
        return LossTerms((pixels - 127).abs().sqrt().sum(), ZERO, ZERO)

    with pytest.raises(Diverged, match=r"The gradient became infinite at iteration 0"):
        list(descend(steep, START, iterations=10))
