import re
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from clips import make, picture
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import CannotWrite, FastnstError, UnreadableImage
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.photos.options import Look
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.options import Clip
from fastnst.runtime.video.transcode import paint_video


def times(path) -> list[Fraction]:
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


def packets(path, kind: str) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(p) for p in file.demux(file.streams.get({kind: 0})) if p.size]


def negative(pixels: np.ndarray) -> np.ndarray:
    return 255 - pixels


@pytest.mark.parametrize("size", [(48, 64), (51, 67), (33, 48), (338, 640)])
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
def test_size_count_times_and_colours_are_kept(workdir, size, ending):
    source = make(workdir / f"a{ending}", size=size)
    done = paint_video(source, workdir / f"out{ending}", negative, Clip(crf=1))
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
    paint_video(source, workdir / "out.mkv", lambda p: p, Clip(crf=1))
    with av.open("out.mkv") as file:
        frame = next(file.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, reach)
    (pixels, _), *_ = frames(workdir / "out.mkv")
    # The other matrix is 6 off, the other range 10.
    assert np.abs(pixels.astype(int) - picture(0)).mean() < 3


def test_ten_bits_become_eight(workdir):
    source = make(workdir / "a.mkv", pix_fmt="yuv420p10le")
    paint_video(source, workdir / "out.mp4", lambda p: p, Clip(crf=1))
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
    done = paint_video(source, workdir / "out.mp4", lambda p: p, Clip(crf=1))
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
    done = paint_video(source, workdir / "out.mp4", lambda p: p, Clip(crf=1, start=0.4, end=1.2))
    assert done.frames == 20
    assert times("out.mp4") == [Fraction(40 * n, 1000) for n in range(20)]
    (pixels, _), *_ = frames(workdir / "out.mp4")
    assert np.abs(pixels.astype(int) - picture(10)).mean() < 4


def test_stopped_early_it_can_be_played_up_to_there(workdir):
    source = make(workdir / "a.mp4", count=40)
    seen = []
    done = paint_video(
        source, workdir / "out.mp4", lambda p: seen.append(1) or p, stop=lambda: len(seen) >= 9
    )
    assert done.frames == 9
    assert len(times("out.mp4")) == 9


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
    with pytest.raises(
        CannotWrite, match=r"out\.xyz can't be written: FFmpeg knows no such format"
    ):
        paint_video(source, workdir / "out.xyz", negative)
    with pytest.raises(FastnstError, match=r"There is no codec 'x265'"):
        Clip(codec="x265")
    with pytest.raises(FastnstError, match=r"The crf is 99"):
        Clip(crf=99)
    with pytest.raises(FastnstError, match=r"From 2 to 1 seconds there is nothing"):
        Clip(start=2, end=1)

    def fail(pixels):
        raise FastnstError("No more.")

    with pytest.raises(FastnstError, match="No more"):
        paint_video(source, workdir / "out.mp4", fail)
    assert sorted(p.name for p in workdir.iterdir()) == ["a.mp4", "text.mp4"]


def test_light_of_high_range_is_brought_down():
    from fastnst.runtime.video.hdr import HLG, PQ, _bent, _light

    # ST 2084: code 0.5081 is 100 candela, 0.5807 is 203; HLG: 0.75 is 203.
    for transfer, code, candela in (
        (PQ, 0.50808, 100),
        (PQ, 0.58069, 203),
        (PQ, 1.0, 10000),
        (HLG, 0.75, 203),
        (HLG, 1.0, 1000),
    ):
        assert _light(transfer)[round(code * 65535)] * 203 == pytest.approx(candela, rel=0.01)
    light = np.linspace(0, 6, 500, dtype=np.float32)
    bent = _bent(light)
    assert np.array_equal(bent[light < 0.5], light[light < 0.5])
    assert (np.diff(bent) >= 0).all()
    assert bent[-1] == pytest.approx(1.0)


def test_a_picture_is_no_video(workdir):
    Image.new("RGB", (8, 8)).save("a.txt.png")
    with pytest.raises(UnreadableImage):
        list(frames(workdir / "gone.mp4"))


@pytest.fixture
def stylizer():
    return Stylizer(Path(__file__).parent.parent / "assets" / "negative.onnx")


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


def test_a_video_can_become_an_animation_and_no_picture(workdir, stylizer):
    make(workdir / "a.mp4", stamps=[0, 40, 140, 200])
    for target in ("out.gif", "out.webp"):
        (result,) = stylize(["a.mp4"], target, style=stylizer)
        assert (result.error, result.frames) == ("", 4)
        with Image.open(target) as image:
            assert (image.n_frames, image.size) == (4, (64, 48))
            durations = []
            for number in range(4):
                image.seek(number)
                image.load()
                durations.append(image.info["duration"])
            assert durations == [40, 100, 60, 60]
    with pytest.raises(CannotWrite, match=r"The video a\.mp4 can't become out\.jpg"):
        stylize(["a.mp4"], "out.jpg", style=stylizer)


def test_a_video_can_become_numbered_pictures(workdir, stylizer):
    make(workdir / "a.mp4", 5)
    (result,) = stylize(["a.mp4"], "out/f-%03d.png", style=stylizer, clip=Clip(start=0.04))
    assert (result.error, result.frames) == ("", 4)
    assert sorted(p.name for p in (workdir / "out").iterdir()) == [
        f"f-00{n}.png" for n in (1, 2, 3, 4)
    ]
    with Image.open("out/f-002.png") as image:
        assert np.abs(np.asarray(image).astype(int) - stylizer(picture(2))).mean() < 4
    for bad in ("out/f-%d%d.jpg", "out/f-%s.jpg", "out/100%.jpg"):
        with pytest.raises(CannotWrite, match="frame-%04d"):
            stylize(["a.mp4"], bad, style=stylizer)


def test_frames_painted_at_a_time_stay_in_order(tmp_path):
    clip = make(tmp_path / "a.mp4", 30, sound=True)

    def slow_at_times(pixels):
        time.sleep(0.03 if pixels.mean() % 1 > 0.5 else 0)
        return 255 - pixels

    for at_once in (1, 3):
        done = paint_video(clip, tmp_path / f"{at_once}.mp4", slow_at_times, at_once=at_once)
        assert done.frames == 30
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "3.mp4").read_bytes()


def test_a_frame_that_can_not_be_painted_ends_it_and_leaves_nothing(tmp_path):
    clip = make(tmp_path / "a.mp4", 30)

    def paint(pixels):
        raise FastnstError("No.")

    with pytest.raises(FastnstError, match="No"):
        paint_video(clip, tmp_path / "out.mp4", paint, at_once=2)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_is_held_still_if_it_is_asked_for(workdir, stylizer):
    pytest.importorskip("cv2", reason="steady videos need OpenCV")
    rng = np.random.default_rng(0)
    still = picture(0, 64, 96)
    make(
        workdir / "a.mp4",
        8,
        (64, 96),
        show=lambda *_: np.clip(still + rng.normal(0, 6, still.shape), 0, 255).astype(np.uint8),
    )

    def flicker(name, **options):
        stylize(["a.mp4"], name, style=stylizer, clip=Clip(crf=1, **options))
        shown = [pixels.astype(int) for pixels, _ in frames(Path(name))]
        assert len(shown) == 8
        return np.mean([np.abs(a - b).mean() for a, b in pairwise(shown[3:])])

    assert flicker("steady.mp4", steady=True) < 0.5 * flicker("plain.mp4")


def test_a_look_and_a_clip_hold_for_videos(workdir, stylizer):
    make(workdir / "a.mp4", count=20)
    look = Look(size=128)
    (result,) = stylize(
        ["a.mp4"], "out.mkv", style=stylizer, look=look, clip=Clip("libx265", 20, 0.2, 0.6)
    )
    assert (result.width, result.height, result.frames) == (128, 96, 10)
    with av.open("out.mkv") as file:
        assert file.streams.video[0].codec_context.name == "hevc"


def test_a_note_is_said_and_the_share_is_told(workdir, stylizer):
    make(workdir / "a.mp4", sound=True)
    shares, said = [], []
    stylizer.on_share = lambda share, what: (shares.append(share), said.append(what))
    (result,) = stylize(["a.mp4"], "out.webm", style=stylizer)
    assert result.note.startswith("a.mp4: its audio (aac) has no place in .webm")
    assert shares == sorted(shares)
    assert 0.5 < shares[-1] <= 1
    assert said[-1].startswith("12 frames, ")


def test_videos_are_painted_by_the_fast_net_of_the_same_style():
    slow = Stylizer("the-scream:0.5,the-kiss:0.5", strength=0.7, stroke="bold")
    fast = slow.for_video()
    assert (slow.card.net["name"], fast.card.net["name"]) == ("johnson", "swift")
    assert np.array_equal(slow._rows, fast._rows)
    assert slow.for_video() is fast
    assert fast.for_video() is fast
    by_path = Stylizer(slow.path)
    assert by_path.for_video() is by_path
