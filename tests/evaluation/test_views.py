from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from PIL import Image

import fastnst
from fastnst.errors import Diverged, Interrupted
from fastnst.evaluation import views as module
from fastnst.evaluation.views import Views, nearest_view
from fastnst.images.read import read_image
from fastnst.perceptual import load_loss_network
from fastnst.perceptual.terms import gram

LANCZOS = Image.Resampling.LANCZOS


@pytest.fixture
def folder(workdir, make_photos, monkeypatch):
    """Two photos of 96x80 and a painting, seen at 96, 64 and 48 px; optimizing takes two iterations."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(workdir / "cache"))
    monkeypatch.setattr(module, "SIDES", (96, 64, 48))
    monkeypatch.setattr(module, "optimize", partial(fastnst.optimize, iterations=2))
    make_photos(workdir, 2)
    rng = np.random.default_rng(9)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 20, 3), dtype=np.uint8))
    coarse.resize((60, 72), Image.Resampling.NEAREST).save("painting.png")
    return workdir


def photo(number=0):
    return nearest_view(read_image(f"{number:03d}.jpg"))


def kept(folder):
    return sorted((folder / "cache" / "fastnst" / "optimized").iterdir())


def by_hand(picture, of, side, painting):
    """The style and the content term in one view, straight from the features."""

    def features(image):
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        layers = ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
        with torch.no_grad():
            return load_loss_network()(pixels, layers)

    scale = side / max(of.size)
    size = tuple(round(length * scale) for length in of.size)
    ratio = side / max(painting.size)
    small = painting.resize(tuple(round(length * ratio) for length in painting.size), LANCZOS)
    seen, plain, target = (
        features(image)
        for image in (picture.resize(size, LANCZOS), of.resize(size, LANCZOS), small)
    )

    def style(found):
        # Gram matrices of the photo's size: products summed over all positions, as if nothing divided them.
        return sum(
            ((gram(f) - gram(target[name])) * f[0].numel()).square().sum().item() / 4
            for name, f in found.items()
        )

    difference = (seen["relu3_3"] - plain["relu3_3"]).square().mean().item()
    unrelated = 2 * plain["relu3_3"].var(dim=(0, 2, 3), correction=0).mean().item()
    return style(seen) / style(plain), difference / unrelated


def test_the_terms_are_those_of_the_papers_over_three_views(folder):
    painting, picture = read_image("painting.png"), photo(1)
    (found,) = Views(Path("painting.png")).terms(photo(), picture)
    terms = [by_hand(picture, photo(), side, painting) for side in (96, 64, 48)]
    styles, contents = zip(*terms, strict=True)
    assert found.style == pytest.approx(np.prod(styles) ** (1 / 3), rel=1e-3)
    assert found.content == pytest.approx(np.mean(contents), rel=1e-3)


def test_the_photo_itself_is_1_and_0(folder):
    (found,) = Views(Path("painting.png")).terms(photo(), photo())
    assert found.style == pytest.approx(1, rel=1e-5)
    assert found.content == pytest.approx(0, abs=1e-6)


def test_the_painting_itself_has_no_style_term(folder):
    image = read_image("001.jpg")
    (found,) = Views(Path("001.jpg")).terms(photo(), image)
    assert found.style == pytest.approx(1e-6)


def test_a_smooth_picture_is_the_same_at_any_size(folder):
    views = Views(Path("painting.png"))
    plain, large = views.terms(photo(), photo(1), photo(1).resize((288, 240), LANCZOS))
    assert large.style == pytest.approx(plain.style, rel=0.01)
    assert large.content == pytest.approx(plain.content, rel=0.01)


def test_photos_are_enlarged_to_the_nearest_view(folder):
    assert nearest_view(Image.new("RGB", (48, 30))).size == (96, 60)
    assert nearest_view(Image.new("RGB", (300, 192))).size == (96, 61)


@pytest.mark.slow
def test_the_optimized_picture_is_that_of_optimize_and_kept(folder, monkeypatch):
    views = Views(Path("painting.png"))
    shares = []
    first = views.optimized(photo(), lambda share, text: shares.append((share, text[:5])))
    assert shares == [(0, "96 px"), (0.5, "96 px"), (1, "96 px")]
    photo().save("seen.png")
    whole = fastnst.optimize(
        "seen.png", "painting.png", iterations=2, size=96, progress=False, output=Path("o.png")
    )
    assert np.array_equal(np.asarray(first), np.asarray(whole.image))
    (file,) = kept(folder)
    assert np.array_equal(np.asarray(first), np.asarray(read_image(file)))
    views.optimized(photo(1))
    Views(Path("001.jpg")).optimized(photo())
    assert len(kept(folder)) == 3
    monkeypatch.setattr(module, "optimize", lambda *_, **__: pytest.fail("optimized again"))
    again = Views(Path("painting.png")).optimized(photo())
    assert np.array_equal(np.asarray(first), np.asarray(again))


def test_a_kept_picture_that_is_damaged_is_made_again(folder):
    views = Views(Path("painting.png"))
    first = views.optimized(photo())
    (file,) = kept(folder)
    file.write_bytes(file.read_bytes()[:200])
    assert np.array_equal(np.asarray(views.optimized(photo())), np.asarray(first))
    assert np.array_equal(np.asarray(read_image(file)), np.asarray(first))


def test_optimization_beside_itself_is_1(folder):
    views = Views(Path("painting.png"))
    best = np.asarray(views.optimized(photo()))
    assert views.relative_terms(best, photo()) == pytest.approx((1, 1))
    plain, reference = views.terms(photo(), photo(1), Image.fromarray(best))
    found = views.relative_terms(np.asarray(photo(1)), photo())
    assert found.style == pytest.approx(plain.style / reference.style)
    assert found.content == pytest.approx(plain.content / reference.content)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            Interrupted("Stopped after 1 of 2 iterations; x is written."),
            r"^Stopped while a photo was optimized\. The pictures that were finished are kept in .*optimized",
        ),
        (
            Diverged("The content term became nan.", "The picture is kept in x."),
            r"^The content term became nan\. Leave this photo out of --data\.$",
        ),
    ],
)
def test_what_is_stopped_is_not_kept_and_what_is_finished_is(folder, monkeypatch, error, sentence):
    views = Views(Path("painting.png"))
    views.optimized(photo())
    before = kept(folder)

    def stopped(*_, output, **__):
        photo().save(output)
        raise error

    monkeypatch.setattr(module, "optimize", stopped)
    with pytest.raises(type(error), match=sentence):
        views.optimized(photo(1))
    assert kept(folder) == before
