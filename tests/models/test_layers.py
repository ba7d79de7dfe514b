import torch
import torch.nn.functional as F

from fastnst.models import ConditionalInstanceNorm2d


def test_conditional_instance_norm_is_the_formula_and_so_is_its_gradient():
    torch.manual_seed(0)
    norm = ConditionalInstanceNorm2d(3, styles=2).double()
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 3, 5, 7, dtype=torch.double, requires_grad=True)
    mix = torch.tensor([0.3, 0.7], dtype=torch.double)
    scale, shift = mix @ norm.weight, mix @ norm.bias
    expected = F.instance_norm(x) * scale[:, None, None] + shift[:, None, None]
    torch.testing.assert_close(norm(x, mix), expected)
    inputs = (x, norm.weight, norm.bias)
    pull = torch.randn_like(expected)
    ours = torch.autograd.grad((norm(x, mix) * pull).sum(), inputs)
    theirs = torch.autograd.grad((expected * pull).sum(), inputs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
