import numpy as np
import pytest
from PIL import Image

import fastnst
from fastnst import Stylizer
from fastnst.errors import BadStyleFile, DeviceUnavailable, FastnstError, UnknownStyle
from fastnst.runtime.photos.contact_sheet import describe_styles


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (17, 31), (64, 64), (5, 3), (101, 2)])
def test_any_size_comes_back_exactly(negative, shape):
    photo = noise(*shape)
    assert np.array_equal(Stylizer(negative)(photo), 255 - photo)


def test_the_same_kind_comes_back(negative, astronaut):
    stylizer = Stylizer(negative)
    with Image.open(astronaut) as image:
        pixels = np.asarray(image.convert("RGB"))
        from_image = stylizer(image)
    from_path, from_text, from_array = (
        stylizer(astronaut),
        stylizer(str(astronaut)),
        stylizer(pixels),
    )
    assert isinstance(from_array, np.ndarray)
    for painted in (from_image, from_path, from_text):
        assert isinstance(painted, Image.Image)
        assert np.array_equal(np.asarray(painted), 255 - pixels)
    assert np.array_equal(from_array, 255 - pixels)


def test_transparency_is_kept(negative):
    image = Image.fromarray(np.dstack([noise(9, 9), noise(9, 9)[..., 0]]), "RGBA")
    painted = Stylizer(negative)(image)
    assert np.array_equal(np.asarray(painted)[..., 3], np.asarray(image)[..., 3])


def test_size_sets_the_longer_side(negative, astronaut):
    assert Stylizer(negative)(astronaut, size=100).size == (100, 100)
    assert Stylizer(negative)(noise(40, 80), size=20).shape == (10, 20, 3)


def test_a_zoo_net_paints_at_its_own_size_and_says_so(zoo):
    stylizer = Stylizer(zoo)
    assert stylizer.card is None
    assert (
        stylizer.note == "zoo.onnx paints at 224x224 px only, so that is the size of what it gives."
    )
    square = noise(224, 224)
    assert np.array_equal(stylizer(square), 255 - square)
    assert stylizer(noise(300, 600)).shape == (112, 224, 3)
    assert stylizer(noise(30, 20)).shape == (224, 149, 3)


@pytest.mark.parametrize(
    "array",
    [noise(4, 4).astype(np.float32), noise(4, 4)[..., 0], noise(4, 4)[:0], noise(4, 4)[..., :2]],
)
def test_other_arrays_are_refused(negative, array):
    with pytest.raises(
        FastnstError, match=r"The array is .* Give uint8 RGB of shape \(height, width, 3\)"
    ):
        Stylizer(negative)(array)


def test_what_is_no_style_is_refused(tmp_path, classifier, negative):
    (tmp_path / "text.onnx").write_text("hello")
    (tmp_path / "cut.onnx").write_bytes(negative.read_bytes()[:300])
    with pytest.raises(BadStyleFile, match=r"text\.onnx can't be loaded as an ONNX net: [^\[]*$"):
        Stylizer(tmp_path / "text.onnx")
    with pytest.raises(BadStyleFile, match=r"cut\.onnx can't be loaded"):
        Stylizer(tmp_path / "cut.onnx")
    with pytest.raises(
        BadStyleFile, match=r"is no style net: it takes data tensor\(float\) \[1, 10\]"
    ):
        Stylizer(classifier)
    with pytest.raises(UnknownStyle, match="There is no style 'nothing-like-it'"):
        Stylizer("nothing-like-it")


def test_a_device_that_is_not_there_is_named(negative):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(
        DeviceUnavailable, match=r"'cuda' is not available .* pip install onnxruntime-gpu"
    ):
        Stylizer(negative, device="cuda")
    with pytest.raises(DeviceUnavailable, match="There is no device 'gpu'"):
        Stylizer(negative, device="gpu")
    assert Stylizer(negative, device="auto").device in ("cpu", "coreml")


def test_memory_running_out_is_one_sentence(negative, monkeypatch):
    stylizer = Stylizer(negative)

    class Full:
        def run(self, *_: object) -> None:
            raise RuntimeError(
                "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bad_alloc: Failed to allocate"
            )

    monkeypatch.setattr(stylizer, "_session", Full())
    with pytest.raises(FastnstError, match="not enough memory to paint 40x40 px at once"):
        stylizer(noise(8, 8))


@pytest.mark.parametrize("painted", [np.zeros((1, 3, 80, 80)), np.full((1, 3, 40, 40), np.nan)])
def test_a_net_that_paints_another_size_or_no_numbers_is_refused(negative, monkeypatch, painted):
    stylizer = Stylizer(negative)

    class Odd:
        def run(self, *_: object) -> list[np.ndarray]:
            return [painted]

    monkeypatch.setattr(stylizer, "_session", Odd())
    with pytest.raises(BadStyleFile, match="is no style net: it made"):
        stylizer(noise(8, 8))


def test_a_size_beyond_all_bounds_is_one_sentence(negative):
    for size in (10**6, 10**10):
        with pytest.raises(
            FastnstError, match=f"would be {size}x{size} px, more than the 180 megapix"
        ):
            Stylizer(negative)(noise(8, 8), size=size)


def test_a_path_may_end_in_anything(negative, tmp_path):
    (tmp_path / "net.bin").write_bytes(negative.read_bytes())
    assert Stylizer(tmp_path / "net.bin").name == "net"


def test_styles_are_described_from_their_cards(workdir, monkeypatch, negative):
    monkeypatch.setenv("FASTNST_STYLES", str(negative.parent))
    rows = {row["name"]: row for row in describe_styles()}
    assert rows["negative"] == {
        "name": "negative",
        "title": "Negative",
        "artist": "Nobody",
        "year": 2026,
        "licence": "MIT",
        "net": "johnson",
        "size_mb": 0.0,
    }
    assert "classifier" not in rows
    assert rows["starry-night"]["artist"] == "Vincent van Gogh"
    assert rows["starry-night"]["year"] == 1889


def test_the_shipped_style_paints_no_line_along_the_border(astronaut):
    pixels = np.asarray(fastnst.Stylizer("starry-night")(astronaut), float)
    for side in (pixels, pixels[::-1], pixels.transpose(1, 0, 2), pixels.transpose(1, 0, 2)[::-1]):
        # Without the margin the outermost line differs by up to 16.
        assert np.abs((side[0] - side[4]).mean(axis=0)).max() < 8


def test_the_shipped_style_paints_a_photo(astronaut):
    photo = Image.open(astronaut).convert("RGB").resize((160, 120))
    painted = fastnst.Stylizer("starry-night")(photo)
    pixels = np.asarray(painted, float)
    assert painted.size == (160, 120)
    # The painting is blue; the photo is orange and grey.
    assert pixels[..., 2].mean() > pixels[..., 0].mean() + 10
    # And it is still this photo: its light and dark are where they were.
    grey, before = pixels.mean(axis=2), np.asarray(photo, float).mean(axis=2)
    assert np.corrcoef(grey.ravel(), before.ravel())[0, 1] > 0.4
