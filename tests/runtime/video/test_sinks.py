import numpy as np
import pytest
from clips import make, picture
from PIL import Image

from fastnst import Stylizer
from fastnst.errors import CannotWrite
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.video.options import Clip


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
