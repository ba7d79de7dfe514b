import numpy as np
import pytest
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.kinds import to_batch

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(5, 7, 3), (1, 5, 7, 3), (4, 5, 7, 3)])
def test_arrays_come_back_in_their_shape(shape):
    given = np.broadcast_to(PIXELS, shape)
    batch, back = to_batch(given)
    assert batch.shape == (shape[0] if len(shape) == 4 else 1, 5, 7, 3)
    assert np.array_equal(back(255 - batch), 255 - given)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_pillow_images_keep_their_mode_transparency_and_metadata(mode):
    image = Image.fromarray(PIXELS).convert(mode)
    if "A" in mode:
        image.putalpha(Image.fromarray(PIXELS[..., 0]))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.info.update(exif=exif.tobytes(), dpi=(72, 72))
    batch, back = to_batch(image)
    result = back(255 - batch)
    assert (result.mode, result.size, result.info) == (mode, (7, 5), image.info)
    assert result.getexif()[0x0112] == 6
    if "A" in mode:
        assert np.array_equal(result.getchannel("A"), PIXELS[..., 0])
    if mode in ("RGB", "RGBA"):
        assert np.array_equal(result.convert("RGB"), 255 - PIXELS)


def test_pillow_images_of_other_modes_come_back_as_rgb():
    image = Image.fromarray(PIXELS).quantize(16)
    image.info["transparency"] = 3
    batch, back = to_batch(image)
    assert np.array_equal(batch[0], image.convert("RGB"))
    assert (back(batch).mode, back(batch).info) == ("RGB", {})


@pytest.mark.parametrize("count", [None, 1, 3])
def test_tensors_come_back_as_tensors(count):
    torch = pytest.importorskip("torch")
    given = torch.from_numpy(PIXELS).permute(2, 0, 1)
    if count is not None:
        given = torch.stack([given] * count).to(memory_format=torch.channels_last)
    batch, back = to_batch(given)
    assert all(np.array_equal(pixels, PIXELS) for pixels in batch)
    before = given.clone()
    result = back(255 - batch)
    assert (result.dtype, result.device, result.stride()) == (
        given.dtype, given.device, given.stride(),
    )  # fmt: skip
    assert torch.equal(result, 255 - given)
    assert torch.equal(given, before)


def test_tensors_of_torchvision_stay_such():
    torch = pytest.importorskip("torch")
    tv_tensors = pytest.importorskip("torchvision.tv_tensors")
    given = tv_tensors.Image(torch.from_numpy(PIXELS).permute(2, 0, 1))
    batch, back = to_batch(given)
    result = back(255 - batch)
    assert type(result) is tv_tensors.Image
    assert torch.equal(result, 255 - given)


@pytest.mark.parametrize(
    "image",
    [PIXELS / 255, PIXELS[..., 0], PIXELS.transpose(2, 0, 1), PIXELS[:0], PIXELS[None, None]],
)
def test_other_arrays_are_named(image):
    with pytest.raises(FastnstError, match=r"The image is \w+ of shape \(.*\)\. Give uint8 RGB"):
        to_batch(image)


def test_other_tensors_and_things_are_named():
    torch = pytest.importorskip("torch")
    with pytest.raises(FastnstError, match=r"torch\.float32 of shape \(3, 8, 8\)"):
        to_batch(torch.zeros(3, 8, 8))
    with pytest.raises(FastnstError, match=r"torch\.uint8 of shape \(8, 8, 3\)"):
        to_batch(torch.zeros(8, 8, 3, dtype=torch.uint8))
    with pytest.raises(FastnstError, match=r"The image is str\. Give a Pillow image"):
        to_batch("photo.jpg")
