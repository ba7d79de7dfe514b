import os

import numpy as np
import pytest
from clips import make, picture
from PIL import Image

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.runtime.video.decode import frames, open_video


def test_a_picture_is_no_video(workdir):
    Image.new("RGB", (8, 8)).save("a.txt.png")
    with pytest.raises(UnreadableImage, match=r"There is no file .*gone\.mp4\."):
        list(frames(workdir / "gone.mp4"))


def test_a_part_is_sought_and_its_times_are_the_whole_s(workdir):
    # A whole picture every ten frames, so that there is something to go to.
    source = make(workdir / "a.mkv", 60, options={"crf": "1", "g": "10"})
    part = list(frames(source, 1.6, 1.72))
    assert [round(time, 3) for _, time in part] == [1.6, 1.64, 1.68]
    assert np.abs(part[0][0].astype(int) - picture(40)).mean() < 2


class Counted:
    """A file that counts the packets that are read."""

    def __init__(self, file):
        self.file, self.packets = file, 0

    def seek(self, *args, **options):
        self.file.seek(*args, **options)

    def demux(self, streams):
        for packet in self.file.demux(streams):
            self.packets += 1
            yield packet


def test_what_is_before_a_part_is_not_read(workdir):
    source = make(workdir / "a.mkv", 200, options={"crf": "1", "g": "10"})
    with open_video(source) as video:
        video.container = Counted(video.container)
        numbers = [round(frame.seconds / 0.04) for frame in video.read(6.0, 6.2)]
    assert numbers == [150, 151, 152, 153, 154]
    assert video.container.packets < 40


def test_a_start_past_the_end_says_how_long_it_is(workdir):
    source = make(workdir / "a.mp4", 50)
    with pytest.raises(
        FastnstError, match=r"a\.mp4 is 2\.0 s long, and has no frame from 10 s on\."
    ):
        list(frames(source, 10))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(workdir):
    os.mkfifo("pipe.mp4")
    with pytest.raises(UnreadableImage, match=r"pipe\.mp4 is a pipe or a device, not a file\."):
        list(frames(workdir / "pipe.mp4"))
