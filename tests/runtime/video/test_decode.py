import os
from fractions import Fraction

import av
import numpy as np
import pytest
from clips import make, picture
from PIL import Image

from fastnst.errors import FastnstError, UnreadableImage
from fastnst.runtime.video.decode import frames, open_video
from fastnst.runtime.video.pipeline import paint_video


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


@pytest.mark.parametrize("start", [500, 540, 580])
def test_the_first_frame_is_read_however_the_start_of_the_file_is_rounded(workdir, start):
    # Ticks that are no whole microseconds.
    source = make(
        workdir / "a.mp4", stamps=[start + 3600 * n for n in range(5)], base=Fraction(1, 90000)
    )
    assert [round(time, 3) for _, time in frames(source)] == [0, 0.04, 0.08, 0.12, 0.16]


@pytest.mark.parametrize("start", [1e30, 9e12])
def test_a_start_past_what_can_be_sought_says_how_long_it_is(workdir, start):
    source = make(workdir / "a.mp4", 50)
    with pytest.raises(FastnstError, match=r"a\.mp4 is 2\.0 s long, and has no frame from"):
        list(frames(source, start))


def test_titles_may_be_in_any_encoding(workdir):
    make(workdir / "plain.mp4")
    with av.open("plain.mp4") as plain, av.open("a.mp4", "w") as out:
        out.metadata["title"] = "Sch0n und wahr"
        stream = out.add_stream_from_template(plain.streams.video[0])
        for packet in plain.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    titled = (workdir / "a.mp4").read_bytes()
    assert titled.count(b"Sch0n") == 1
    (workdir / "a.mp4").write_bytes(titled.replace(b"Sch0n", "Schön".encode("latin-1")))
    with open_video(workdir / "a.mp4") as video:
        title = video.container.metadata["title"]
        count = len(list(video.read()))
    assert title.encode("utf-8", "surrogateescape") in (b"Schn und wahr", b"Sch\xf6n und wahr")
    assert count == 12
    paint_video(workdir / "a.mp4", workdir / "out.mp4", lambda pixels: pixels)
    with open_video(workdir / "out.mp4") as video:
        assert video.container.metadata["title"] == title


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_not_waited_for(workdir):
    os.mkfifo("pipe.mp4")
    with pytest.raises(UnreadableImage, match=r"pipe\.mp4 is a pipe or a device, not a file\."):
        list(frames(workdir / "pipe.mp4"))
