import errno
import io
import os
import shutil
import signal
import weakref
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make, picture
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import CannotWrite, FastnstError, Interrupted
from fastnst.runtime.batch import files as module
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.options import VideoOptions


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture
def photos(workdir, astronaut):
    """photos/a.png, photos/deep/b.webp, photos/broken.jpg, and a file that is no picture by its name."""
    folder = workdir / "photos"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (30, 21)), ("deep/b.png", (9, 40))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / name)
    (folder / "broken.jpg").write_bytes(astronaut.read_bytes()[:3000])
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_one_photo_goes_to_a_file_a_folder_or_beside_itself(photos, negative):
    expected = 255 - pixels(photos / "a.png")
    for output, made in (
        ("x.png", "x.png"),
        ("new/x.png", "new/x.png"),
        ("folder", "folder/a.png"),
        (None, "photos/a-negative.png"),
    ):
        (result,) = stylize([photos / "a.png"], output, style=negative)
        assert not result.error
        assert np.array_equal(pixels(made), expected)
        assert (result.height, result.width) == expected.shape[:2]


def test_a_folder_keeps_its_shape_and_a_bad_file_stops_nothing(photos, negative):
    results = stylize([photos], "out", style=negative)
    assert {str(r.output) for r in results} == {"out/a.png", "out/deep/b.png", "None"}
    (bad,) = [r for r in results if r.error]
    assert bad.input == photos / "broken.jpg"
    assert "broken.jpg is damaged" in bad.error
    assert np.array_equal(pixels("out/deep/b.png"), 255 - pixels(photos / "deep/b.png"))


def test_a_folder_inside_the_input_is_not_painted_again(photos, negative):
    for _ in range(2):
        results = stylize([photos], photos / "painted", style=negative)
        assert len(results) == 3


def test_the_output_may_be_above_the_input(photos, negative):
    results = stylize([photos], photos.parent, style=negative)
    assert len(results) == 3


def test_names_that_the_system_refuses_stop_nothing(photos, negative):
    (photos / "loop.png").symlink_to("loop.png")
    inputs = [photos / "loop.png", photos / f"{'x' * 251}.png", photos / "a.png"]
    *bad, good = stylize(inputs, "out", style=negative)
    assert [bool(result.error) for result in bad] == [True, True]
    assert str(good.output) == "out/a.png"


def test_a_folder_without_output_gets_a_sibling(photos, negative):
    stylize([photos], style=negative)
    assert (photos.parent / "photos-negative" / "deep" / "b.png").is_file()


def test_no_painting_takes_the_place_of_another(photos, negative):
    (photos / "other").mkdir()
    shutil.copy(photos / "deep/b.png", photos / "other/a.png")
    results = stylize([photos / "a.png", photos / "other/a.png"], "out", style=negative)
    assert [str(r.output) for r in results] == ["out/a.png", "out/a-2.png"]


def test_no_painting_takes_the_place_of_a_photo(photos, negative):
    before = pixels(photos / "a.png")
    (photos / "other").mkdir()
    Image.open(photos / "a.png").rotate(180).save(photos / "other" / "a.png")
    results = stylize([photos / "other" / "a.png", photos / "a.png"], photos, style=negative)
    assert [r.output for r in results] == [photos / "a-2.png", None]
    assert "a.png would be overwritten" in results[1].error
    assert np.array_equal(pixels(photos / "a.png"), before)
    assert np.array_equal(pixels(photos / "a-2.png"), 255 - before[::-1, ::-1])


def test_the_input_is_never_overwritten_unless_that_is_asked_for(photos, negative):
    before = (photos / "a.png").read_bytes()
    (result,) = stylize([photos / "a.png"], photos / "a.png", style=negative)
    assert "a.png would be overwritten by its own output. Give another output" in result.error
    assert (photos / "a.png").read_bytes() == before
    expected = 255 - pixels(photos / "a.png")
    stylize([photos / "a.png"], photos / "a.png", style=negative, overwrite=True)
    assert np.array_equal(pixels(photos / "a.png"), expected)


def test_what_can_not_be_done_at_all_is_said_at_once(photos, negative):
    with pytest.raises(FastnstError, match=r"The size is 0\."):
        stylize([photos], style=negative, photo_options=PhotoOptions(size=0))
    with pytest.raises(
        FastnstError, match=r"one\.jpg is one file, but the input is more than one photo"
    ):
        stylize([photos], "one.jpg", style=negative)
    with pytest.raises(CannotWrite, match=r"the format \.psd is not one of"):
        stylize([photos / "a.png"], "a.psd", style=negative)
    with pytest.raises(FastnstError, match=r"The quality is 0\. Give 1 \(small\) to 100"):
        stylize([photos], style=negative, quality=0)
    with pytest.raises(FastnstError, match=r"The limit is -1 megapixels"):
        stylize([photos], style=negative, max_megapixels=-1)
    with pytest.raises(FastnstError, match=r"A pipe takes one photo"):
        stylize(["-", photos], style=negative)
    with pytest.raises(FastnstError, match=r"No photo was given"):
        stylize([], style=negative)
    with pytest.raises(FastnstError, match=r"A path is empty"):
        stylize([""], style=negative)


def test_an_empty_folder_is_named(workdir, negative):
    (workdir / "empty").mkdir()
    (result,) = stylize(["empty"], style=negative)
    assert "There is no picture in the folder empty." in result.error


def test_a_full_disk_leaves_nothing_half_written(photos, negative, monkeypatch):
    def full(self, path, **_):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    (result,) = stylize([photos / "a.png"], "out/x.png", style=negative)
    assert result.error.startswith("out/x.png can't be written: No space left on device.")
    assert list((photos.parent / "out").iterdir()) == []


def test_an_output_folder_that_can_not_be_made_is_named(photos, negative):
    (photos.parent / "file").write_text("")
    (result,) = stylize([photos / "a.png"], "file/deep/x.png", style=negative)
    assert result.error.startswith("file/deep/x.png can't be written:")


def test_every_file_is_reported_as_it_is_done(photos, negative):
    seen = []
    stylize([photos], "out", style=negative, report=lambda p, n, total: seen.append((n, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_exif_orientation_is_applied(workdir, negative):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save("a.jpg", exif=exif)
    (result,) = stylize(["a.jpg"], "out.jpg", style=negative)
    with Image.open("out.jpg") as image:
        assert image.size == (result.width, result.height) == (20, 40)
        assert image.getexif()[0x0112] == 1


def test_what_is_painted_already_is_left_as_it_is(photos, negative):
    stylize([photos / "a.png"], "out", style=negative)
    before = os.stat("out/a.png").st_mtime_ns
    results = stylize([photos], "out", style=negative, skip_existing=True)
    assert [(r.skipped, bool(r.error)) for r in results] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert os.stat("out/a.png").st_mtime_ns == before


def test_ctrl_c_finishes_the_picture_at_hand(workdir, make_photos, negative):
    make_photos(workdir / "many", 6)

    def stop(painted, number, total):
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(
        Interrupted, match=r"Stopped after \d of 6 pictures\. Go on with --skip-existing"
    ):
        stylize(["many"], "out", style=negative, report=stop)
    done = sorted(path.name for path in (workdir / "out").iterdir())
    assert 2 <= len(done) < 6
    assert done == [f"{number:03d}.jpg" for number in range(len(done))]
    stylize(["many"], "out", style=negative, skip_existing=True)
    assert len(list((workdir / "out").iterdir())) == 6


def test_ctrl_c_in_a_video_is_told_from_a_whole_one(workdir, stylizer):
    for name in ("a.mp4", "b.mp4"):
        make(workdir / name, 50)
    seen = []

    def stop(share, what):
        if what.startswith("13 "):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as error:
        stylize(
            ["a.mp4", "b.mp4"],
            "out",
            style=stylizer,
            on_share=stop,
            report=lambda p, *_: seen.append(p),
        )
    (cut,) = seen
    assert (cut.stopped, cut.of) == (True, 50)
    assert 13 <= cut.frames < 50
    assert len(list(frames(cut.output))) == cut.frames
    assert str(error.value) == (
        f"Stopped after {cut.frames} of 50 frames of a.mp4, with 1 more to paint."
        " Remove out/a.mp4, and go on with --skip-existing."
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_in_a_folder_stops_nothing(photos, negative):
    os.mkfifo(photos / "pipe.png")
    os.mkfifo(photos / "pipe.mp4")
    results = stylize([photos], "out", style=negative)
    bad = {r.input.name: r.error for r in results if "pipe" in r.input.name}
    assert all("is a pipe or a device, not a file." in error for error in bad.values())
    assert bad.keys() == {"pipe.png", "pipe.mp4"}
    assert np.array_equal(pixels("out/a.png"), 255 - pixels(photos / "a.png"))


def test_results_come_in_order_whichever_fails(workdir, make_photos, negative):
    folder = make_photos(workdir / "many", 9)
    for number in (0, 3, 4, 8):
        (folder / f"{number:03d}.jpg").write_text("no picture")
    results = stylize([folder], "out", style=negative)
    assert [r.input.name for r in results] == [f"{number:03d}.jpg" for number in range(9)]
    assert [bool(r.error) for r in results] == [n in (0, 3, 4, 8) for n in range(9)]


def test_a_pipe_keeps_the_format(workdir, photos, negative, monkeypatch):
    class Pipe:
        def __init__(self, content=b""):
            self.buffer = io.BytesIO(content)

    for name, wanted in (("a.png", "PNG"), ("b.webp", "WEBP")):
        Image.open(photos / "a.png").save(photos / name)
        out = Pipe()
        monkeypatch.setattr("sys.stdin", Pipe((photos / name).read_bytes()))
        monkeypatch.setattr("sys.stdout", out)
        (result,) = stylize(["-"], "-", style=negative)
        assert not result.error
        with Image.open(io.BytesIO(out.buffer.getvalue())) as image:
            assert image.format == wanted
            assert image.size == (21, 30)
    monkeypatch.setattr("sys.stdin", Pipe(b"nonsense"))
    (result,) = stylize(["-"], "x.png", style=negative)
    assert result.error.startswith("What was piped in is not a picture")


def test_a_photo_beyond_the_limit_is_refused_and_the_limit_raised(photos, negative):
    (result,) = stylize([photos / "a.png"], "out", style=negative, max_megapixels=0.0001)
    assert (
        "is 21x30 px, more than 0.0001 megapixels. If you trust the file, raise the limit"
        in result.error
    )
    bomb = photos / "bomb.png"
    Image.new("1", (14_000, 14_000)).save(bomb)
    (result,) = stylize([bomb], "out", style=negative)
    assert "is 14000x14000 px, more than 180 megapixels" in result.error


def test_exif_and_resolution_are_kept(workdir, negative):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0131] = "Camera 1.0"
    exif.get_ifd(0x8769).update({0x9003: "2020:01:02 03:04:05", 0xA002: 40, 0xA003: 20})
    exif.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0)})
    Image.new("RGB", (40, 20), "red").save("a.jpg", exif=exif, dpi=(300, 300))
    for ending in (".jpg", ".png", ".webp", ".tif", ".avif"):
        stylize(["a.jpg"], f"out{ending}", style=negative)
        with Image.open(f"out{ending}") as image:
            kept = image.getexif()
            assert (kept[0x010F], kept[0x0131]) == ("Maker", "fastnst")
            assert dict(kept.get_ifd(0x8769)) == {0x9003: "2020:01:02 03:04:05"}
            assert dict(kept.get_ifd(0x8825)) == {1: "N", 2: (1.0, 2.0, 3.0)}
            if ending in (".jpg", ".png", ".tif"):
                assert [round(d) for d in image.info["dpi"]] == [300, 300]


@pytest.mark.parametrize(
    ("ending", "loop"),
    [(".gif", 0), (".gif", 3), (".gif", None), (".webp", 2), (".png", 0), (".png", 5)],
)
def test_every_frame_of_an_animation_is_painted(workdir, negative, ending, loop):
    rng = np.random.default_rng(0)
    # Few colours, so that a palette holds them.
    frames = [
        Image.fromarray(rng.choice(np.array([0, 60, 255], np.uint8), (20, 30, 1)).repeat(3, 2))
        for _ in range(4)
    ]
    durations = [40, 200, 80, 1000]
    options = {"lossless": True} if ending == ".webp" else {}
    if loop is not None:
        options["loop"] = loop
    frames[0].save(
        f"a{ending}", save_all=True, append_images=frames[1:], duration=durations, **options
    )
    (result,) = stylize([f"a{ending}"], f"out{ending}", style=negative, quality=100)
    assert (result.error, result.frames) == ("", 4)
    with Image.open(f"out{ending}") as image:
        assert image.n_frames == 4
        assert image.info.get("loop") == loop
        for number, frame in enumerate(frames):
            image.seek(number)
            image.load()
            assert image.info["duration"] == durations[number]
            error = np.abs(np.asarray(image.convert("RGB"), int) - (255 - np.asarray(frame, int)))
            assert error.mean() < (12 if ending == ".webp" else 1)
    stylize([f"a{ending}"], "still.jpg", style=negative)
    with Image.open("still.jpg") as image:
        assert image.size == (30, 20)


def test_every_page_of_a_tiff_is_painted(workdir, negative):
    rng = np.random.default_rng(0)
    pages = [
        Image.fromarray(rng.integers(0, 256, (20, 30 + n, 3), dtype=np.uint8)) for n in range(3)
    ]
    pages[0].save("a.tif", save_all=True, append_images=pages[1:], dpi=(300, 300))
    (result,) = stylize(["a.tif"], "out.tiff", style=negative)
    assert (result.error, result.frames, result.note) == ("", 3, "")
    with Image.open("out.tiff") as image:
        assert image.n_frames == 3
        for number, page in enumerate(pages):
            image.seek(number)
            assert round(image.info["dpi"][0]) == 300
            assert np.array_equal(np.asarray(image), 255 - np.asarray(page))
    (result,) = stylize(["a.tif"], "one.png", style=negative)
    assert result.frames == 1
    assert result.note == "a.tif has 3 pages, of which one.png has the first."
    assert np.array_equal(pixels("one.png"), 255 - np.asarray(pages[0]))


def test_frames_that_are_left_out_are_said(workdir, negative):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    (result,) = stylize(["a.gif"], "still.jpg", style=negative)
    assert result.note == "a.gif has 2 frames, of which still.jpg has the first."


def test_a_photo_of_more_bits_says_what_is_lost(workdir, negative):
    Image.fromarray(np.zeros((4, 4), np.uint16)).save("a.png")
    (result,) = stylize(["a.png"], "out.png", style=negative)
    assert result.note == "a.png has 16 bits a channel, of which its output has 8."


@pytest.mark.parametrize(
    ("ending", "form", "painted"),
    [
        (".jfif", "JPEG", ".jfif"),
        (".jpe", "JPEG", ".jpe"),
        (".jp2", "JPEG2000", ".png"),
        (".tga", "TGA", ".png"),
        (".ppm", "PPM", ".png"),
        (".pcx", "PCX", ".png"),
        (".ico", "ICO", ".png"),
    ],
)
def test_a_folder_has_what_is_painted_alone(workdir, negative, ending, form, painted):
    (workdir / "in").mkdir()
    Image.new("RGB", (32, 32), "red").save(f"in/a{ending}", form)
    (result,) = stylize(["in"], "out", style=negative)
    assert (result.error, str(result.output)) == ("", f"out/a{painted}")
    assert np.abs(pixels(f"out/a{painted}").astype(int) - (0, 255, 255)).max() < 8


def test_a_folder_that_may_not_be_entered_is_named(photos, negative, monkeypatch):
    (photos / "shut").mkdir()
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("shut"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)  # Root may enter everything.
    (shut,) = [r for r in stylize([photos], "out", style=negative) if r.input.name == "shut"]
    assert shut.error == (
        f"The folder {photos / 'shut'} can't be entered: permission denied."
        " Its files were not painted."
    )
    assert np.array_equal(pixels("out/deep/b.png"), 255 - pixels(photos / "deep/b.png"))


@pytest.mark.parametrize("disposal", [1, 2])
def test_a_transparent_animation_shows_what_it_showed(workdir, negative, disposal):
    frames = []
    for number in range(3):
        frame = np.zeros((16, 16, 4), np.uint8)
        frame[4 * number : 4 * number + 4, :8] = (250, 100, 20, 255)
        frames.append(Image.fromarray(frame))
    frames[0].save(
        "a.gif", save_all=True, append_images=frames[1:], duration=100, disposal=disposal, loop=0
    )
    stylize(["a.gif"], "out.gif", style=negative)
    with Image.open("a.gif") as before, Image.open("out.gif") as after:
        assert after.n_frames == before.n_frames == 3
        for number in range(3):
            before.seek(number)
            after.seek(number)
            assert after.disposal_method == before.disposal_method
            shown, painted = (np.asarray(image.convert("RGBA")) for image in (before, after))
            assert np.array_equal(shown[..., 3], painted[..., 3])
            there = shown[..., 3] == 255
            assert np.array_equal(painted[there][:, :3], 255 - shown[there][:, :3])


@pytest.fixture
def stylizer(negative):
    return Stylizer(negative)


@pytest.mark.usefixtures("engine")
def test_folders_may_mix_photos_and_videos(workdir, stylizer):
    (workdir / "mixed" / "deep").mkdir(parents=True)
    make(workdir / "mixed" / "deep" / "a.mp4", sound=True)
    Image.fromarray(picture(0)).save("mixed/b.png")
    (workdir / "mixed" / "c.mkv").write_text("no video")
    results = stylize(["mixed"], "out", style=stylizer)
    assert [(str(r.output), r.frames) for r in results] == [
        ("out/b.png", 1),
        ("None", 1),
        ("out/deep/a.mp4", 12),
    ]
    assert results[1].error.startswith("mixed/c.mkv is no video that can be read")
    (pixels, _), *_ = frames(workdir / "out" / "deep" / "a.mp4")
    assert np.abs(pixels.astype(int) - (255 - picture(0))).mean() < 6
    results = stylize(["mixed"], "out", style=stylizer, skip_existing=True)
    assert [r.skipped for r in results] == [True, False, True]


def test_deflicker_halves_the_flicker_of_a_still_scene(workdir, stylizer):
    pytest.importorskip("cv2", reason="--deflicker needs OpenCV")
    rng = np.random.default_rng(0)
    still = picture(0, 64, 96)
    make(
        workdir / "a.mp4",
        8,
        (64, 96),
        show=lambda *_: np.clip(still + rng.normal(0, 6, still.shape), 0, 255).astype(np.uint8),
    )

    def flicker(name, **options):
        stylize(["a.mp4"], name, style=stylizer, video=VideoOptions(crf=1, **options))
        shown = [pixels.astype(int) for pixels, _ in frames(Path(name))]
        assert len(shown) == 8
        return np.mean([np.abs(a - b).mean() for a, b in pairwise(shown[3:])])

    assert flicker("deflickered.mp4", deflicker=True) < 0.5 * flicker("plain.mp4")


def test_the_options_of_photos_and_of_videos_hold_for_videos(workdir, stylizer):
    make(workdir / "a.mp4", count=20)
    options = PhotoOptions(size=128)
    (result,) = stylize(
        ["a.mp4"],
        "out.mkv",
        style=stylizer,
        photo_options=options,
        video=VideoOptions(codec="libx265", crf=20, start=0.2, end=0.6),
    )
    assert (result.width, result.height, result.frames) == (128, 96, 10)
    with av.open("out.mkv") as file:
        assert file.streams.video[0].codec_context.name == "hevc"


def test_a_note_is_said_and_the_share_is_told(workdir, stylizer):
    make(workdir / "a.mp4", sound=True)
    shares, said = [], []

    def tell(share, what):
        shares.append(share)
        said.append(what)

    (result,) = stylize(["a.mp4"], "out.webm", style=stylizer, on_share=tell)
    assert result.note.startswith("a.mp4: its audio (aac) has no place in .webm")
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1
    assert said[-1].startswith("12 frames, ")


def test_only_what_is_large_streams(monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda: 1e9)
    assert not module.too_large(1000, 1000)
    assert module.too_large(10_000, 10_000)
    monkeypatch.setattr(module, "free_memory", lambda: 16e9)
    assert not module.too_large(10_000, 10_000)
    assert module.too_large(10_000, 10_000, 2**30)
    assert not module.too_large(5_000, 5_000, 2**20)


def test_what_was_decoded_leaves_memory_before_it_is_painted(negative, monkeypatch):
    left = []

    def paint(self, stylizer, image, **_):
        decoded, size = weakref.ref(image), image.size
        del image
        left.append(decoded() is None)
        return Image.new("RGB", size)

    monkeypatch.setattr(PhotoOptions, "paint", paint)
    photo = module.OpenFile(Path("in.png"), Path("out.png"), [Image.new("RGB", (8, 8))])
    module.paint_image(photo, Stylizer(negative), PhotoOptions(), None)
    assert left == [True]
