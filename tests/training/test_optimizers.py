import pytest
import torch

from fastnst.models import NetConfig, build_net
from fastnst.training.muon import Muon
from fastnst.training.optimizers import build_optimizer, parameter_groups, rate_factor
from fastnst.training.options import OptimizerOptions


def test_the_rate_rises_to_all_of_it_and_falls_to_nothing():
    assert [rate_factor(step, 100, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_factor(4, 100, 4) == 1.0
    assert rate_factor(52, 100, 4) == pytest.approx(0.5)
    assert rate_factor(100, 100, 4) == rate_factor(101, 100, 4) == 0.0


def test_the_rise_takes_a_tenth_of_the_steps_at_most():
    assert [rate_factor(step, 20, 100) for step in range(3)] == [0.5, 1.0, 1.0]
    assert rate_factor(0, 9, 100) == 1.0


def test_kernels_have_one_rate_and_all_else_the_other():
    net = build_net(NetConfig(width=4, blocks=1))
    for name, parameter in net.named_parameters():
        parameter.requires_grad_("out" not in name)
    kernels, norms = parameter_groups(net, OptimizerOptions(learning_rate=1, norm_learning_rate=2))
    assert (kernels["lr"], norms["lr"]) == (1, 2)
    assert {p.ndim for p in kernels["params"]} == {4}
    assert {p.ndim for p in norms["params"]} == {2}
    trained = [p for p in net.parameters() if p.requires_grad]
    assert len(kernels["params"]) + len(norms["params"]) == len(trained) < len([*net.parameters()])
    net.requires_grad_(False).out.bias.requires_grad_(True)
    assert len(parameter_groups(net, OptimizerOptions())) == 1


@pytest.mark.parametrize(("name", "kind"), [("muon", Muon), ("adam", torch.optim.Adam)])
def test_the_schedule_multiplies_both_rates_and_asks_for_the_scale_each_time(name, kind):
    options, scale = OptimizerOptions(name, 1.0, 2.0, warmup_steps=2), [1.0]
    net = build_net(NetConfig(width=4, blocks=1))
    optimizer, schedule = build_optimizer(net, options, steps=20, scale=lambda: scale[0])
    assert type(optimizer) is kind
    assert schedule.get_last_lr() == [0.5, 1.0]
    optimizer.step()
    scale[0] = 0.25
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.5]


def test_a_predictor_has_a_rate_of_its_own_and_its_weights_are_in_the_net_s_order():
    net = build_net(NetConfig("swift", 4, 1, styles=3, identity=True, predicted=1))
    *_, group = parameter_groups(net, OptimizerOptions(), 7.0)
    assert group["lr"] == 7
    for ours, theirs in zip(group["params"], net.predictor.parameters(), strict=True):
        assert ours is theirs
