from dataclasses import replace

import numpy as np
import pytest
import torch

from fastnst.models import NetConfig, build_net
from fastnst.runtime.engine.levels import ground
from fastnst.training.coarse_to_fine import CoarseToFine
from fastnst.training.styles import Draw


@pytest.fixture
def painter():
    torch.manual_seed(0)
    net = build_net(NetConfig("unet", 4, 1, styles=5, identity=True, levels=2))
    for name, value in net.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(value, 1.0, 0.3)
    return CoarseToFine(net, 32, ground_seed=3)


def photos(side: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(side)
    return torch.rand(2, 3, side, side, generator=rng) * 255


DRAW = Draw(torch.tensor([0, 1]))


def test_the_level_is_told_by_the_size_and_the_last_one_has_all_that_are_larger(painter):
    assert [painter.level_of(photos(side)) for side in (32, 64, 128)] == [0, 1, 1]


def test_the_coarsest_level_paints_over_the_ground(painter):
    canvas = painter.canvas(photos(32), 0, DRAW)
    expected = torch.from_numpy(ground(32, 32, 3).copy()).permute(2, 0, 1).float()
    assert torch.equal(canvas, expected.expand(2, 3, 32, 32))


def test_the_next_level_paints_over_what_the_one_below_painted_enlarged(painter):
    x = photos(64)
    small = torch.nn.functional.avg_pool2d(x, 2)
    rows = torch.eye(5)[[0, 2]]  # Style 0 and style 1, of two rows each, at the coarsest level.
    below = painter.net(small, rows, painter.canvas(small, 0, DRAW)).clamp(0, 255)
    expected = torch.nn.functional.interpolate(below, (64, 64), mode="bicubic").clamp(0, 255)
    canvas = painter.canvas(x, 1, DRAW)
    torch.testing.assert_close(canvas, expected)
    assert not canvas.requires_grad
    painted = painter.paint(x, canvas, 1, DRAW).stylized
    torch.testing.assert_close(painted, painter.net(x, torch.eye(5)[[1, 3]], canvas))


def test_a_strength_of_0_is_the_photo(painter):
    x = photos(32)
    draw = Draw(DRAW.styles, torch.tensor([0.0, 1.0]))
    painted = painter.paint(x, painter.canvas(x, 0, draw), 0, draw).stylized
    torch.testing.assert_close(painted[0], x[0])
    assert (painted[1] - x[1]).abs().mean() > 10


def test_photo_and_canvas_are_cut_in_the_same_place(painter):
    x = photos(64)
    cut, canvas = painter.cut(x, x + 1, np.random.default_rng(0))
    assert cut.shape == (2, 3, 32, 32)
    assert torch.equal(canvas, cut + 1)
    places = x[0, 0].unfold(0, 32, 8).unfold(1, 32, 8)
    assert (places == cut[0, 0]).all((2, 3)).any()
    small = photos(32)
    assert painter.cut(small, small, np.random.default_rng(0))[0] is small


def test_a_window_is_a_part_of_the_coarsest_level_too(painter):
    painter = replace(painter, window=16)
    for side in (32, 64):
        cut, canvas = painter.cut(photos(side), photos(side) + 1, np.random.default_rng(1))
        assert cut.shape == (2, 3, 16, 16)
        assert torch.equal(canvas, cut + 1)


def test_a_net_of_one_level_has_no_canvas():
    painter = CoarseToFine(build_net(NetConfig("johnson", 4, 1)), 32)
    x = photos(32)
    assert painter.canvas(x, 0, Draw(torch.tensor([0, 0]))) is None
    assert painter.cut(x, None, np.random.default_rng(0)) == (x, None)
