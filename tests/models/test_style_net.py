import torch

from fastnst.models import to_rgb
from fastnst.models.style_net import EDGE


def test_black_and_white_are_in_bounds():
    edges = torch.tensor([-EDGE, 0.0, EDGE])
    torch.testing.assert_close(to_rgb(edges), torch.tensor([0.0, 127.5, 255.0]))
