"""One contract for every net in NETS."""

import pytest
import torch
import torch.nn.functional as F

from fastnst.errors import FastnstError
from fastnst.models import (
    NETS,
    ConditionalInstanceNorm2d,
    NetConfig,
    build_net,
    load_net,
    save_net,
    to_rgb,
)
from fastnst.styles.card import PaintingCredit, StyleCard


def small(name: str, styles: int = 1) -> torch.nn.Module:
    torch.manual_seed(0)
    net = build_net(NetConfig(name=name, width=4, blocks=1, styles=styles))
    for module in net.modules():
        if isinstance(module, ConditionalInstanceNorm2d):  # Rows that differ, as after training.
            torch.nn.init.normal_(module.weight, 1.0, 0.3)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
    return net


def whole(net, blocks: torch.Tensor) -> torch.Tensor:
    """Pictures of pictures in blocks."""
    return F.pixel_shuffle(blocks, net.block) if net.block > 1 else blocks


def free_and_held(net, x, row, canvas) -> tuple[torch.Tensor, torch.Tensor]:
    """A painting, and what it is with the low frequencies of its canvas."""
    free = whole(net, to_rgb(net.pre_tanh(x, row, canvas)))
    block = net.low.block
    missing = net.low(canvas, F.pixel_unshuffle(free, block))
    return free, free + F.pixel_shuffle(missing, block)


def card(net) -> StyleCard:
    return StyleCard("a", (PaintingCredit(),), net.config.as_dict(), net.multiple_of, net.minimum)


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
        painted = whole(net, to_rgb(net.pre_tanh(x, half)))
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

    def test_a_net_of_several_levels_sees_its_canvas_and_folds_to_a_row_a_level(self, name):
        torch.manual_seed(0)
        net = build_net(NetConfig(name=name, width=4, blocks=1, styles=5, identity=True, levels=2))
        for module in net.modules():
            if isinstance(module, ConditionalInstanceNorm2d):
                torch.nn.init.normal_(module.weight, 1.0, 0.3)
        x, canvas = torch.rand(2, 1, 3, 32, 48) * 255
        row = torch.tensor([0.0, 1.0, 0, 0, 0])
        painted = net(x, row, canvas)
        assert (painted - net(x, row, canvas.flip(3))).abs().max() > 0.1
        torch.testing.assert_close(net(x, torch.tensor([0, 0, 0, 0, 1.0]), canvas), x)
        mixture = torch.tensor([[0.5, 0, 0.25, 0, 0.25], [0, 0.5, 0, 0.25, 0.25]])
        folded = net.folded(mixture)
        assert (folded.config.styles, folded.config.levels, folded.config.identity) == (2, 2, False)
        for level in range(2):
            torch.testing.assert_close(
                folded(x, torch.eye(2)[level], canvas),
                net(x, mixture[level], canvas),
                atol=1e-3,
                rtol=0,
            )

    def test_from_the_third_level_on_the_low_frequencies_are_the_canvas_s(self, name):
        torch.manual_seed(0)
        config = NetConfig(name=name, width=4, blocks=1, styles=7, identity=True, levels=3)
        net = build_net(config)
        x, canvas = torch.rand(2, 1, 3, 32, 48) * 255
        for level in range(3):
            row = torch.eye(7)[3 + level]
            free, held = free_and_held(net, x, row, canvas)
            torch.testing.assert_close(net(x, row, canvas), held if level == 2 else free)
        # At half strength half of it is the photo, which nothing holds.
        row = torch.tensor([0, 0, 0, 0, 0, 0.5, 0.5])
        _, held = free_and_held(net, x, row, canvas)
        torch.testing.assert_close(net(x, row, canvas), (held + x) / 2)
        folded = net.folded(torch.eye(7)[3:6])
        for level in range(3):
            torch.testing.assert_close(
                folded(x, torch.eye(3)[level], canvas),
                net(x, torch.eye(7)[3 + level], canvas),
                atol=1e-3,
                rtol=0,
            )

    def test_bfloat16_autocast_stays_near_float32(self, name):
        net, x = small(name), torch.rand(1, 3, 64, 64) * 255
        with torch.autocast("cpu", torch.bfloat16):
            fast = net(x)
        assert fast.dtype == torch.float32
        assert (fast - net(x)).abs().mean() < 2


def test_a_name_that_no_net_has_is_one_sentence_with_the_nearest():
    with pytest.raises(
        FastnstError, match=r"^There is no net 'jonson'\. Did you mean 'johnson'\?$"
    ):
        build_net(NetConfig("jonson"))


@pytest.mark.parametrize("name", ["swift", "unet"])
def test_a_width_that_a_net_can_not_have_is_refused(name):
    with pytest.raises(ValueError, match=f"width is 7; the net {name} needs an even one"):
        build_net(NetConfig(name, width=7))
    assert build_net(NetConfig("johnson", width=7, blocks=1)).config.width == 7
