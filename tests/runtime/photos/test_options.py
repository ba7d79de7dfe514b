import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import FastnstError, UnknownStyle, UnreadableImage
from fastnst.images.colors import luminance
from fastnst.runtime.photos.options import PhotoOptions


@pytest.fixture
def photo(astronaut) -> Image.Image:
    with Image.open(astronaut) as image:
        return image.convert("RGB").crop((100, 60, 401, 281))


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_no_options_are_the_stylizer_alone(negative, photo):
    assert np.array_equal(
        pixels(PhotoOptions().paint(Stylizer(negative), photo)), 255 - pixels(photo)
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"max_size": 301}, {"size": 200}, {"paint_size": 100}, {"keep_color": "luminance"}],
)
def test_a_frame_is_painted_as_an_image_is(negative, photo, options):
    stylizer, options = Stylizer(negative), PhotoOptions(**options)
    frame = options.paint_frame(stylizer, np.asarray(photo))
    assert np.array_equal(frame, pixels(options.paint(stylizer, photo)))


def test_sizes(negative, photo):
    stylizer = Stylizer(negative)
    assert PhotoOptions(size=602).paint(stylizer, photo).size == (602, 442)
    assert PhotoOptions(max_size=150).paint(stylizer, photo).size == (150, 110)
    assert PhotoOptions(max_size=1500).paint(stylizer, photo).size == photo.size
    assert PhotoOptions(size=602, max_size=301).paint(stylizer, photo).size == photo.size
    for name in ("size", "max_size", "paint_size"):
        with pytest.raises(FastnstError, match=rf"The {name.replace('_', ' ')} is 0\."):
            PhotoOptions(**{name: 0})


def test_keep_color_takes_luminance_from_the_painting_and_colour_from_the_photo(negative, photo):
    painted = PhotoOptions(keep_color="luminance").paint(Stylizer(negative), photo)
    wanted = luminance(255 - np.asarray(photo))
    assert np.abs(luminance(np.asarray(painted)) - wanted).max() <= 1.5
    # Where there is room, chrominance is the photo's.
    dull = Image.fromarray((np.asarray(photo) // 8 + 110).astype(np.uint8))
    painted = pixels(PhotoOptions(keep_color="luminance").paint(Stylizer(negative), dull))
    chroma = [p - luminance(p)[..., None] for p in (painted, pixels(dull))]
    assert np.abs(chroma[0] - chroma[1]).max() <= 1


def test_match_gives_the_painting_the_photos_palette(negative, photo):
    dull = photo.point(lambda value: value // 2 + 64)  # So that nothing is clipped.
    painted = pixels(PhotoOptions(keep_color="palette").paint(Stylizer(negative), dull)).reshape(
        -1, 3
    )
    wanted = pixels(dull).reshape(-1, 3)
    assert np.abs(painted.mean(axis=0) - wanted.mean(axis=0)).max() < 1
    assert np.abs(np.cov(painted, rowvar=False) / np.cov(wanted, rowvar=False) - 1).max() < 0.1


def test_a_mask_says_where_and_how_much(workdir, negative, photo):
    mask = np.zeros((221, 301), np.uint8)
    mask[:, 100:200], mask[:, 200:] = 51, 255
    Image.fromarray(mask).save("mask.png")
    painted = pixels(PhotoOptions(masks=["mask.png"]).paint(Stylizer(negative), photo))
    before = pixels(photo)
    assert np.array_equal(painted[:, :100], before[:, :100])
    assert np.array_equal(painted[:, 200:], 255 - before[:, 200:])
    mixed = 0.8 * before + 0.2 * (255 - before)
    assert np.abs(painted - mixed)[:, 100:200].max() <= 0.51


def test_masks_of_another_size_are_fitted(workdir, negative, photo):
    Image.new("L", (10, 7), 255).save("mask.png")
    painted = pixels(PhotoOptions(masks=["mask.png"]).paint(Stylizer(negative), photo))
    assert np.array_equal(painted, 255 - pixels(photo))


@pytest.mark.usefixtures("engine")
def test_each_region_has_its_style_and_where_masks_overlap_they_share(workdir, many, photo):
    left, right = (np.zeros((221, 301), np.uint8) for _ in range(2))
    left[:, :200], right[:, 100:280] = 255, 255
    Image.fromarray(left).save("left.png")
    Image.fromarray(right).save("right.png")
    stylizer = Stylizer(many)
    options = PhotoOptions(masks=["left.png=alpha", "right.png=beta"])
    painted = pixels(options.paint(stylizer, photo))
    alpha, beta = (pixels(stylizer(photo, style=name)) for name in ("alpha", "beta"))
    assert np.array_equal(painted[:, :100], alpha[:, :100])
    assert np.array_equal(painted[:, 200:280], beta[:, 200:280])
    assert np.abs(painted - (alpha + beta) / 2)[:, 100:200].max() <= 0.51
    assert np.array_equal(painted[:, 280:], pixels(photo)[:, 280:])


def test_masks_that_can_not_be_used_are_named(workdir, many, photo):
    with pytest.raises(UnreadableImage, match=r"There is no file gone\.png"):
        PhotoOptions(masks=["gone.png"])
    Image.new("L", (4, 4)).save("mask.png")
    with pytest.raises(UnknownStyle, match="gamma"):
        PhotoOptions(masks=["mask.png=gamma"]).paint(Stylizer(many), photo)


def test_an_alpha_mask_paints_what_is_opaque(negative, photo):
    alpha = np.tile(np.linspace(0, 255, 301).astype(np.uint8), (221, 1))
    image = photo.copy()
    image.putalpha(Image.fromarray(alpha))
    painted = pixels(PhotoOptions(alpha_mask=True).paint(Stylizer(negative), image))
    assert np.array_equal(painted[..., 3], alpha)
    assert np.array_equal(painted[:, -1, :3], 255 - pixels(photo)[:, -1])
    share = alpha[..., None] / 255
    before = pixels(photo)
    mixed = before + share * (255 - 2 * before)
    assert np.abs(painted[..., :3] - mixed)[alpha > 0].max() <= 0.51


def test_what_is_not_seen_colours_nothing(photo):
    stylizer = Stylizer("the-scream", fast=True)
    alpha = np.zeros((221, 301), np.uint8)
    alpha[60:160, 50:250] = 255
    pictures = []
    for hidden in (0, 255):
        content = np.asarray(photo).copy()
        content[alpha == 0] = (hidden, 255 - hidden, hidden)
        image = Image.fromarray(np.dstack([content, alpha]))
        pictures.append(pixels(PhotoOptions().paint(stylizer, image)))
    assert np.array_equal(pictures[0][alpha == 255], pictures[1][alpha == 255])
    assert np.array_equal(pictures[0][..., 3], alpha)
    # All hidden is a picture too.
    image = photo.copy()
    image.putalpha(0)
    assert PhotoOptions().paint(stylizer, image).size == photo.size


def test_a_small_copy_looks_like_the_large_result(astronaut):
    stylizer = Stylizer("starry-night", fast=True)
    with Image.open(astronaut) as image:
        large = image.convert("RGB").resize((1000, 1000), Image.Resampling.LANCZOS)
    options = PhotoOptions(paint_size=250)
    small = pixels(PhotoOptions(size=250, paint_size=250).paint(stylizer, large))
    for wanted, most in ((options, 5.0), (PhotoOptions(), None)):
        result = wanted.paint(stylizer, large)
        assert result.size == (1000, 1000)
        shrunk = pixels(result.resize((250, 250), Image.Resampling.BOX))
        apart = np.abs(shrunk - small).mean()
        assert apart < most if most else apart > 15
