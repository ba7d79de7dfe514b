"""Any photo: written in every form there is, painted by a net that makes negatives, and read back."""

import os
import random
import time
from pathlib import Path

import icc
import numpy as np
import pytest
from PIL import Image

from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.engine.stylizer import Stylizer

SIZES = [(1, 1), (1, 500), (17, 31), (4001, 3)]
FORMS = {
    ".jpg": ["RGB", "L", "CMYK"],
    ".png": ["RGB", "RGBA", "L", "LA", "P", "PA", "1", "I;16"],
    ".webp": ["RGB", "RGBA"],
    ".avif": ["RGB", "RGBA"],
    ".tif": ["RGB", "RGBA", "L", "CMYK", "P", "1", "I;16", "F"],
    ".bmp": ["RGB", "L", "P", "1"],
    ".gif": ["L", "P", "PA"],
    ".heic": ["RGB", "RGBA"],
}
"""Mode that each format is written from here; PA is a palette with a transparent colour."""
EXACT = {".png", ".tif", ".bmp"}
ORIENTED = [".jpg", ".png", ".webp", ".tif", ".avif"]
SHOWN = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: a.swapaxes(0, 1)[::-1],
}  # fmt: skip
"""Pixels that are stored, as it is to be shown, by EXIF orientation."""


@pytest.fixture(scope="module")
def negative():
    return Stylizer(Path(__file__).parents[2] / "assets" / "negative.onnx")


@pytest.fixture
def photo(astronaut) -> Image.Image:
    with Image.open(astronaut) as image:
        return image.convert("RGB")


def in_mode(photo: Image.Image, mode: str) -> tuple[Image.Image, np.ndarray]:
    """The photo in a mode, and how that is shown: RGB or RGBA."""
    width, height = photo.size
    alpha = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    if mode in ("RGBA", "LA"):
        image = photo.convert(mode)
        image.putalpha(Image.fromarray(alpha))
        return image, np.asarray(image.convert("RGBA"))
    if mode == "I;16":
        values = np.asarray(photo.convert("L")).astype(np.uint16) * 257
        return Image.fromarray(values), np.asarray(photo.convert("L").convert("RGB"))
    if mode == "F":
        values = np.asarray(photo.convert("L"), np.float32)
        return Image.fromarray(values), np.asarray(photo.convert("L").convert("RGB"))
    if mode == "PA":
        image = photo.quantize(8)
        image.info["transparency"] = 0
        shown = np.dstack(
            [np.asarray(image.convert("RGB")), np.where(np.asarray(image) == 0, 0, 255)]
        )
        return image, shown.astype(np.uint8)
    image = photo.quantize(64) if mode == "P" else photo.convert(mode)
    return image, np.asarray(image.convert("RGB"))


def painted(negative, source: str, target: str) -> np.ndarray:
    (result,) = stylize([source], target, style=negative, quality=100)
    assert result.error == ""
    with Image.open(target) as image:
        assert (result.width, result.height) == image.size
        return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


@pytest.mark.slow
@pytest.mark.parametrize("size", [*SIZES, (48, 64)])
@pytest.mark.parametrize(("ending", "mode"), [(e, m) for e, modes in FORMS.items() for m in modes])
def test_every_format_mode_and_size_comes_back(workdir, negative, photo, ending, mode, size):
    if ending == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image, shown = in_mode(photo.resize(size), mode)
    options = {"lossless": True} if ending == ".webp" else {"quality": 100}
    if ending == ".gif" and mode == "PA":
        options["transparency"] = 0
    image.save(f"a{ending}", **options)
    target = f"out{ending}" if ending in EXACT else "out.png"
    got = painted(negative, f"a{ending}", target).astype(int)
    shown = shown.astype(int)
    if ending == ".bmp":
        shown = shown[..., :3]
    if shown.shape[2] == 4 and (shown[..., 3] == 255).all():
        got = np.dstack([got[..., :3], np.full(shown.shape[:2], 255)])
    assert got.shape == shown.shape
    if shown.shape[2] == 4:
        assert np.abs(got[..., 3] - shown[..., 3]).max() <= (
            0 if ending in (*EXACT, ".gif", ".webp") else 3
        )
        there = shown[..., 3] > 0
        got, shown = got[there][:, :3], shown[there][:, :3]
    most = 0 if ending in (*EXACT, ".gif", ".webp") else 12
    if ending in (".gif", ".tif") and mode == "CMYK":
        most = 2
    assert not got.size or np.abs(got - (255 - shown)).mean() <= most
    # The same through the format itself.
    again = painted(negative, f"a{ending}", f"again{ending}")
    assert again.shape[:2] == size[::-1]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ORIENTED)
def test_every_orientation_is_shown_upright_and_reset(
    workdir, negative, photo, ending, orientation
):
    stored = photo.resize((31, 17))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    options = {"lossless": True} if ending == ".webp" else {"quality": 100}
    stored.save(f"a{ending}", exif=exif, **options)
    shown = SHOWN[orientation](np.asarray(stored)).astype(int)
    for target in ("out.png", f"again{ending}"):
        got = painted(negative, f"a{ending}", target).astype(int)
        assert got.shape == shown.shape
        assert np.abs(got - (255 - shown)).mean() < 12
        with Image.open(target) as image:
            assert image.getexif().get(0x0112, 1) == 1
            assert image.getexif()[0x010F] == "Maker"


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize(
    ("primaries", "gamma"), [(icc.P3, 2.2), (icc.ADOBE, 563 / 256)], ids=["p3", "adobe"]
)
def test_wide_colours_become_srgb(workdir, negative, ending, primaries, gamma):
    rng = np.random.default_rng(0)
    # Muted, so that sRGB has them all; in squares, so that JPEG does too.
    pixels = rng.integers(70, 180, (4, 4, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    options = {"lossless": True} if ending == ".webp" else {"quality": 100}
    if ending in (".jpg", ".avif"):
        options["subsampling"] = "4:4:4"
    Image.fromarray(pixels).save(
        f"a{ending}", icc_profile=icc.rgb_profile(primaries, gamma), **options
    )
    got = 255 - painted(negative, f"a{ending}", "out.png").astype(float)
    wanted = icc.to_srgb(pixels, primaries, gamma)
    assert np.abs(got - wanted).mean() < 1.5
    assert np.abs(wanted - pixels).mean() > 3


def test_grey_and_ink_have_profiles_too(workdir, negative):
    grey = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save("a.png", icc_profile=icc.grey_profile(1.75))
    got = 255 - painted(negative, "a.png", "out.png").astype(float)
    assert np.abs(got - icc.srgb_curve((grey / 255.0) ** 1.75)[..., None]).max() < 2
    ink = np.zeros((8, 8, 4), np.uint8)
    ink[4:, :, 3] = 255
    ink[:4, 4:, 0] = 255
    Image.fromarray(ink, "CMYK").save("a.tif", icc_profile=icc.cmyk_profile())
    got = 255 - painted(negative, "a.tif", "out.png").astype(int)
    assert got[0, 0].min() >= 253
    assert got[6, 0].max() <= 2
    # L 66.7, a -40, b -20: what the profile says, and no conversion without it does.
    assert np.abs(got[0, 6] - (0, 181, 199)).max() < 12


FUZZED = int(os.environ.get("FASTNST_FUZZED", "240"))


def damaged(valid: list[bytes], rng: random.Random) -> bytes:
    """One of the files with bytes flipped, cut off, or of another one put in."""
    content = bytearray(rng.choice(valid))
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        kind, at = rng.randrange(4), rng.randrange(len(content))
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.randrange(256)
        elif kind == 2:
            del content[at : at + rng.choice([1, 4, 100, len(content)])]
        else:
            other = rng.choice(valid)
            start = rng.randrange(len(other))
            content[at:at] = other[start : start + rng.choice([1, 16, 500])]
        if not content:
            break
    return bytes(content)


@pytest.mark.slow
def test_damaged_files_give_a_picture_or_one_sentence(workdir, negative, photo):
    """5,000 of them with FASTNST_FUZZED=5000."""
    pytest.importorskip("pillow_heif").register_heif_opener()
    valid: dict[str, list[bytes]] = {}
    small = photo.resize((40, 30))
    for ending, modes in FORMS.items():
        for mode in modes:
            options = (
                {"icc_profile": icc.rgb_profile(icc.P3, 2.2)}
                if mode == "RGB" and ending not in (".bmp", ".gif")
                else {}
            )
            in_mode(small, mode)[0].save(f"valid{ending}", **options)
            with open(f"valid{ending}", "rb") as file:
                valid.setdefault(ending, []).append(file.read())
    small.save(
        "valid.gif", save_all=True, append_images=[small.rotate(90), small.rotate(180)], duration=50
    )
    with open("valid.gif", "rb") as file:
        valid[".gif"].append(file.read())
    for ending in FORMS:
        os.unlink(f"valid{ending}")
    rng = random.Random(0)
    os.mkdir("out")
    counts = {"painted": 0, "refused": 0}
    slowest = 0.0
    for _ in range(FUZZED):
        ending = rng.choice(list(valid))
        with open(f"a{ending}", "wb") as file:
            file.write(damaged(valid[ending], rng))
        started = time.perf_counter()
        (result,) = stylize([f"a{ending}"], f"out/a{ending}", style=negative, max_megapixels=20)
        slowest = max(slowest, time.perf_counter() - started)
        assert "\n" not in result.error
        if result.error:
            assert result.error.startswith(f"a{ending} is ") or "can't be written" in result.error
            assert os.listdir("out") == []
            counts["refused"] += 1
        else:
            counts["painted"] += 1
            assert os.listdir("out") == [f"a{ending}"]
            os.unlink(f"out/a{ending}")
        os.unlink(f"a{ending}")
    print(FUZZED, counts, f"slowest {slowest:.1f} s")  # noqa: T201
    assert slowest < 10
    assert min(counts.values()) > FUZZED / 10
    assert os.listdir(".") == ["out"]
