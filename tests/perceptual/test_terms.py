import torch

from fastnst.perceptual import content_loss, focus, gram, style_loss, tv_loss


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


def test_weights_say_where_the_content_counts():
    target = torch.zeros(1, 2, 4, 4)
    features = target.clone()
    features[..., :2, :] = 3.0
    assert content_loss(features, target) == 4.5
    alike = torch.full((1, 1, 2, 2), 7.0)
    torch.testing.assert_close(content_loss(features, target, alike), torch.tensor([4.5]))
    upper = torch.zeros(1, 1, 4, 4)
    upper[..., :2, :] = 5.0
    torch.testing.assert_close(content_loss(features, target, upper), torch.tensor([9.0]))
    torch.testing.assert_close(content_loss(features, target, 5.0 - upper), torch.tensor([0.0]))


def test_the_focus_is_where_a_layer_answers():
    features = torch.zeros(2, 3, 20, 20)
    features[0, :, 8:13, 8:13] = 2.0  # The second photo has nothing in it.
    weights = focus(features, 0.8)
    assert weights.shape == (2, 1, 20, 20)
    # 25 of 400 positions have all of the energy: 16 times the mean at their middle, nothing far from them.
    torch.testing.assert_close(weights[0, 0, 10, 10], torch.tensor(0.2 + 0.8 * 16))
    torch.testing.assert_close(weights[0, 0, 0, 0], torch.tensor(0.2))
    torch.testing.assert_close(weights[1], torch.full((1, 20, 20), 0.2))
    torch.testing.assert_close(focus(features, 0.0), torch.ones(2, 1, 20, 20))


def test_the_gradient_of_gram_is_autograd_s():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    pull = torch.randn(2, 3, 3)
    flat = x.flatten(2)
    expected = torch.autograd.grad(((flat @ flat.transpose(1, 2) / 60) * pull).sum(), x)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(torch.autograd.grad((gram(given) * pull).sum(), x), expected)


def test_the_gradient_of_the_content_loss_is_autograd_s():
    torch.manual_seed(0)
    x, target = torch.randn(2, 3, 4, 5, requires_grad=True), torch.randn(2, 3, 4, 5)
    pull = torch.tensor([1.0, -2.0])
    expected = torch.autograd.grad(((x - target).square().mean((1, 2, 3)) * pull).sum(), x)
    torch.testing.assert_close(
        torch.autograd.grad((content_loss(x, target) * pull).sum(), x), expected
    )


def test_gram_is_float32_under_autocast():
    x = torch.randn(1, 8, 200, 200)  # Two parts, the second not whole.
    with torch.autocast("cpu", torch.bfloat16):
        got = gram(x)
    flat = x.flatten(2).double()
    torch.testing.assert_close(
        got.double(), flat @ flat.transpose(1, 2) / x.numel(), atol=1e-6, rtol=1e-5
    )
