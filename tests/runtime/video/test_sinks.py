import io

import numpy as np
import pytest
from clips import make, picture, song
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import CannotWrite, Interrupted
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.video.options import Clip
from fastnst.runtime.video.sinks import paint_animation, paint_sequence


@pytest.fixture
def stylizer(negative):
    return Stylizer(negative)


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


@pytest.mark.parametrize("target", ["out.gif", "f-%d.png", "out.mp4"])
def test_the_cover_of_a_song_is_no_film(workdir, stylizer, target):
    cover = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(cover, "png")
    song(workdir / "song.mp4", cover.getvalue())
    (result,) = stylize(["song.mp4"], target, style=stylizer)
    assert result.error == "song.mp4 has no video in it."
    assert [path.name for path in workdir.iterdir()] == ["song.mp4"]


@pytest.mark.parametrize("target", ["out.gif", "f-%d.png", "out.mp4"])
def test_a_start_past_the_end_says_how_long_it_is(workdir, stylizer, target):
    make(workdir / "a.mp4", 50)
    (result,) = stylize(["a.mp4"], target, style=stylizer, clip=Clip(start=10))
    assert result.error == (
        "a.mp4 is 2.0 s long, and has no frame from 10 s on. Give a smaller --start."
    )


@pytest.mark.parametrize(
    ("paint", "target"), [(paint_animation, "out.gif"), (paint_sequence, "f-%d.png")]
)
def test_stopped_early_it_says_of_how_many(workdir, paint, target):
    source, seen = make(workdir / "a.mp4", 20), []
    done = paint(
        source,
        workdir / target,
        lambda p: seen.append(1) or p,
        Clip(start=0.4),
        stop=lambda: len(seen) > 3,
    )
    assert (done.frames, done.of, done.stopped) == (4, 10, True)
    with pytest.raises(Interrupted, match=r"Stopped before the first frame of .*a\.mp4\."):
        paint(source, workdir / target, lambda p: p, Clip(), stop=lambda: True)
