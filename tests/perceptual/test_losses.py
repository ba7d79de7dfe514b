import pytest
import torch

from fastnst.errors import FastnstError
from fastnst.perceptual import PerceptualLoss, gram, style_loss, tv_loss


def test_an_image_has_no_content_loss_to_itself_and_no_style_loss_to_itself(
    make, network, painting, photos
):
    loss = make(network, painting, photos, tv_weight=0.0)
    terms = loss(painting, loss.content_targets(painting))
    assert terms.content == 0
    assert terms.style < 1e-8
    assert terms.tv == 0


def test_the_terms_are_the_formulas(make, network, painting, photos):
    loss = make(network, painting, photos, content_weight=2.0, style_weight=3.0, tv_weight=5.0)
    image, photo = photos[:1], photos[1:2]
    terms = loss(image, loss.content_targets(photo))
    features, target = network(image, loss.style_layers), network(photo, loss.style_layers)
    wanted = {name: gram(f) for name, f in network(painting, loss.style_layers).items()}
    content = (features["relu3_3"] - target["relu3_3"]).square().mean()
    unit = 2 * network(photos, loss.style_layers)["relu3_3"].var(dim=(0, 2, 3), correction=0).mean()
    torch.testing.assert_close(terms.content, 2 * content / unit)
    style = 0.0
    for name in loss.style_layers:
        typical = style_loss(gram(network(photos, loss.style_layers)[name]), wanted[name]).mean()
        style = style + style_loss(gram(features[name]), wanted[name])[0] / typical / 4
    torch.testing.assert_close(terms.style, 3 * style)
    torch.testing.assert_close(terms.tv, 5 * tv_loss(image)[0])
    torch.testing.assert_close(terms.total, terms.content + terms.style + terms.tv)


def test_the_focus_moves_the_content_term_to_what_a_deep_layer_answers_to(
    make, network, painting, photos
):
    photo = torch.full((1, 3, 128, 128), 128.0)
    photo[:, :, 16:48, 16:48] = photos[:1, :, :32, :32]
    plain, focused = (
        make(network, painting, photos, content_focus=share, style_weight=0.0, tv_weight=0.0)
        for share in (0.0, 0.9)
    )
    assert plain.content_targets(photo).weights is None
    assert focused.content_targets(photo).weights[0, 0, 4, 4] > 2
    assert focused.content_targets(photo).weights[0, 0, 12, 12] < 0.7

    def content(loss, left, top):
        changed = photo.clone()
        changed[:, :, top : top + 24, left : left + 24] += 20
        return loss(changed, loss.content_targets(photo)).content

    assert content(focused, 20, 20) > 1.5 * content(plain, 20, 20)
    assert content(focused, 92, 92) < 0.7 * content(plain, 92, 92)


def test_each_picture_can_have_its_own_style(make, network, photos):
    first, second = torch.rand(1, 3, 64, 64) * 255, torch.rand(1, 3, 80, 64) * 100
    loss = make(network, first, photos, tv_weight=0.0)
    loss.set_styles([first, second])
    loss.calibrate(photos)
    images = torch.cat([first, first])
    targets = loss.content_targets(images)
    right = loss(images, targets, torch.tensor([0, 0]))
    wrong = loss(images, targets, torch.tensor([0, 1]))
    assert right.style < 1e-8
    assert wrong.style > 0.1


def test_gradients_reach_the_image_and_not_the_network(make, network, painting, photos):
    loss = make(network, painting, photos)
    image = photos[:1].clone().requires_grad_()
    loss(image, loss.content_targets(photos[1:2])).total.backward()
    assert torch.isfinite(image.grad).all()
    assert (image.grad != 0).float().mean() > 0.99
    assert all(p.grad is None for p in loss.parameters())


def test_printing_shows_the_objective(make, network, painting, photos):
    loss = make(network, painting, photos, style_weight=12.0)
    assert "12 style{'relu1_2': 0.25" in repr(loss)


def test_an_unknown_layer_is_refused(network):
    with pytest.raises(FastnstError, match="no layer 'conv9'"):
        PerceptualLoss(
            network,
            content_layers={"conv9": 1},
            style_layers={"relu1_2": 1},
            content_weight=1,
            style_weight=1,
        )


def written_out(network, image, photo, painting, norm):
    """The objective and its gradient, with plain tensors: Gatys et al. 2016, equations 1, 3, 4, 5 and 7."""
    content_layer, layers = "relu3_2", {"relu1_1": 1.0, "relu2_1": 3.0}
    names = [content_layer, *layers]

    def features(x):
        return network(x, names)

    def layer_term(x_features, s_features, name):
        f, s = x_features[name][0].flatten(1), s_features[name][0].flatten(1)
        n, m = f.shape
        if norm == "none":  # Gram matrices as they are.
            return ((f @ f.T - s @ s.T) ** 2).sum()
        if norm == "hw":
            return ((f @ f.T / m - s @ s.T / s.shape[1]) ** 2).sum()
        # 1 / (4 N^2 M^2), of matrices of equal M; and Johnson's, four times as much.
        return ((f @ f.T - s @ s.T * m / s.shape[1]) ** 2).sum() / (4 * n**2 * m**2)

    x = image.clone().requires_grad_()
    fx, fp, fs = features(x), features(photo), features(painting)
    variance = fp[content_layer].var(dim=(0, 2, 3), correction=0).mean()
    content = (0.5 * (fx[content_layer] - fp[content_layer]) ** 2).sum()
    content = content / (fp[content_layer].numel() / 2 * 2 * variance)
    terms = {k: layer_term(fx, fs, k) for k in layers}
    photo_terms = {k: layer_term(fp, fs, k).detach() for k in layers}
    if norm == "unit":
        style = sum(w / 4 * terms[k] / photo_terms[k] for k, w in layers.items())
    else:
        style = sum(w * terms[k] for k, w in layers.items())
        style = style / sum(w * photo_terms[k] for k, w in layers.items())
    y = x / 255
    steps = ((y[..., :, 1:] - y[..., :, :-1]) ** 2).mean() + (
        (y[..., 1:, :] - y[..., :-1, :]) ** 2
    ).mean()
    total = 2 * content + 3 * style + 5 * steps
    (gradient,) = torch.autograd.grad(total, x)
    return (2 * content, 3 * style, 5 * steps), gradient


@pytest.mark.parametrize("norm", ["unit", "chw", "hw", "none"])
def test_terms_and_gradients_are_the_papers(network, norm):
    generator = torch.Generator().manual_seed(5)
    image, photo = (torch.rand(1, 3, 32, 40, generator=generator) * 255 for _ in range(2))
    # Of the photo's size: Gram matrices that are not divided can't be compared else.
    painting = torch.rand(1, 3, 32, 40, generator=generator) * 200
    loss = PerceptualLoss(
        network,
        content_layers={"conv3_2": 1},
        style_layers={"conv1_1": 1, "block2_conv1": 3},
        content_weight=2,
        style_weight=3,
        tv_weight=5,
        gram_norm=norm,
    )
    loss.set_styles([painting])
    loss.calibrate(photo)
    x = image.clone().requires_grad_()
    terms = loss(x, loss.content_targets(photo))
    expected, gradient = written_out(network, image, photo, painting, norm)
    torch.testing.assert_close(tuple(terms), expected, rtol=1e-4, atol=1e-6)
    (got,) = torch.autograd.grad(terms.total, x)
    torch.testing.assert_close(got, gradient, rtol=1e-3, atol=1e-3 * gradient.abs().max().item())


def test_a_region_is_judged_by_itself(network, painting, photos):
    loss = PerceptualLoss(
        network, content_layers={"relu1_1": 1}, style_layers={"relu1_1": 1}, content_weight=0, style_weight=1
    )  # fmt: skip
    loss.set_styles([painting, photos[:1]])
    regions = torch.zeros(2, 64, 64)
    regions[0, :, :48], regions[1, :, 48:] = 1, 1
    loss.calibrate(photos[1:2], regions)
    image = photos[2:3]
    terms = loss(image, loss.content_targets(image), regions=regions)
    f = network(image, ["relu1_1"])["relu1_1"][0]
    p = network(photos[1:2], ["relu1_1"])["relu1_1"][0]
    expected = 0
    for part, target, share in ((slice(0, 48), painting, 0.75), (slice(48, 64), photos[:1], 0.25)):
        wanted = network(target, ["relu1_1"])["relu1_1"][0].flatten(1)
        wanted = wanted @ wanted.T / wanted.numel()
        raw = []
        for features in (f, p):
            flat = features[:, :, part].flatten(1)
            raw.append(((flat @ flat.T / flat.numel() - wanted) ** 2).sum())
        expected = expected + share * raw[0] / raw[1]
    torch.testing.assert_close(terms.style, expected, rtol=1e-4, atol=1e-6)


def test_a_region_pulls_on_its_own_pixels_alone(network, painting, photos):
    loss = PerceptualLoss(
        network, content_layers={"relu1_1": 1}, style_layers={"relu1_1": 1}, content_weight=0, style_weight=1
    )  # fmt: skip
    loss.set_styles([painting])
    region = torch.zeros(1, 64, 64)
    region[:, :, :32] = 1
    loss.calibrate(photos[:1], region)
    x = photos[:1].clone().requires_grad_()
    loss(x, loss.content_targets(photos[:1]), regions=region).total.backward()
    assert (x.grad[..., :32] != 0).any()
    assert (x.grad[..., 33:] == 0).all()  # One pixel further: the reach of one convolution.


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"style_weight": -1.0}, r"The style weight is -1\. It must be 0 or more"),
        ({"content_weight": float("nan")}, r"The content weight is nan"),
        ({"style_layers": {"relu1_1": -2.0}}, r"weight of the style layer relu1_1 is -2"),
        ({"content_layers": {}}, r"weights of the content layers sum to 0"),
        ({"content_focus": 1.5}, r"The content focus is 1\.5\. It is 0 to 1"),
        ({"gram_norm": "cw"}, r"no Gram norm 'cw'.*'chw'"),
    ],
)
def test_weights_out_of_range_are_refused(network, change, sentence):
    good = {
        "content_layers": {"relu1_1": 1},
        "style_layers": {"relu1_1": 1},
        "content_weight": 1,
        "style_weight": 1,
    }
    with pytest.raises(FastnstError, match=sentence):
        PerceptualLoss(network, **(good | change))
