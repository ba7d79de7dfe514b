import numpy as np
import torch

from fastnst.training.regularizers import instability


def photos() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 12, 12, generator=rng) * 200 + 20
    return torch.nn.functional.interpolate(coarse, (96, 96), mode="bicubic").clamp(10, 245)


def drawn(paint) -> np.ndarray:
    x = photos()
    return np.array(
        [instability(paint, x, paint(x), np.random.default_rng(k)).item() for k in range(12)]
    )


def test_what_moves_with_the_photo_is_steady_but_for_the_noise():
    found = drawn(lambda x: 255 - x)
    assert found.max() <= (4 / 255) ** 2 * 1.05
    assert found.max() > (2 / 255) ** 2


def test_what_stays_on_the_screen_is_not():
    def locked(x):
        screen = torch.zeros_like(x)
        screen[..., ::8, :] = 60
        return x + screen

    found = drawn(locked)
    # A row of eight is 60 brighter; moved by another number of rows, two in eight differ; zoomed, less.
    assert np.median(found) > 0.6 * (60 / 255) ** 2 / 4
    assert found.mean() > 20 * drawn(lambda x: x).mean()


def test_it_depends_on_the_draw_alone_and_reaches_the_net():
    scale = torch.tensor(0.5, requires_grad=True)
    x = photos()
    values = [
        instability(
            lambda y: (scale * y).sin() * 255, x, (scale * x).sin() * 255, np.random.default_rng(3)
        )
        for _ in range(2)
    ]
    assert values[0] == values[1]
    (gradient,) = torch.autograd.grad(values[0], scale)
    assert gradient.isfinite()
    assert gradient != 0


def test_small_crops_leave_something_to_compare():
    x = photos()[..., :64, :64]
    found = [instability(lambda y: y, x, x, np.random.default_rng(k)).item() for k in range(24)]
    assert np.isfinite(found).all()
