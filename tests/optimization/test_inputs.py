import numpy as np
import pytest
import torch
from PIL import Image

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.images.colors import luminance
from fastnst.optimization.inputs import Inputs, read_inputs


@pytest.fixture
def folder(workdir):
    """A photo of 80x64 and two paintings, of 50x50 and 100x40."""
    rng = np.random.default_rng(0)
    for name, size in {"photo": (80, 64), "a": (50, 50), "b": (100, 40)}.items():
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(f"{name}.png")
    left = np.zeros((64, 80), np.uint8)
    left[:, :40] = 255
    Image.fromarray(left).save("left.png")
    Image.fromarray(255 - left).save("right.png")
    return workdir


def read(style=("a.png",), mask=(), content="photo.png", style_size=None, keep_color=None):
    return read_inputs(content, style, mask, style_size=style_size, keep_color=keep_color)


def test_one_painting_covers_all(folder):
    inputs = read()
    sized = inputs.at(80, 80)
    assert sized.content.shape == (1, 3, 64, 80)
    assert sized.regions is None
    assert inputs.blends.tolist() == [[1]]
    photo = torch.from_numpy(np.array(Image.open("photo.png")))
    torch.testing.assert_close(sized.content[0].permute(1, 2, 0).byte(), photo)


def test_paintings_shrink_with_the_picture_and_never_grow_unasked(folder):
    def sizes(size, full, **options):
        return [
            tuple(p.shape[:1:-1])
            for p in read(("a.png", "b.png"), **options).at(size, full).paintings
        ]

    assert sizes(80, 80) == [(50, 50), (80, 32)]
    assert sizes(40, 80) == [(32, 32), (80, 32)]  # Held at 32 px on the shorter side.
    assert sizes(80, 80, style_size=200) == [(200, 200), (200, 80)]
    assert sizes(40, 80, style_size=200) == [(100, 100), (100, 40)]


def test_several_paintings_are_blended_by_their_weights(folder):
    assert read(("a.png:3", "b.png")).blends.tolist() == [[0.75, 0.25]]
    assert read(("a.png", "b.png")).blends.tolist() == [[0.5, 0.5]]


def test_a_colon_without_a_number_is_part_of_the_name(folder):
    Image.open("a.png").save("x:y.png")
    assert read(("x:y.png",)).blends.tolist() == [[1]]


def test_masks_say_which_region_takes_which_painting(folder):
    inputs = read(("a.png", "b.png"), ("left.png=a.png", "right.png=b.png"))
    assert inputs.blends.tolist() == [[1, 0], [0, 1]]
    regions = inputs.at(40, 80).regions
    assert regions.shape == (2, 32, 40)
    assert regions[0, :, :20].min() == 1
    assert regions[0, :, 20:].max() == 0
    torch.testing.assert_close(regions.sum(dim=0), torch.ones(32, 40))


def test_what_no_mask_covers_is_for_the_paintings_that_none_names(folder):
    inputs = read(("a.png",), ("left.png=b.png",))
    assert inputs.blends.tolist() == [[1, 0], [0, 1]]
    rest, left = inputs.at(80, 80).regions
    torch.testing.assert_close(rest, 1 - left)


def test_where_nothing_is_said_nothing_is_painted(folder):
    inputs = read((), ("left.png=b.png",))
    assert inputs.at(80, 80).regions.shape == (1, 64, 80)


def test_masks_that_overlap_share(folder):
    Image.new("L", (80, 64), 255).save("all.png")
    regions = read((), ("left.png=a.png", "all.png=b.png")).at(80, 80).regions
    assert regions[:, 0, 0].tolist() == [0.5, 0.5]
    assert regions[:, 0, 79].tolist() == [0, 1]


def test_matched_colours_are_the_photo_s(folder):
    sized = read(keep_color="palette").at(80, 80)
    photo, painting = (t.flatten(2)[0].mean(dim=1) for t in (sized.content, sized.paintings[0]))
    torch.testing.assert_close(painting, photo, atol=4.0, rtol=0)


def test_of_luminance_alone_the_photo_s_colours_come_back(folder):
    inputs = read(keep_color="luminance")
    sized = inputs.at(80, 80)
    assert sized.content.shape == (1, 1, 64, 80)
    assert sized.paintings[0].shape[1] == 3
    assert abs(sized.paintings[0].mean() - sized.content.mean()) < 6
    painted = np.asarray(inputs.finish(sized.content, 80))
    np.testing.assert_allclose(painted, np.asarray(Image.open("photo.png")), atol=1)
    darker = np.asarray(inputs.finish(sized.content * 0.8, 80))
    np.testing.assert_allclose(luminance(darker), sized.content[0, 0].numpy() * 0.8, atol=1)


@pytest.mark.parametrize("keep_color", [None, "luminance"])
def test_starts_have_the_view_s_shape(folder, keep_color):
    inputs = read(keep_color=keep_color)
    sized = inputs.at(80, 80)
    for init in ("content", "noise", "style", "b.png"):
        start = inputs.start(init, sized, seed=1)
        assert start.shape == sized.content.shape
    torch.testing.assert_close(inputs.start("content", sized, 1), sized.content)


def test_noise_follows_the_seed(folder):
    inputs = read()
    sized = inputs.at(80, 80)
    same, again, other = (inputs.start("noise", sized, seed) for seed in (1, 1, 2))
    assert torch.equal(same, again)
    assert not torch.equal(same, other)
    assert 0.95 < same.std() < 1.05


def test_transparency_is_the_photo_s(folder):
    image = Image.open("photo.png").convert("RGBA")
    image.putalpha(Image.open("left.png"))
    image.save("clear.png")
    inputs = read(content="clear.png")
    painted = inputs.finish(inputs.at(80, 80).content, 80)
    assert np.array_equal(np.asarray(painted.getchannel("A")), np.asarray(Image.open("left.png")))


def test_an_unfinished_picture_is_brought_to_its_full_size(folder):
    inputs = read()
    assert inputs.finish(inputs.at(40, 80).content, 80).size == (80, 64)


def test_pictures_are_upright(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open("photo.png").save("turned.jpg", exif=exif)
    assert read(content="turned.jpg").content.size == (64, 80)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"content": "dot.png"}, r"The photo dot\.png is 1x1 px\. It must have 32 px or more"),
        ({"style": ("dot.png",)}, r"The painting dot\.png is 1x1 px"),
        ({"style": ()}, r"No painting was given"),
        ({"style": ("a.png:-1",)}, r"The weight of a\.png is -1\. It must be 0 or more"),
        ({"style": ("a.png:0",)}, r"weights of the paintings sum to 0"),
        (
            {"mask": ("small.png=a.png",)},
            r"small\.png is 20x20 px, but the photo photo\.png is 80x64 px",
        ),
        (
            {"mask": ("left.png",)},
            r"mask 'left\.png' does not say which painting.*MASK\.png=PAINTING\.jpg",
        ),
        ({"mask": ("black.png=a.png",)}, r"black\.png is black all over"),
    ],
)
def test_what_can_t_be_used_is_refused(folder, given, sentence):
    Image.new("RGB", (1, 1)).save("dot.png")
    Image.new("L", (20, 20), 255).save("small.png")
    Image.new("L", (80, 64), 0).save("black.png")
    with pytest.raises(FastnstError, match=sentence):
        read(**given)


def test_a_missing_file_is_named(folder):
    with pytest.raises(UnreadableImage, match=r"no file gone\.png"):
        read(("gone.png",))
    assert isinstance(read(), Inputs)
