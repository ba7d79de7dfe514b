import pytest
import torch
from torch.nn import Parameter

from fastnst.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6)])
def test_singular_values_become_nearly_1_and_the_vectors_stay(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonal(matrix) @ v.T
    values = found.diagonal()
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert (found - values.diag()).abs().max() < 0.1


def test_a_kernel_moves_by_its_rate_whatever_the_size_of_its_gradient():
    torch.manual_seed(0)
    gradient = torch.randn(8, 4, 3, 3)
    moved = []
    for size in (1.0, 1e-4):
        kernel = Parameter(torch.zeros(8, 4, 3, 3))
        kernel.grad = size * gradient
        Muon([{"params": [kernel], "lr": 0.01}]).step()
        moved.append(kernel.detach().square().mean().sqrt())
        assert (kernel * gradient).sum() < 0
    torch.testing.assert_close(moved[0], torch.tensor(0.01), rtol=0.2, atol=0)
    torch.testing.assert_close(*moved, rtol=0.02, atol=0)


def test_vectors_are_learnt_by_adam():
    torch.manual_seed(0)
    ours, torchs = Parameter(torch.randn(2, 5)), Parameter(torch.empty(2, 5))
    torchs.data.copy_(ours.data)
    pair = (Muon([{"params": [ours], "lr": 0.01}]), torch.optim.Adam([torchs], lr=0.01))
    for _ in range(5):
        gradient = torch.randn(2, 5)
        for parameter, optimizer in zip((ours, torchs), pair, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
    torch.testing.assert_close(ours, torchs)


def test_without_a_gradient_nothing_moves():
    kernel = Parameter(torch.ones(2, 2, 3, 3))
    Muon([{"params": [kernel], "lr": 1.0}]).step()
    assert torch.equal(kernel, torch.ones(2, 2, 3, 3))
