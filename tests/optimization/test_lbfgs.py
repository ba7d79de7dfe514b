import math

import pytest
import torch

from fastnst.optimization.lbfgs import SpectralPreconditioner

GENERATOR = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shape", [(1, 3, 32, 24), (1, 1, 33, 40), (1, 3, 32, 35)])
def test_the_scales_of_frequencies_explain_the_last_step(shape):
    step, change = (torch.randn(shape, generator=GENERATOR) for _ in range(2))
    change = step + 0.3 * change
    curvature = (step * change).sum().item()
    spectrum = SpectralPreconditioner(step)
    spectrum.learn(step, change, curvature)
    assert (change * spectrum.apply(change)).sum().item() == pytest.approx(curvature, rel=1e-4)
    other = torch.randn(shape, generator=GENERATOR)
    there, back = (change * spectrum.apply(other)).sum(), (other * spectrum.apply(change)).sum()
    torch.testing.assert_close(there, back, rtol=1e-3, atol=1e-2)  # Symmetric, as a Hessian is.


def test_a_frequency_that_is_steep_gets_a_small_step():
    rows = torch.arange(32.0)
    slow, fast = torch.cos(rows * 2 * math.pi / 32), torch.cos(rows * math.pi)
    step = (slow + fast).expand(1, 3, 32, 32).contiguous()
    change = (slow + 100 * fast).expand(1, 3, 32, 32).contiguous()
    spectrum = SpectralPreconditioner(step)
    spectrum.learn(step, change, (step * change).sum().item())
    both = spectrum.apply(change)
    parts = [(both[0, 0, 0] * wave).mean() / (wave * wave).mean() for wave in (slow, fast)]
    torch.testing.assert_close(parts[0], parts[1], rtol=0.05, atol=0.01)
