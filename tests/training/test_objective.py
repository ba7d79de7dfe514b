import pytest
import torch

from fastnst.perceptual import PerceptualLoss, load_loss_network
from fastnst.training.objective import MultiViewObjective, seen_from_afar
from fastnst.training.options import ObjectiveOptions

OPTIONS = ObjectiveOptions(
    {"relu1_1": 1}, {"relu1_2": 1}, style_weight=8, far_style=0.5, view_weights=(3, 1)
)


@pytest.fixture(scope="module")
def network():
    return load_loss_network()


def pictures(seed: int, side: int = 32, count: int = 2) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, side, side, generator=rng) * 255


def ready(network, levels: int) -> MultiViewObjective:
    objective = MultiViewObjective(network, OPTIONS, levels)
    objective.prepare(
        [pictures(level, count=4) for level in range(levels)],
        lambda scale: [pictures(9, round(32 * scale), 1), pictures(8, round(32 * scale), 1)],
    )
    return objective


def test_from_twice_as_far_four_pixels_are_one():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert seen_from_afar(x, 1) is x
    assert seen_from_afar(x, 2).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]


def test_the_style_counts_less_for_pictures_smaller_than_those_of_the_second_level(network):
    objective = MultiViewObjective(network, OPTIONS, 3)
    assert objective.lowest == -1
    assert [objective.at(octave).style_weight for octave in range(-1, 3)] == [2, 4, 8, 8]
    plain = MultiViewObjective(network, OPTIONS, 1)
    assert (plain.lowest, plain.at(0).style_weight) == (0, 8)


def test_it_is_the_weighted_mean_of_the_losses_of_the_views(network):
    objective = ready(network, 2)
    stylized, photos = pictures(1), pictures(2)
    styles, factors = torch.tensor([0, 1]), torch.tensor([1.0, 0.5])
    for level in (0, 1):
        found = objective(stylized, photos, level, styles, factors)
        near, far = (objective.at(level - k) for k in (0, 1))
        small, small_photos = (seen_from_afar(each, 2) for each in (stylized, photos))
        first = near(stylized, near.content_targets(photos), styles, strengths=factors)
        second = far(small, far.content_targets(small_photos), styles, strengths=factors)
        torch.testing.assert_close(found.total, (3 * first.total + second.total) / 4)


def test_a_net_of_one_level_sees_pictures_as_they_are(network):
    objective = ready(network, 1)
    loss = PerceptualLoss(
        network, content_layers={"relu1_1": 1}, style_layers={"relu1_2": 1},
        content_weight=1, style_weight=8, style_power=0.5, content_focus=0.85,
    )  # fmt: skip
    loss.set_styles([pictures(9, count=1), pictures(8, count=1)])
    loss.calibrate(pictures(0, count=4))
    stylized, photos, styles = pictures(1), pictures(2), torch.tensor([1, 0])
    expected = loss(stylized, loss.content_targets(photos), styles)
    found = objective(stylized, photos, 0, styles, torch.ones(2))
    torch.testing.assert_close(found.total, expected.total)


def test_units_are_measured_on_pictures_of_each_size(network):
    objective = ready(network, 2)
    photos = [seen_from_afar(pictures(0, count=4), 2), pictures(0, count=4), pictures(1, count=4)]
    for octave, seen in enumerate(photos, start=-1):
        loss = objective.at(octave)
        terms = loss(seen, loss.content_targets(seen), torch.zeros(4, dtype=torch.int64))
        # The untouched photos' terms have a mean of 1, so their roots have one a little below.
        assert 0.9 < terms.style.item() / loss.style_weight < 1.001
