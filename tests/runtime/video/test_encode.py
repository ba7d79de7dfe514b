from fractions import Fraction

import av
import numpy as np
import pytest
from clips import picture

from fastnst.errors import CannotWrite
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.encode import VideoEncoder

MILLISECOND = Fraction(1, 1000)


def encoded(path, size=(48, 64), count=3, **options):
    height, width = size
    with VideoEncoder(path, path, time_base=MILLISECOND, **options) as encoder:
        assert encoder.size is None
        encoder.add_video(width, height)
        assert encoder.size == (width, height)
        for number in range(count):
            encoder.write(picture(number, height, width), 40 * number)
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "h264"), ("a.MOV", "h264"), ("a.webm", "vp9"), ("a.mpg", "mpeg2video"), ("a.ogv", "vp8")]
)  # fmt: skip
def test_a_format_gets_the_codec_it_takes(tmp_path, name, codec):
    path = encoded(tmp_path / name, rate=Fraction(25))
    with av.open(str(path)) as file:
        assert file.streams.video[0].codec_context.name == codec
    assert [round(seconds, 3) for _, seconds in frames(path)] == [0, 0.04, 0.08]


@pytest.mark.parametrize("size", [(48, 64), (31, 45), (48, 45)])
def test_frames_have_their_size_colours_and_times(tmp_path, size):
    shown = list(frames(encoded(tmp_path / "a.mkv", size, crf=1)))
    assert [round(seconds, 3) for _, seconds in shown] == [0, 0.04, 0.08]
    for number, (pixels, _) in enumerate(shown):
        assert np.abs(pixels.astype(int) - picture(number, *size)).mean() < 3


def test_what_the_format_refuses_is_one_sentence(tmp_path):
    with pytest.raises(CannotWrite, match=r"a\.xyz can't be written: FFmpeg knows no such format"):
        encoded(tmp_path / "a.xyz")
    with pytest.raises(CannotWrite, match=r"a\.webm can't be written.* another --codec\."):
        encoded(tmp_path / "a.webm", codec="libx264")


def test_the_first_error_is_the_one_that_is_told(tmp_path):
    path = tmp_path / "a.mp4"
    with (
        pytest.raises(ValueError, match="enough"),
        VideoEncoder(path, path, time_base=MILLISECOND) as encoder,
    ):
        encoder.add_video(64, 48)
        encoder.write(picture(0), 0)
        raise ValueError("enough")
    # The file is closed, so that it can be removed everywhere.
    assert encoder.container.close() is None
