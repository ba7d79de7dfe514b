"""One contract for every net in NETS."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fastnst.errors import BadStyleFile
from fastnst.models import (
    NETS,
    ConditionalInstanceNorm2d,
    NetConfig,
    bounded,
    build_net,
    load_net,
    save_net,
)
from fastnst.models.style_net import EDGE
from fastnst.styles.card import Credit, StyleCard
from fastnst.training.regularizers import excess, lattice, repeats


def small(name: str, styles: int = 1) -> torch.nn.Module:
    torch.manual_seed(0)
    net = build_net(NetConfig(name=name, width=4, blocks=1, styles=styles))
    for module in net.modules():
        if isinstance(module, ConditionalInstanceNorm2d):  # Rows that differ, as after training.
            torch.nn.init.normal_(module.weight, 1.0, 0.3)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
    return net


def card(net) -> StyleCard:
    return StyleCard("a", (Credit(),), net.config.as_dict(), net.multiple_of, net.minimum)


@pytest.mark.parametrize("name", NETS)
class TestNet:
    def test_any_allowed_size_keeps_its_shape_and_its_bounds(self, name):
        net = small(name)
        for rows, columns in ((1, 1), (1, 9), (5, 3)):
            height = net.minimum + (rows - 1) * net.multiple_of
            width = net.minimum + (columns - 1) * net.multiple_of
            painted = net(torch.rand(2, 3, height, width) * 255)
            assert painted.shape == (2, 3, height, width)
            assert painted.min() >= 127.5 - 150
            assert painted.max() <= 127.5 + 150

    def test_every_parameter_gets_a_finite_gradient(self, name):
        net = small(name, styles=2)
        net(torch.rand(1, 3, 32, 32) * 255, torch.tensor([0.5, 0.5])).square().mean().backward()
        for label, parameter in net.named_parameters():
            assert parameter.grad is not None, label
            assert torch.isfinite(parameter.grad).all(), label
            assert parameter.grad.abs().max() > 0, label

    def test_a_new_net_starts_inside_its_bounds(self, name):
        # Hot spots, black and yellow dots early in training, are pixels where tanh is saturated.
        torch.manual_seed(0)
        net = build_net(NetConfig(name=name))
        painted = net(torch.rand(1, 3, 64, 64) * 255)
        assert (painted - 127.5).abs().max() < 100

    def test_rows_are_styles_and_a_blend_is_a_blend_of_rows(self, name):
        net, x = small(name, styles=3), torch.rand(2, 3, 32, 32) * 255
        first, second = net(x, torch.tensor([1.0, 0, 0])), net(x, torch.tensor([0, 1.0, 0]))
        assert (first - second).abs().max() > 1
        torch.testing.assert_close(net(x), first)
        each = net(x, torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))
        torch.testing.assert_close(each, torch.stack([first[0], second[1]]), atol=1e-3, rtol=0)

    def test_a_folded_net_paints_the_same(self, name):
        net, x = small(name, styles=3), torch.rand(1, 3, 32, 48) * 255
        weights = torch.tensor([0.2, 0.5, 0.3])
        folded = net.folded(weights)
        torch.testing.assert_close(folded(x), net(x, weights), atol=1e-3, rtol=0)
        assert not any(isinstance(m, ConditionalInstanceNorm2d) for m in folded.modules())

    def test_a_lean_net_paints_the_same(self, name):
        net, x = small(name), torch.rand(1, 3, 32, 48) * 255
        torch.testing.assert_close(net.lean()(x), net(x), atol=1e-3, rtol=0)

    def test_the_order_of_rows_does_not_matter(self, name):
        net, x = small(name, styles=3), torch.rand(1, 3, 32, 32) * 255
        weights, order = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([2, 0, 1])
        expected = net(x, weights)
        for module in net.modules():
            if isinstance(module, ConditionalInstanceNorm2d):
                module.weight.data, module.bias.data = module.weight[order], module.bias[order]
        torch.testing.assert_close(net(x, weights[order]), expected, atol=1e-3, rtol=0)

    def test_the_identity_row_is_the_photo_and_what_lies_between_lies_between(self, name):
        torch.manual_seed(0)
        net = build_net(NetConfig(name=name, width=4, blocks=1, styles=2, identity=True))
        x = torch.rand(2, 3, 32, 32) * 255
        torch.testing.assert_close(net(x, torch.tensor([0.0, 1.0])), x)
        assert (net(x, torch.tensor([1.0, 0.0])) - x).abs().mean() > 20
        half = torch.tensor([0.5, 0.5])
        painted = bounded(net.unbounded(x, half))
        torch.testing.assert_close(net(x, half), (painted + x) / 2)
        torch.testing.assert_close(net.folded(half)(x), net(x, half), atol=1e-3, rtol=0)

    def test_saved_and_loaded_is_equal(self, name, tmp_path):
        net = small(name, styles=2)
        save_net(tmp_path / "a.safetensors", net, card(net))
        loaded, facts = load_net(tmp_path / "a.safetensors")
        assert facts == card(net)
        assert loaded.config == net.config
        for key, value in net.state_dict().items():
            assert torch.equal(loaded.state_dict()[key], value)

    def test_bfloat16_autocast_stays_near_float32(self, name):
        net, x = small(name), torch.rand(1, 3, 64, 64) * 255
        with torch.autocast("cpu", torch.bfloat16):
            fast = net(x)
        assert fast.dtype == torch.float32
        assert (fast - net(x)).abs().mean() < 2


def test_black_and_white_are_in_bounds_and_what_is_past_them_is_called_back():
    edges = torch.tensor([-EDGE, 0.0, EDGE])
    torch.testing.assert_close(bounded(edges), torch.tensor([0.0, 127.5, 255.0]))
    assert excess(edges) == 0
    far = torch.tensor([-EDGE - 3.0, 0.0, EDGE + 10.0, 1.0], requires_grad=True)
    torch.testing.assert_close(excess(far), torch.tensor((9.0 + 100.0) / 4))
    # Where tanh is flat the gradient is not.
    excess(far).backward()
    torch.testing.assert_close(far.grad, torch.tensor([-1.5, 0.0, 5.0, 0.0]))


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


def test_the_paper_s_net_has_the_paper_s_size():
    # Published for this architecture (width 32, 5 blocks, instance norm): 1,679,235 parameters, with
    # biases in the convolutions before norms, which we leave out.
    net = build_net(NetConfig())
    biases = 32 + 64 + 128 + 10 * 128 + 64 + 32
    assert sum(p.numel() for p in net.parameters()) == 1_679_235 - biases


@pytest.mark.parametrize("field", ["width", "blocks", "styles"])
def test_a_net_of_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0; it must be 1 or more"):
        NetConfig(**{field: 0})


def test_what_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(BadStyleFile, match=r"text\.safetensors can't be read as safetensors"):
        load_net(tmp_path / "text.safetensors")
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be read"):
        load_net(tmp_path / "gone.safetensors")
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "bare.safetensors")
    with pytest.raises(BadStyleFile, match="holds no style card"):
        load_net(tmp_path / "bare.safetensors")
    net = small("johnson")
    other = card(build_net(NetConfig(width=8, blocks=1)))
    save_net(tmp_path / "mixed.safetensors", net, other)
    with pytest.raises(BadStyleFile, match="do not fit the net of its card"):
        load_net(tmp_path / "mixed.safetensors")


def test_a_photo_has_no_lattice_and_a_checkerboard_has():
    rng = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 9, 9, generator=rng) * 255, (128, 128), mode="bicubic"
    )
    assert lattice(smooth) < 1e-5
    board = torch.zeros(1, 3, 128, 128)
    board[..., ::4, ::4] = 4.0
    # Worked out: of one pixel in sixteen 4/255 high, less the mean of 3x3, 9 of 16 places are touched.
    s = 4 / 255
    expected = 3 * ((s - s / 9) ** 2 + 8 * (s / 9) ** 2)
    torch.testing.assert_close(lattice(board), torch.tensor(expected), rtol=0.1, atol=0)
    assert 0.9 < lattice(smooth + board) / lattice(board) < 1.1
    # Over twice the period it is as strong, and one of twice the period is seen there alone.
    torch.testing.assert_close(lattice(board, 8), lattice(board), rtol=1e-3, atol=0)
    sparse = torch.zeros(1, 3, 128, 128)
    sparse[..., ::8, ::8] = 4.0
    torch.testing.assert_close(lattice(sparse, 8), lattice(board) / 4, rtol=0.1, atol=0)
    assert lattice(sparse) < lattice(sparse, 8) / 3


def test_rows_of_one_mark_are_found_where_they_are_and_lines_and_noise_are_not():
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 128, 128, generator=rng) * 30 + 128
    assert repeats(noise, 16) < 1e-9
    lines = torch.full((1, 3, 128, 128), 128.0)
    lines[..., 40:43] = 0
    assert repeats(lines, 16) < 1e-9
    marked = noise.clone()
    mark = torch.randn(3, 16, 16, generator=rng) * 60
    marked[..., :64, :64] += mark.repeat(1, 4, 4)
    found = repeats(marked, 16)
    assert found > 1e-3
    # A quarter of the picture: elsewhere there is nothing. Half of the period is found, another is not.
    torch.testing.assert_close(repeats(marked[..., :64, :64], 16), 4 * found, rtol=1e-2, atol=0)
    assert (
        repeats(torch.full((1, 3, 128, 128), 128.0) + mark[:, :8, :8].repeat(1, 16, 16), 16) > 1e-2
    )
    assert (
        repeats(torch.full((1, 3, 130, 130), 128.0) + mark[:, :13, :13].repeat(1, 10, 10), 16)
        < 1e-9
    )
    assert repeats(marked[..., :63, :], 16) == 0
