import numpy as np
import pytest

from fastnst.evaluation.metrics import border, checkerboard, pan, unsteadiness

RNG = np.random.default_rng(0)


def scene(size=128):
    """A noise that falls off with frequency, as photos do."""
    noise = np.fft.fft2(RNG.normal(size=(size, size, 3)), axes=(0, 1))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    y = np.fft.ifft2(noise / (f + 0.05)[..., None] ** 1.5, axes=(0, 1)).real
    return np.clip(128 + 40 * y / y.std(), 0, 255).astype(np.uint8)


def test_a_photo_has_no_checkerboard_of_its_own():
    photo = scene()
    assert checkerboard(photo, photo) == 1


@pytest.mark.parametrize("period", [2, 4])
def test_a_lattice_raises_the_checkerboard_and_the_more_the_stronger(period):
    photo = scene()
    found = []
    for strength in (2, 4, 8):
        lattice = np.zeros_like(photo)
        lattice[::period, ::period] = strength
        found.append(
            checkerboard(np.clip(photo.astype(int) + lattice, 0, 255).astype(np.uint8), photo)
        )
    assert found[0] > 1.1
    assert found == sorted(found)
    assert found[2] > 2 * found[0]


def test_a_pattern_of_another_period_is_no_checkerboard():
    photo = scene(120)
    lattice = np.zeros_like(photo)
    lattice[::5, ::5] = 20
    assert (
        0.8
        < checkerboard(np.clip(photo.astype(int) + lattice, 0, 255).astype(np.uint8), photo)
        < 1.25
    )


def test_the_border_is_the_difference_of_two_rings():
    photo = np.full((96, 96, 3), 100, np.uint8)
    photo[16:-16, 16:-16] = 110
    framed = np.full((96, 96, 3), 100, np.uint8)
    framed[16:-16, 16:-16] = 130
    assert border(framed, photo) == pytest.approx(3)
    assert border(photo, photo) == 1


def test_pictures_of_one_colour_have_neither():
    flat = np.full((96, 96, 3), 100, np.uint8)
    assert checkerboard(flat, flat) == border(flat, flat) == 1


def test_a_still_photo_does_not_flicker_and_noise_does():
    photo = scene()
    frames = pan(photo)
    assert [frame.shape for frame in frames] == [(120, 104, 3)] * 9
    assert unsteadiness(frames) == 0
    noisy = [np.clip(f + RNG.normal(0, 5, f.shape), 0, 255).astype(np.uint8) for f in frames]
    # The mean difference of two draws of deviation 5 is 10 / sqrt(pi).
    assert unsteadiness(noisy) == pytest.approx(10 / np.pi**0.5, rel=0.05)
