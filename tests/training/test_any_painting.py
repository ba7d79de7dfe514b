import numpy as np
import pytest
import torch

from fastnst.errors import FastnstError
from fastnst.perceptual import PerceptualLoss, load_loss_network
from fastnst.training.any_painting import HELD_OUT, GramStore, PaintingStore


def matrices(seed: int) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    squares = {name: torch.randn(side, side, generator=rng) for name, side in SIDES.items()}
    return {name: square @ square.T * 10.0 ** (4 * seed) for name, square in squares.items()}


SIDES = {"a": 5, "b": 3}


def test_gram_matrices_are_kept_on_the_disk_whatever_their_size(workdir):
    store = GramStore(workdir / "grams.bin", 2, SIDES, new=True)
    for number in range(2):
        store.write(number, matrices(number))
    again = GramStore(workdir / "grams.bin", 2, SIDES, new=False)
    for number in range(2):
        for name, matrix in again.read(number).items():
            wanted = matrices(number)[name]
            assert (matrix - wanted).abs().max() < 1e-3 * wanted.abs().max()
    assert (workdir / "grams.bin").stat().st_size == 2 * 2 * (15 + 6)


@pytest.fixture
def losses():
    loss = PerceptualLoss(
        load_loss_network(), content_layers={"relu1_1": 1}, style_layers={"relu1_2": 1},
        content_weight=1, style_weight=1,
    )  # fmt: skip
    photos = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    loss.set_styles([photos[:1]])
    loss.reserve(1)
    loss.calibrate(photos)
    return {0: loss}


def load(painting, scale):
    return painting.load_like(64, 64)


def test_paintings_are_measured_once(workdir, make_photos, losses, monkeypatch):
    make_photos(workdir / "paintings", 40)
    (workdir / "paintings" / "broken.jpg").write_text("no picture")
    store = PaintingStore(workdir / "paintings", workdir / "cache")
    store.prepare(losses, load)
    assert len(store.held_out) == HELD_OUT
    assert not set(store.held_out) & set(store.usable)
    broken = [file.name for file in store.files].index("broken.jpg")
    assert broken not in {*store.held_out, *store.usable}
    monkeypatch.setattr(PerceptualLoss, "grams", lambda loss, x: {"relu1_2": torch.zeros(64, 64)})
    again = PaintingStore(workdir / "paintings", workdir / "cache")
    again.prepare(losses, load)
    assert torch.equal(again.statistics, store.statistics)
    number = store.usable[0]
    for name, matrix in store.grams[0].read(number).items():
        assert torch.equal(again.grams[0].read(number)[name], matrix)


def test_a_collage_is_in_between(workdir, make_photos, losses):
    make_photos(workdir / "paintings", 34)
    store = PaintingStore(workdir / "paintings", workdir / "cache")
    store.prepare(losses, load)
    one, other = store.usable[:2]
    assert torch.allclose(store.collage([one], [1.0]), store.statistics[one], rtol=1e-3, atol=1e-2)
    both = store.collage_grams(0, [one, other], [0.25, 0.75])["relu1_2"]
    each = [store.grams[0].read(number)["relu1_2"] for number in (one, other)]
    torch.testing.assert_close(both, 0.25 * each[0] + 0.75 * each[1])
    assert np.isfinite(store.collage([one, other], [0.5, 0.5]).numpy()).all()


def test_too_few_paintings_are_refused(workdir, make_photos):
    make_photos(workdir / "paintings", 3)
    with pytest.raises(FastnstError, match=r"holds 3 pictures\. .* 32 is the least"):
        PaintingStore(workdir / "paintings", workdir / "cache")
