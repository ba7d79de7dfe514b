import torch

from fastnst.models import NetConfig, build_net
from fastnst.models.predictor import STATISTICS, StylePredictor


def paintings(count: int) -> torch.Tensor:
    return torch.rand(count, STATISTICS, generator=torch.Generator().manual_seed(count)) * 50 + 1


def test_a_new_predictor_predicts_the_mean_painting():
    assert not StylePredictor(3, 10)(paintings(2)).any()


def test_a_predictor_learns_styles_that_are_known_and_their_blends():
    torch.manual_seed(0)
    known, predictor = paintings(4), StylePredictor(2, 30)
    offsets = torch.randn(4, 2, 30)
    predictor.standardize(known)
    assert predictor.fit(known, offsets, steps=150) < 0.3
    error = (predictor.eval()(known) - offsets).square().mean() / offsets.square().mean()
    assert error < 0.2


def make_net():
    torch.manual_seed(0)
    # Two styles, a predicted one and the photo.
    net = build_net(NetConfig("unet", 4, 1, styles=7, identity=True, levels=2, predicted=2)).eval()
    for name, value in net.named_parameters():
        if ".norm." in name:
            torch.nn.init.normal_(value, 1.0, 0.3)
    torch.nn.init.normal_(net.predictor.out.weight, 0.0, 0.1)
    return net


def test_a_painting_moves_the_predicted_rows_alone():
    net, photo = make_net(), torch.rand(1, 3, 64, 64) * 255
    described = paintings(1)
    one, predicted = torch.eye(7)[0], torch.eye(7)[4]
    torch.testing.assert_close(net(photo, one, photo, described), net(photo, one, photo))
    moved = (net(photo, predicted, photo, described) - net(photo, predicted, photo)).abs().mean()
    assert moved > 1
    half = net.style((one + predicted) / 2, described[0]).offsets
    torch.testing.assert_close(half, net.style(predicted, described[0]).offsets / 2)


def test_pictures_of_a_batch_have_paintings_of_their_own():
    net, photos = make_net(), torch.rand(2, 3, 64, 64) * 255
    described, weights = paintings(2), torch.eye(7)[[4, 4]]
    painted = net(photos, weights, photos, described)
    for k in range(2):
        alone = net(photos[k, None], weights[0], photos[k, None], described[k])
        torch.testing.assert_close(painted[k, None], alone, atol=1e-3, rtol=1e-4)


def test_a_painting_s_style_can_be_folded_in():
    net, photo = make_net(), torch.rand(1, 3, 64, 64) * 255
    described = paintings(1)[0]
    rows = torch.eye(7)[[4, 5]]
    folded = net.folded(rows, described)
    assert folded.predictor is None
    for level in range(2):
        torch.testing.assert_close(
            folded(photo, torch.eye(2)[level], photo), net(photo, rows[level], photo, described)
        )
