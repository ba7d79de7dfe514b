import numpy as np
import pytest
import torch
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.perceptual import gram


def test_unpainted_photos_have_a_style_term_of_1(make, network, painting, photos):
    loss = make(network, painting, photos, style_weight=7.0)
    terms = loss(photos, loss.content_targets(photos))
    torch.testing.assert_close(terms.style, torch.tensor(7.0))


@pytest.mark.slow
def test_unrelated_pictures_have_a_content_term_near_1(make, network, painting, astronaut):
    pixels = torch.from_numpy(np.array(Image.open(astronaut).convert("RGB"))).permute(2, 0, 1)
    parts = (
        pixels.unfold(1, 128, 128)
        .unfold(2, 128, 128)
        .permute(1, 2, 0, 3, 4)
        .reshape(16, 3, 128, 128)
    )
    photos = parts.float()
    loss = make(network, painting, photos)
    terms = loss(photos.roll(5, 0), loss.content_targets(photos))
    assert 0.85 < terms.content < 1.15


def test_a_blend_of_paintings_has_the_mean_of_their_grams(make, network, painting, photos):
    other = painting.flip(1) / 2
    loss = make(network, painting, photos)
    loss.set_styles([painting, other], torch.tensor([[0.25, 0.75]]))
    wanted = [gram(network(p, loss.style_layers)["relu2_2"]) for p in (painting, other)]
    torch.testing.assert_close(loss.gram_relu2_2, 0.25 * wanted[0] + 0.75 * wanted[1])


def test_a_photo_that_is_the_painting_or_of_one_colour_still_has_units(make, network, painting):
    for photo in (painting, torch.full((1, 3, 64, 64), 90.0)):
        loss = make(network, painting, photo)
        terms = loss(photo, loss.content_targets(photo))
        assert torch.isfinite(torch.stack(tuple(terms))).all()


def test_units_that_are_kept_give_the_same_terms(make, network, painting, photos):
    loss, other = make(network, painting, photos), make(network, painting, photos.flip(0) / 2)
    targets = loss.content_targets(photos.flip(0))
    terms = [each(photos, targets) for each in (loss, other)]
    assert terms[0].style != terms[1].style
    assert terms[0].content != terms[1].content
    other.set_units(loss.units())
    torch.testing.assert_close(other(photos, targets), terms[0])


def test_units_of_another_objective_are_refused(make, network, painting, photos):
    loss = make(network, painting, photos)
    units = loss.units()
    del units["style relu2_2"]
    with pytest.raises(FastnstError, match="The units have none for style relu2_2, but for"):
        loss.set_units(units)


def test_a_style_that_is_placed_is_judged_as_one_that_was_there(make, network, painting, photos):
    other = painting.flip(1) / 2
    loss, placed = make(network, other, photos), make(network, painting, photos)
    number = placed.reserve(2)
    assert number == 1
    placed.place(2, placed.grams(other))
    styles = torch.full((len(photos),), 2)
    targets = loss.content_targets(photos)
    torch.testing.assert_close(placed(photos, targets, styles).style, loss(photos, targets).style)
