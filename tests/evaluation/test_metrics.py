import numpy as np
import pytest

from fastnst.evaluation.metrics import (
    border,
    checkerboard,
    pan,
    pan_flicker,
    repetition,
    repetitions,
)

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


def waves(period, size=96):
    """A lattice of deviation 1: a wave across and one down, each of variance a half."""
    wave = np.cos(2 * np.pi * np.arange(size) / period)
    return wave[:, None] + wave


def grain(seed, size=96):
    """White noise, made smooth by a Gaussian of 1 px, of deviation 1."""
    f = np.fft.fftfreq(size)
    low = np.exp(-2 * np.pi**2 * (f[:, None] ** 2 + f**2))
    noise = np.fft.ifft2(np.fft.fft2(np.random.default_rng(seed).normal(size=(size, size))) * low)
    return noise.real / noise.real.std()


@pytest.mark.parametrize("period", [8, 12, 17, 32, 40])
def test_a_lattice_repeats_itself_wholly(period):
    square = np.zeros((96, 96))
    square[::period, ::period] = 100
    assert repetition(square) == pytest.approx(1, abs=0.05)
    assert repetition(waves(period) * 20) == pytest.approx(1, abs=0.02)


def test_a_period_counts_from_6_to_40_px():
    square = np.zeros((96, 96))
    square[::4, ::4] = 100  # Again at 8 px.
    assert repetition(square) == pytest.approx(1, abs=0.01)
    square = np.zeros((96, 96))
    square[24::48, 24::48] = 100
    assert repetition(square) < 0.1


def test_noise_repeats_nothing():
    assert max(repetition(grain(seed) * 20) for seed in range(10)) < 0.2


@pytest.mark.parametrize(("lattice", "noise"), [(1, 0.5), (1, 1), (0.5, 1)])
def test_a_lattice_in_noise_has_its_share_of_the_power(lattice, noise):
    """At its periods the noise adds nothing but chance, of which the highest of 44 lags is about 0.06."""
    found = [repetition(20 * (lattice * waves(12) + noise * grain(seed))) for seed in range(10)]
    assert np.mean(found) == pytest.approx(lattice**2 / (lattice**2 + noise**2), abs=0.08)


def test_one_mark_alone_or_none_repeats_nothing():
    square = np.full((96, 96), 100.0)
    assert repetition(square) == 0
    square[0::12, 0::12] += 1  # Of 0.08 levels in the mean: nobody sees it.
    assert repetition(square) == 0
    spot = np.full((96, 96), 100.0)
    spot[46:50, 46:50] = 200
    assert repetition(spot) < 0.05


def test_the_squares_are_those_in_the_middle_where_the_photo_is_flat():
    photo = np.full((96 + 40, 3 * 96 + 10, 3), 100, np.uint8)
    photo[:, 5 + 96 : 5 + 2 * 96 : 2] = (
        127  # A deviation of 13.5 in the second square, of 14.5 in the third.
    )
    photo[:, 5 + 2 * 96 :: 2] = 129
    painted = np.full_like(photo, 100)
    painted[20:-20:8, 5 : 5 + 96 : 8] = 200  # A lattice in the first.
    assert repetitions(painted, photo) == [pytest.approx(1, abs=0.01), 0]
    assert repetitions(painted[:90], photo[:90]) == []


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
    assert pan_flicker(frames) == 0
    noisy = [np.clip(f + RNG.normal(0, 5, f.shape), 0, 255).astype(np.uint8) for f in frames]
    # The mean difference of two draws of deviation 5 is 10 / sqrt(pi).
    assert pan_flicker(noisy) == pytest.approx(10 / np.pi**0.5, rel=0.05)
