import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from clips import make, picture, song
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import CannotWrite, Interrupted
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.options import VideoOptions
from fastnst.runtime.video.pipeline import paint_video
from fastnst.runtime.video.sinks import SINKS, Animation, NumberedPictures, VideoFile, sink_for

TARGETS = ["f-%d.png", "out.webp", "out.mkv"]
"""A name for each sink."""


@pytest.fixture
def stylizer(negative):
    return Stylizer(negative)


def written(target):
    """The frames of an output."""
    if target.endswith(".mkv"):
        return [pixels for pixels, _ in frames(Path(target))]
    if "%" in target:
        paths = sorted(Path().glob(target.replace("%d", "*")), key=lambda p: int(p.stem[2:]))
        return [np.asarray(Image.open(path)) for path in paths]
    shown = []
    with Image.open(target) as image:
        for number in range(image.n_frames):
            image.seek(number)
            shown.append(np.asarray(image.convert("RGB")))
    return shown


def outputs():
    return [path.name for path in Path().iterdir() if not path.name.startswith("a.")]


@pytest.mark.parametrize(
    ("name", "sink"),
    [
        ("f-%04d.png", NumberedPictures),
        ("%d.JPG", NumberedPictures),
        ("%d.gif", NumberedPictures),
        ("out.gif", Animation),
        ("out.png", Animation),
        ("out.MP4", VideoFile),
        ("f-%04d.mkv", VideoFile),
    ],
)
def test_a_name_decides_on_its_sink(name, sink):
    assert sink_for(Path("a.mp4"), Path(name)) is sink


@pytest.mark.parametrize("name", ["out.jpg", "f-%d%d.jpg", "f-%s.jpg", "100%.jpg", "f-%d.xyz", "-"])
def test_a_name_that_no_sink_takes_is_told_all_that_do(name):
    with pytest.raises(CannotWrite) as error:
        sink_for(Path("a.mp4"), Path(name))
    said = str(error.value)
    assert said.startswith(f"The video a.mp4 can't become {name}. Give a name that has a number")
    assert all(sink.names in said for sink in SINKS)


def test_every_sink_has_a_target_here():
    assert {sink_for(Path("a.mp4"), Path(name)) for name in TARGETS} == set(SINKS)


@pytest.mark.parametrize("target", TARGETS)
class TestEverySink:
    def test_it_gets_the_part_that_is_wanted_and_the_progress(self, workdir, target):
        source, told = make(workdir / "a.mp4", 50), []
        done = paint_video(
            source,
            Path(target),
            lambda pixels: 255 - pixels,
            VideoOptions(start=0.4, end=1.2, crf=1),
            report=lambda *progress: told.append(progress),
        )
        assert (done.frames, done.width, done.height, done.note) == (20, 64, 48, "")
        shown = written(target)
        assert len(shown) == 20
        for number, pixels in enumerate(shown, start=10):
            assert np.abs(pixels.astype(int) - (255 - picture(number))).mean() < 6
        assert [share for share, _ in told] == pytest.approx([n / 20 for n in range(20)], abs=0.01)
        assert told[-1][1].startswith("20 frames, ")
        assert told[-1][1].endswith(" a second")

    def test_frames_are_painted_side_by_side(self, workdir, target):
        source, together = make(workdir / "a.mp4", 12), threading.Barrier(3)

        def paint(pixels):
            together.wait(20)  # Breaks unless three paint at a time.
            return pixels

        assert paint_video(source, Path(target), paint, concurrency=3).frames == 12
        for number, pixels in enumerate(written(target)):
            assert np.abs(pixels.astype(int) - picture(number)).mean() < 6

    def test_stopped_early_it_keeps_what_is_painted(self, workdir, target):
        source, asked = make(workdir / "a.mp4", 20), []
        done = paint_video(
            source,
            Path(target),
            lambda pixels: pixels,
            VideoOptions(start=0.4),
            concurrency=2,
            stop=lambda: asked.append(1) or len(asked) > 4,
        )
        assert (done.frames, done.of, done.stopped) == (4, 10, True)
        assert len(written(target)) == 4

    def test_stopped_before_the_first_frame_it_leaves_nothing(self, workdir, target):
        source = make(workdir / "a.mp4")
        with pytest.raises(Interrupted, match=r"Stopped before the first frame of .*a\.mp4\."):
            paint_video(source, Path(target), lambda pixels: pixels, stop=lambda: True)
        assert outputs() == []

    @pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, ValueError])
    def test_an_end_on_the_way_leaves_nothing_half_written(self, workdir, target, kind):
        """SIGTERM is a SystemExit, a second Ctrl-C a KeyboardInterrupt."""
        source, threads = make(workdir / "a.mp4", 50), threading.active_count()

        def end(share, text):
            if text.startswith("3 "):
                raise kind

        with pytest.raises(kind):
            paint_video(source, Path(target), lambda pixels: pixels, report=end)
        kept = [f"f-{number}.png" for number in (1, 2, 3)] if "%" in target else []
        assert sorted(outputs()) == kept
        assert threading.active_count() <= threads

    @pytest.mark.slow
    @pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
    def test_a_full_disk_is_one_sentence_and_leaves_nothing(self, workdir, target):
        make(workdir / "a.mp4", count=50, size=(120, 160))
        # At the header, at the first frames that leave the encoder, and when the file is closed.
        rooms = [0, 100, 20_000 if target.endswith(".mkv") else 2000]
        command = [sys.executable, "-c", FULL.strip(), target, *map(str, rooms)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert len(done.stdout.splitlines()) == 3, done.stderr
        for line in done.stdout.splitlines():
            assert line.lower().endswith(" can't be written: file too large."), line
        assert outputs() == []

    def test_a_cut_video_is_painted_as_far_as_it_goes(self, workdir, target):
        source = make(workdir / "a.mkv", count=60, size=(144, 192))
        content = source.read_bytes()
        source.write_bytes(content[: len(content) // 2])
        done = paint_video(source, Path(target), lambda pixels: pixels)
        assert 10 < done.frames < 60
        assert done.note.startswith("it is cut off: ")
        assert len(written(target)) == done.frames

    def test_flicker_is_reduced(self, workdir, target):
        pytest.importorskip("cv2", reason="--deflicker needs OpenCV")
        rng = np.random.default_rng(0)
        source = make(workdir / "a.mp4", 8, (64, 96), show=lambda _, *size: picture(0, *size))

        def paint(pixels):
            return np.clip(pixels + rng.normal(0, 30, pixels.shape), 0, 255).astype(np.uint8)

        def flicker(deflicker):
            options = VideoOptions(crf=1, deflicker=deflicker)
            paint_video(source, Path(target), paint, options)
            return np.abs(np.diff([p.astype(int) for p in written(target)][3:], axis=0)).mean()

        assert flicker(True) < 0.5 * flicker(False)

    def test_the_cover_of_a_song_is_no_film(self, workdir, stylizer, target):
        cover = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(cover, "png")
        song(workdir / "a.mp4", cover.getvalue())
        (result,) = stylize(["a.mp4"], target, style=stylizer)
        assert result.error == "a.mp4 has no video in it."
        assert outputs() == []

    def test_a_start_past_the_end_says_how_long_it_is(self, workdir, stylizer, target):
        make(workdir / "a.mp4", 50)
        (result,) = stylize(["a.mp4"], target, style=stylizer, video=VideoOptions(start=10))
        assert result.error == (
            "a.mp4 is 2.0 s long, and has no frame from 10 s on. Give a smaller --start."
        )
        assert outputs() == []


FULL = """
import resource, sys
from pathlib import Path
from fastnst.errors import CannotWrite
from fastnst.runtime.video.pipeline import paint_video

for room in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        paint_video(Path("a.mp4"), Path(sys.argv[1]), lambda pixels: pixels)
    except CannotWrite as error:
        print(error)
"""


@pytest.mark.parametrize("target", ["out.gif", "out.webp", "out.apng"])
def test_an_animation_has_the_times_of_the_video_and_loops(workdir, stylizer, target):
    make(workdir / "a.mp4", stamps=[0, 40, 140, 200])
    (result,) = stylize(["a.mp4"], target, style=stylizer)
    assert (result.error, result.frames) == ("", 4)
    with Image.open(target) as image:
        assert (image.n_frames, image.size, image.info["loop"]) == (4, (64, 48), 0)
        durations = []
        for number in range(4):
            image.seek(number)
            image.load()
            durations.append(image.info["duration"])
    assert durations == [40, 100, 60, 60]


def test_pictures_are_numbered_from_one_in_a_folder_that_is_made(workdir, stylizer):
    make(workdir / "a.mp4", 5)
    options = VideoOptions(start=0.04)
    (result,) = stylize(["a.mp4"], "out/f-%03d.png", style=stylizer, video=options)
    assert (result.error, result.frames) == ("", 4)
    assert sorted(p.name for p in (workdir / "out").iterdir()) == [
        f"f-00{n}.png" for n in (1, 2, 3, 4)
    ]
    with Image.open("out/f-002.png") as image:
        assert np.abs(np.asarray(image).astype(int) - stylizer(picture(2))).mean() < 4


def test_quality_is_that_of_the_pictures_and_of_the_animation(workdir):
    source = make(workdir / "a.mp4", 3)
    for target in ("f-%d.jpg", "out.webp"):
        sizes = []
        for quality in (20, 95):
            paint_video(source, Path(target), lambda pixels: pixels, quality=quality)
            sizes.append(Path(target.replace("%d", "1")).stat().st_size)
        assert sizes[0] < 0.8 * sizes[1]
