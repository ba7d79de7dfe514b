import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from fastnst.models import ConditionalInstanceNorm2d
from fastnst.models.layers import LowFrequencies, Style


def test_conditional_instance_norm_is_the_formula_and_so_is_its_gradient():
    torch.manual_seed(0)
    norm = ConditionalInstanceNorm2d(3, styles=2).double()
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 3, 5, 7, dtype=torch.double, requires_grad=True)
    mix = torch.tensor([0.3, 0.7], dtype=torch.double)
    scale, shift = mix @ norm.weight, mix @ norm.bias
    expected = F.instance_norm(x) * scale[:, None, None] + shift[:, None, None]
    torch.testing.assert_close(norm(x, Style(mix)), expected)
    inputs = (x, norm.weight, norm.bias)
    pull = torch.randn_like(expected)
    ours = torch.autograd.grad((norm(x, Style(mix)) * pull).sum(), inputs)
    theirs = torch.autograd.grad((expected * pull).sum(), inputs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_low_frequencies_are_what_pillow_leaves_of_a_halved_picture():
    x = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    for block in (2, 4):
        nothing = torch.zeros(1, 3 * block**2, 24 // block, 40 // block)
        low = F.pixel_shuffle(LowFrequencies(block)(x, nothing), block)
        # What a painting has already is not missing.
        missing = LowFrequencies(block)(x, F.pixel_unshuffle(x, block))
        assert missing.abs().max() < 1e-6
        compare_to_pillow(x, low)


def compare_to_pillow(x: torch.Tensor, low: torch.Tensor) -> None:
    for channel in range(3):
        halved = Image.fromarray(F.avg_pool2d(x, 2)[0, channel].numpy())
        expected = np.asarray(halved.resize((40, 24), Image.Resampling.BICUBIC))
        # Past the edges Pillow leaves the weights out, and the net goes on with the last value.
        inside = (slice(8, -8), slice(8, -8))
        np.testing.assert_allclose(low[0, channel].numpy()[inside], expected[inside], atol=1e-5)
