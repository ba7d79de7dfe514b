import re
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from clips import make, picture

from fastnst.errors import CannotWrite, FastnstError, UnreadableImage
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.options import VideoOptions
from fastnst.runtime.video.pipeline import paint_video


def times(path) -> list[Fraction]:
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


def packets(path, kind: str) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(p) for p in file.demux(file.streams.get({kind: 0})) if p.size]


def negative(pixels: np.ndarray) -> np.ndarray:
    return 255 - pixels


@pytest.mark.slow
@pytest.mark.parametrize("size", [(48, 64), (51, 67), (33, 48), (338, 640)])
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
def test_size_count_times_and_colours_are_kept(workdir, size, ending):
    source = make(workdir / f"a{ending}", size=size)
    done = paint_video(source, workdir / f"out{ending}", negative, VideoOptions(crf=1))
    assert (done.height, done.width, done.frames, done.note) == (*size, 12, "")
    assert times(f"out{ending}") == times(source)
    for number, (pixels, _) in enumerate(frames(workdir / f"out{ending}")):
        assert pixels.shape == (*size, 3)
        assert np.abs(pixels.astype(int) - (255 - picture(number, *size))).mean() < 3
    assert {p.name for p in workdir.iterdir()} == {f"a{ending}", f"out{ending}"}


@pytest.mark.parametrize("stamps", [[0, 10, 50, 51, 300, 1000], [500, 533, 567, 600]])
def test_a_variable_rate_is_kept_to_the_tick(workdir, stamps):
    source = make(workdir / "a.mkv", stamps=stamps)
    paint_video(source, workdir / "out.mkv", negative)
    assert times("out.mkv") == times(source) == [Fraction(s, 1000) for s in stamps]
    source = make(workdir / "a.mp4", stamps=stamps, base=Fraction(1, 90000))
    paint_video(source, workdir / "out.mp4", negative)
    assert times("out.mp4") == times(source)


def test_sound_is_copied_to_the_byte(workdir):
    source = make(workdir / "a.mp4", sound=True)
    for target in ("out.mp4", "out.mkv", "out.mov"):
        paint_video(source, workdir / target, negative)
        assert packets(target, "audio") == packets(source, "audio")
        assert len(packets(source, "audio")) >= 8
    done = paint_video(source, workdir / "out.webm", negative)
    assert "audio (aac) has no place in .webm" in done.note
    assert done.frames == 12


@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601])
@pytest.mark.parametrize("reach", [ColorRange.MPEG, ColorRange.JPEG])
def test_matrix_and_range_are_understood_and_kept(workdir, matrix, reach):
    source = make(workdir / "a.mkv", matrix=matrix, reach=reach)
    for pixels, number in zip((f for f, _ in frames(source)), range(12), strict=True):
        assert np.abs(pixels.astype(int) - picture(number)).mean() < 2
    paint_video(source, workdir / "out.mkv", lambda p: p, VideoOptions(crf=1))
    with av.open("out.mkv") as file:
        frame = next(file.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, reach)
    (pixels, _), *_ = frames(workdir / "out.mkv")
    # The other matrix is 6 off, the other range 10.
    assert np.abs(pixels.astype(int) - picture(0)).mean() < 3


def test_ten_bits_become_eight(workdir):
    source = make(workdir / "a.mkv", pix_fmt="yuv420p10le")
    paint_video(source, workdir / "out.mp4", lambda p: p, VideoOptions(crf=1))
    with av.open("out.mp4") as file:
        frame = next(file.decode(video=0))
        assert frame.format.name == "yuv420p"
    (pixels, _), *_ = frames(workdir / "out.mp4")
    assert np.abs(pixels.astype(int) - picture(0)).mean() < 4


def turned(path, matrix: tuple[int, ...]) -> None:
    """Write a rotation into the header of an MP4's first track."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4
    start = at + (52 if content[at] == 1 else 40)
    content[start : start + 36] = b"".join((v & 0xFFFFFFFF).to_bytes(4, "big") for v in matrix)
    path.write_bytes(content)


ONE, DEEP = 1 << 16, 1 << 30


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [
        ((0, ONE, 0, -ONE, 0, 0, 0, 0, DEEP), 3),
        ((-ONE, 0, 0, 0, -ONE, 0, 0, 0, DEEP), 2),
        ((0, -ONE, 0, ONE, 0, 0, 0, 0, DEEP), 1),
    ],
)
def test_rotation_is_applied(workdir, matrix, turns):
    source = make(workdir / "a.mp4")
    turned(source, matrix)
    done = paint_video(source, workdir / "out.mp4", lambda p: p, VideoOptions(crf=1))
    wanted = np.rot90(picture(0), turns)
    assert (done.height, done.width) == wanted.shape[:2]
    with av.open("out.mp4") as file:
        frame = next(file.decode(video=0))
        assert frame.rotation == 0
        assert (frame.height, frame.width) == wanted.shape[:2]
    (pixels, _), *_ = frames(workdir / "out.mp4")
    assert np.abs(pixels.astype(int) - wanted).mean() < 4


def test_a_part_begins_at_its_start(workdir):
    source = make(workdir / "a.mp4", count=50, sound=True)
    done = paint_video(
        source, workdir / "out.mp4", lambda p: p, VideoOptions(crf=1, start=0.4, end=1.2)
    )
    assert done.frames == 20
    assert times("out.mp4") == [Fraction(40 * n, 1000) for n in range(20)]
    (pixels, _), *_ = frames(workdir / "out.mp4")
    assert np.abs(pixels.astype(int) - picture(10)).mean() < 4


def test_stopped_early_it_can_be_played_up_to_there(workdir):
    source = make(workdir / "a.mp4", count=40)
    asked = []
    done = paint_video(
        source, workdir / "out.mp4", negative, stop=lambda: asked.append(1) or len(asked) > 9
    )
    assert (done.frames, done.of, done.stopped) == (9, 40, True)
    assert len(times("out.mp4")) == 9
    done = paint_video(source, workdir / "out.mkv", negative, VideoOptions(start=0.4, end=1.2))
    assert (done.frames, done.of, done.stopped) == (20, 0, False)


def test_a_cut_video_is_painted_as_far_as_it_goes_and_says_so(workdir):
    source = make(workdir / "a.mkv", count=60, size=(144, 192))
    whole = source.read_bytes()
    (workdir / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    done = paint_video(workdir / "cut.mkv", workdir / "out.mkv", negative)
    assert 10 < done.frames < 60
    assert len(times("out.mkv")) == done.frames
    assert re.fullmatch(r"it is cut off: [01]\.\d of its 2\.4 seconds are there", done.note)


def test_what_is_no_video_is_one_sentence_and_leaves_nothing(workdir, astronaut):
    (workdir / "text.mp4").write_text("hello")
    with pytest.raises(UnreadableImage, match=r"text\.mp4 is no video that can be read"):
        paint_video(workdir / "text.mp4", workdir / "out.mp4", negative)
    source = make(workdir / "a.mp4")
    with pytest.raises(CannotWrite, match=r"The video .*a\.mp4 can't become .*out\.xyz"):
        paint_video(source, workdir / "out.xyz", negative)

    def fail(pixels):
        raise FastnstError("No more.")

    with pytest.raises(FastnstError, match="No more"):
        paint_video(source, workdir / "out.mp4", fail)
    assert sorted(p.name for p in workdir.iterdir()) == ["a.mp4", "text.mp4"]


def test_frames_painted_at_a_time_stay_in_order(tmp_path):
    clip = make(tmp_path / "a.mp4", 30, sound=True)

    def slow_at_times(pixels):
        time.sleep(0.03 if pixels.mean() % 1 > 0.5 else 0)
        return 255 - pixels

    for concurrency in (1, 3):
        done = paint_video(
            clip, tmp_path / f"{concurrency}.mp4", slow_at_times, concurrency=concurrency
        )
        assert done.frames == 30
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "3.mp4").read_bytes()


def test_a_frame_that_can_not_be_painted_ends_it_and_leaves_nothing(tmp_path):
    clip = make(tmp_path / "a.mp4", 30)

    def paint(pixels):
        raise FastnstError("No.")

    with pytest.raises(FastnstError, match="No"):
        paint_video(clip, tmp_path / "out.mp4", paint, concurrency=2)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
