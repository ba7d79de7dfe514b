import numpy as np
import pytest
import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.models.style_net import EDGE
from fastnst.perceptual import tv_loss
from fastnst.training.regularizers import (
    DEFAULT_WEIGHTS,
    Step,
    checkerboard,
    complete_weights,
    excess,
    identity,
    repetition,
    temporal,
    weighted_terms,
)


def photos() -> Tensor:
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 12, 12, generator=rng) * 200 + 20
    return torch.nn.functional.interpolate(coarse, (96, 96), mode="bicubic").clamp(10, 245)


def drawn(paint) -> np.ndarray:
    x = photos()
    return np.array(
        [temporal(paint, x, paint(x), np.random.default_rng(k)).item() for k in range(12)]
    )


def test_what_moves_with_the_photo_is_steady_but_for_the_noise():
    found = drawn(lambda x: 255 - x)
    assert found.max() <= (4 / 255) ** 2 * 1.05
    assert found.max() > (2 / 255) ** 2


def test_what_stays_on_the_screen_is_not():
    def locked(x):
        screen = torch.zeros_like(x)
        screen[..., ::8, :] = 60
        return x + screen

    found = drawn(locked)
    # A row of eight is 60 brighter; moved by another number of rows, two in eight differ; zoomed, less.
    assert np.median(found) > 0.6 * (60 / 255) ** 2 / 4
    assert found.mean() > 20 * drawn(lambda x: x).mean()


def test_it_depends_on_the_draw_alone_and_reaches_the_net():
    scale = torch.tensor(0.5, requires_grad=True)
    x = photos()
    values = [
        temporal(
            lambda y: (scale * y).sin() * 255, x, (scale * x).sin() * 255, np.random.default_rng(3)
        )
        for _ in range(2)
    ]
    assert values[0] == values[1]
    (gradient,) = torch.autograd.grad(values[0], scale)
    assert gradient.isfinite()
    assert gradient != 0


def test_small_crops_leave_something_to_compare():
    x = photos()[..., :64, :64]
    found = [temporal(lambda y: y, x, x, np.random.default_rng(k)).item() for k in range(24)]
    # The noise alone: a mean over nothing would be no number.
    assert min(found) > 0
    assert max(found) < (5 / 255) ** 2


def test_what_is_past_black_and_white_is_called_back():
    assert excess(torch.tensor([-EDGE, 0.0, EDGE])) == 0
    far = torch.tensor([-EDGE - 3.0, 0.0, EDGE + 10.0, 1.0], requires_grad=True)
    torch.testing.assert_close(excess(far), torch.tensor((9.0 + 100.0) / 4))
    # Where tanh is flat the gradient is not.
    excess(far).backward()
    torch.testing.assert_close(far.grad, torch.tensor([-1.5, 0.0, 5.0, 0.0]))


def test_a_photo_has_no_checkerboard_and_a_pattern_of_four_pixels_has():
    rng = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 9, 9, generator=rng) * 255, (128, 128), mode="bicubic"
    )
    assert checkerboard(smooth) < 1e-5
    board = torch.zeros(1, 3, 128, 128)
    board[..., ::4, ::4] = 4.0
    # Worked out: of one pixel in sixteen 4/255 high, less the mean of 3x3, 9 of 16 places are touched.
    s = 4 / 255
    expected = 3 * ((s - s / 9) ** 2 + 8 * (s / 9) ** 2)
    torch.testing.assert_close(checkerboard(board), torch.tensor(expected), rtol=0.1, atol=0)
    assert 0.9 < checkerboard(smooth + board) / checkerboard(board) < 1.1
    # Over twice the period it is as strong, and one of twice the period is seen there alone.
    torch.testing.assert_close(checkerboard(board, 8), checkerboard(board), rtol=1e-3, atol=0)
    sparse = torch.zeros(1, 3, 128, 128)
    sparse[..., ::8, ::8] = 4.0
    torch.testing.assert_close(checkerboard(sparse, 8), checkerboard(board) / 4, rtol=0.1, atol=0)
    assert checkerboard(sparse) < checkerboard(sparse, 8) / 3


def test_one_mark_set_again_and_again_in_flat_areas_is_found():
    rng = torch.Generator().manual_seed(0)
    flat = torch.full((1, 3, 128, 128), 128.0)
    noise = torch.randn(1, 3, 128, 128, generator=rng) * 30 + 128

    def rows(period: int) -> Tensor:
        mark = torch.randn(3, period, period, generator=rng) * 30
        count = 128 // period + 1
        return (flat + mark.repeat(1, count, count)[:, :128, :128]).requires_grad_()

    assert repetition(flat, flat) == 0
    assert repetition(noise, flat) < 0.01
    # Whatever its period, the strides' or not; a lattice is 1, of which a free texture has 0.2.
    for period in (8, 13, 16):
        assert 0.7 < repetition(rows(period), flat) < 0.81
    # In a quarter of the picture.
    marked = noise.clone()
    marked[..., :64, :64] = rows(8).detach()[..., :64, :64]
    assert 0.05 < repetition(marked, flat) < 0.2
    # What the photo repeats is none of the net's making.
    lattice = rows(8)
    assert repetition(lattice, lattice.detach()) < 0.2 * repetition(lattice, flat)
    assert repetition(noise[..., :63, :], flat[..., :63, :]) == 0
    # Steps against it make it less, and a flat picture has a gradient too.
    worn = (lattice + (noise - 128) / 3).detach().requires_grad_()
    term = repetition(worn, flat)
    (gradient,) = torch.autograd.grad(term, worn)
    assert repetition(worn - 10 * gradient / gradient.std(), flat) < term / 2
    still = flat.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(repetition(still, flat), still)
    assert gradient.isfinite().all()


def step(**facts) -> Step:
    x = photos()
    usual = {
        "photos": x, "stylized": 255 - x, "pre_tanh": torch.full_like(x, EDGE + 1), "canvas": None, "strengths": None,
        "multiple_of": 8, "repaint": lambda inputs: 255 - inputs[:, :3], "rng": np.random.default_rng(0),
    }  # fmt: skip
    return Step(**(usual | facts))


def test_weights_that_are_not_given_are_the_defaults():
    assert complete_weights({}) == DEFAULT_WEIGHTS
    assert complete_weights({"temporal": 25, "excess": 0}) == DEFAULT_WEIGHTS | {
        "temporal": 25, "excess": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"tempral": 3}, r"^There is no regularizer 'tempral'\. Did you mean 'temporal'\?$"),
        ({"xyz": 3}, r"^There is no regularizer 'xyz'\. Choose from: checkerboard, excess, identity, "),
        ({"temporal": -1}, r"^The weight of the regularizer temporal is -1\. It must be 0 or more\.$"),
        ({"excess": float("nan")}, r"^The weight of the regularizer excess is nan\."),
    ],
)  # fmt: skip
def test_wrong_weights_are_one_sentence(given, sentence):
    with pytest.raises(FastnstError, match=sentence):
        complete_weights(given)


def test_terms_are_weighted_and_those_of_weight_0_are_not_computed():
    def never(inputs):
        raise AssertionError

    found = weighted_terms(complete_weights({"identity": 0, "excess": 2}), step(repaint=never))
    assert list(found) == ["excess", "checkerboard", "repetition"]
    torch.testing.assert_close(found["excess"], torch.tensor(2.0))


def test_the_temporal_term_repaints_photo_and_canvas():
    x, seen = photos(), []

    def repaint(inputs):
        seen.append(inputs.shape[1])
        return 255 - inputs[:, :3]

    for canvas in (None, x):
        weighted_terms({"temporal": 1.0}, step(repaint=repaint, canvas=canvas))
    assert seen == [3, 6]


def test_the_total_variation_is_that_of_the_stylized_picture():
    (found,) = weighted_terms({"total_variation": 3.0}, step()).values()
    torch.testing.assert_close(found, 3 * tv_loss(photos()).mean())


def test_the_identity_term_counts_what_is_missing_to_full_strength():
    x = photos()
    found = identity(x + 51.0, x, torch.tensor([1.0, 0.25]))
    torch.testing.assert_close(found, torch.tensor(0.75 / 2 * 0.2**2))
    assert identity(x + 51.0, x, None) == 0
