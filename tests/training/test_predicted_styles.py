import numpy as np
import pytest
import torch

from fastnst.models import NetConfig, build_net
from fastnst.perceptual import load_loss_network
from fastnst.training.objective import MultiViewObjective
from fastnst.training.options import ObjectiveOptions
from fastnst.training.paintings import NO_PAINTING
from fastnst.training.predicted_styles import PredictedStyles
from fastnst.training.styles import Draw, TrainingStyles


def prepared(workdir, make_photos):
    make_photos(workdir / "paintings", 36)
    styles = TrainingStyles.of(NO_PAINTING, (), None, None, 1, 0.5)
    options = ObjectiveOptions(content_layers={"relu1_1": 1}, style_layers={"relu1_2": 1})
    objective = MultiViewObjective(load_loss_network(), options, 1)
    predicted = PredictedStyles(workdir / "paintings", workdir / "cache", styles, objective)
    photos = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    objective.prepare([photos], lambda scale: predicted.sample(64, scale))
    predicted.prepare(64, 2)
    return predicted, objective, photos


def test_a_step_has_the_statistics_of_its_paintings_and_their_targets(workdir, make_photos):
    predicted, objective, photos = prepared(workdir, make_photos)
    store = predicted.store
    one, other = store.usable[0], store.held_out[0]
    draw = predicted.describe(Draw(torch.tensor([0, 0]), None, torch.tensor([one, other])), level=0)
    torch.testing.assert_close(
        draw.statistics, store.statistics[[one, other]], rtol=1e-3, atol=0.05
    )
    assert draw.in_objective.tolist() == [1, 2]
    # Of the painting itself the style term is 0, and of a photo it is 1 in the mean.
    painting = store.files[other]
    from fastnst.training.paintings import Painting

    shown = Painting(path=painting).load_like(512, 512)
    loss = objective.at(0)
    targets = loss.content_targets(shown)
    weight = loss.style_weight
    assert loss(shown, targets, torch.tensor([2])).style < 0.02 * weight
    means = loss(photos, loss.content_targets(photos), torch.tensor([2, 2])).style
    assert 0.5 * weight < means < 1.5 * weight


def test_collages_and_noise_are_drawn_in_training_alone(workdir, make_photos):
    predicted, _, _ = prepared(workdir, make_photos)
    number = predicted.store.usable[0]
    draw = Draw(torch.tensor([0]), None, torch.tensor([number]))
    plain = predicted.describe(draw, 0).statistics
    first, again, other = (
        predicted.describe(draw, 0, np.random.default_rng(seed)).statistics for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, plain)


@pytest.mark.slow
def test_a_new_predictor_starts_from_the_styles_that_the_net_knows(workdir, make_photos):
    predicted, _, _ = prepared(workdir, make_photos)
    torch.manual_seed(0)
    net = build_net(NetConfig("swift", 4, 1, styles=4, identity=True, predicted=1))
    for name, value in net.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(value, 1.0, 0.3)
    known = predicted.store.statistics[predicted.store.usable[:2]]
    predicted.start(net, list(known))
    net.eval()
    table = net.table()
    rows = table[2] + net.predictor(known)[:, 0]
    error = (rows - table[:2]).square().mean() / (table[:2] - table[2]).square().mean()
    assert error < 0.1
    before = net.predictor.out.weight.clone()
    predicted.start(net, list(known))  # Of a predictor that was trained nothing is changed.
    assert torch.equal(net.predictor.out.weight, before)
