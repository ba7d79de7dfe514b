import numpy as np
import pytest
import torch
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.perceptual import Encoder, PerceptualLoss, content_loss, gram, style_loss, tv_loss

STYLE = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


@pytest.fixture(scope="module")
def painting():
    return torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1)) * 255


@pytest.fixture(scope="module")
def photos():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 255


def make(encoder, painting, photos, **weights):
    weights = {"content_weight": 1.0, "style_weight": 1.0, "tv_weight": 1.0} | weights
    loss = PerceptualLoss(
        encoder, content_layers={"relu3_3": 1}, style_layers=dict.fromkeys(STYLE, 1), **weights
    )
    loss.set_styles([painting])
    loss.calibrate(photos)
    return loss


def test_gram_of_a_tensor_worked_out_by_hand():
    # Two channels of 1x2: F = [[1, 2], [3, 4]]; F F^T = [[5, 11], [11, 25]]; C H W = 4.
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    assert gram(features).tolist() == [[[1.25, 2.75], [2.75, 6.25]]]


def test_content_style_and_tv_worked_out_by_hand():
    f, t = (
        torch.tensor([[[[1.0, 2.0]]], [[[0.0, 0.0]]]]),
        torch.tensor([[[[3.0, 2.0]]], [[[0.0, 4.0]]]]),
    )
    assert content_loss(f, t).tolist() == [2.0, 8.0]
    g, a = torch.tensor([[[1.0, 2.0], [2.0, 4.0]]]), torch.tensor([[[0.0, 2.0], [2.0, 1.0]]])
    assert style_loss(g, a).tolist() == [10.0]
    # Three equal channels [[0, 255], [255, 255]]: across 1 and 0, down 1 and 0, in units of the range.
    image = torch.tensor([[0.0, 255.0], [255.0, 255.0]]).expand(1, 3, 2, 2)
    assert tv_loss(image).tolist() == [1.0]


def test_the_gradient_of_gram_is_autograd_s():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    pull = torch.randn(2, 3, 3)
    flat = x.flatten(2)
    expected = torch.autograd.grad(((flat @ flat.transpose(1, 2) / 60) * pull).sum(), x)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(torch.autograd.grad((gram(given) * pull).sum(), x), expected)


def test_gram_is_float32_under_autocast():
    x = torch.randn(1, 8, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        got = gram(x)
    flat = x.flatten(2).double()
    torch.testing.assert_close(
        got.double(), flat @ flat.transpose(1, 2) / x.numel(), atol=1e-6, rtol=1e-5
    )


def test_an_image_has_no_content_loss_to_itself_and_no_style_loss_to_itself(
    encoder, painting, photos
):
    loss = make(encoder, painting, photos, tv_weight=0.0)
    terms = loss(painting, loss.content_targets(painting))
    assert terms.content == 0
    assert terms.style < 1e-8
    assert terms.tv == 0


def test_unpainted_photos_have_a_style_term_of_1(encoder, painting, photos):
    loss = make(encoder, painting, photos, style_weight=7.0)
    terms = loss(photos, loss.content_targets(photos))
    torch.testing.assert_close(terms.style, torch.tensor(7.0))


def test_unrelated_pictures_have_a_content_term_near_1(encoder, painting, astronaut):
    pixels = torch.from_numpy(np.array(Image.open(astronaut).convert("RGB"))).permute(2, 0, 1)
    parts = (
        pixels.unfold(1, 128, 128)
        .unfold(2, 128, 128)
        .permute(1, 2, 0, 3, 4)
        .reshape(16, 3, 128, 128)
    )
    photos = parts.float()
    loss = make(encoder, painting, photos)
    terms = loss(photos.roll(5, 0), loss.content_targets(photos))
    assert 0.85 < terms.content < 1.15


def test_the_terms_are_the_formulas(encoder, painting, photos):
    loss = make(encoder, painting, photos, content_weight=2.0, style_weight=3.0, tv_weight=5.0)
    image, photo = photos[:1], photos[1:2]
    terms = loss(image, loss.content_targets(photo))
    features, target = encoder(image, STYLE), encoder(photo, STYLE)
    wanted = {name: gram(f) for name, f in encoder(painting, STYLE).items()}
    content = (features["relu3_3"] - target["relu3_3"]).square().mean()
    unit = 2 * encoder(photos, STYLE)["relu3_3"].var(dim=(0, 2, 3), correction=0).mean()
    torch.testing.assert_close(terms.content, 2 * content / unit)
    style = 0.0
    for name in STYLE:
        typical = style_loss(gram(encoder(photos, STYLE)[name]), wanted[name]).mean()
        style = style + style_loss(gram(features[name]), wanted[name])[0] / typical / 4
    torch.testing.assert_close(terms.style, 3 * style)
    torch.testing.assert_close(terms.tv, 5 * tv_loss(image)[0])
    torch.testing.assert_close(terms.total, terms.content + terms.style + terms.tv)


def test_each_picture_can_have_its_own_style(encoder, photos):
    first, second = torch.rand(1, 3, 64, 64) * 255, torch.rand(1, 3, 80, 64) * 100
    loss = make(encoder, first, photos, tv_weight=0.0)
    loss.set_styles([first, second])
    loss.calibrate(photos)
    images = torch.cat([first, first])
    targets = loss.content_targets(images)
    right = loss(images, targets, torch.tensor([0, 0]))
    wrong = loss(images, targets, torch.tensor([0, 1]))
    assert right.style < 1e-8
    assert wrong.style > 0.1


def test_gradients_reach_the_image_and_not_the_network(encoder, painting, photos):
    loss = make(encoder, painting, photos)
    image = photos[:1].clone().requires_grad_()
    loss(image, loss.content_targets(photos[1:2])).total.backward()
    assert torch.isfinite(image.grad).all()
    assert (image.grad != 0).float().mean() > 0.99
    assert all(p.grad is None for p in loss.parameters())


def test_printing_shows_the_objective(encoder, painting, photos):
    loss = make(encoder, painting, photos, style_weight=12.0)
    assert "12 style{'relu1_2': 0.25" in repr(loss)


def test_an_unknown_layer_is_refused(encoder):
    with pytest.raises(FastnstError, match="no layer 'conv9'"):
        PerceptualLoss(
            encoder,
            content_layers={"conv9": 1},
            style_layers={"relu1_2": 1},
            content_weight=1,
            style_weight=1,
        )
