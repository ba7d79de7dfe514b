import numpy as np
import pytest
from PIL import Image

from fastnst import Stylizer
from fastnst.runtime.batch import files as module
from fastnst.runtime.batch.stylize import stylize

pytest.importorskip("pyvips")
pytest.importorskip("tifffile")


@pytest.fixture
def huge(monkeypatch):
    """Any picture counts as larger than memory."""
    monkeypatch.setattr(module, "too_large", lambda *_: True)


def photo(mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (130, 211, 4), dtype=np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize(
    ("source", "target"), [("a.png", "out.tif"), ("a.tif", "out.png"), ("a.png", "out.png")]
)
def test_a_picture_goes_from_disk_to_disk(workdir, negative, huge, mode, source, target):
    photo(mode).save(source, dpi=(300, 300))
    (result,) = stylize([source], target, style=Stylizer(negative, tile=64))
    assert result.error == ""
    assert (result.width, result.height) == (211, 130)
    with Image.open(target) as image:
        wanted = np.asarray(photo(mode).convert("RGBA" if mode == "RGBA" else "RGB")).copy()
        wanted[..., :3] = 255 - wanted[..., :3]
        assert np.array_equal(np.asarray(image), wanted)
        assert [round(d) for d in image.info["dpi"]] == [300, 300]
    assert sorted(path.name for path in workdir.iterdir()) == sorted({source, target})


def test_it_is_upright_of_eight_bits_and_has_its_exif(workdir, negative, huge):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    photo().save("a.jpg", exif=exif, quality=100, subsampling=0)
    stylize(["a.jpg"], "out.png", style=Stylizer(negative, tile=64))
    with Image.open("a.jpg") as before, Image.open("out.png") as image:
        turned = 255 - np.asarray(before).swapaxes(0, 1)[:, ::-1].astype(int)
        assert np.abs(np.asarray(image) - turned).max() <= 3
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F].startswith("Maker")
    sixteen = np.arange(0, 65536, 4, dtype=np.uint16).reshape(128, 128)
    Image.fromarray(sixteen).save("b.png")
    stylize(["b.png"], "b.tif", style=Stylizer(negative, tile=64))
    with Image.open("b.tif") as image:
        assert np.abs(255 - np.asarray(image)[..., 0].astype(int) - sixteen // 257).max() <= 1


@pytest.mark.slow
def test_it_is_what_is_painted_in_memory(workdir, huge, monkeypatch, astronaut):
    stylizer = Stylizer("the-scream", fast=True, tile=128)
    with Image.open(astronaut) as image:
        image.convert("RGB").resize((300, 200)).save("a.png")
    stylize(["a.png"], "streamed.png", style=stylizer)
    with Image.open("streamed.png") as streamed, Image.open("a.png") as image:
        assert np.array_equal(np.asarray(streamed), stylizer(np.asarray(image)))


def test_what_can_not_be_streamed_is_one_sentence(workdir, negative, huge):
    photo().save("a.png")
    stylizer = Stylizer(negative, tile=64)
    (result,) = stylize(["a.png"], "out.webp", style=stylizer)
    assert "out.webp can't be written while it is painted. Give a TIFF, PNG or JPEG" in result.error
    (result,) = stylize(
        ["a.png"], "out.png", style=stylizer, photo_options=module.PhotoOptions(max_size=100)
    )
    assert "a.png is too large for the memory that is free" in result.error
    with open("a.png", "r+b") as file:
        file.truncate(20_000)
    (result,) = stylize(["a.png"], "out.png", style=stylizer)
    assert result.error.startswith("a.png can't be painted:")
    assert [path.name for path in workdir.iterdir()] == ["a.png"]
