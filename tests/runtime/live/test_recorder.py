import threading

import av
import numpy as np
import pytest
from clips import picture

from fastnst import stream
from fastnst.errors import CannotWrite, FastnstError
from fastnst.runtime.live.recorder import Recorder, Recording


def test_it_writes_what_came_when_it_came(tmp_path, negative):
    path = tmp_path / "out.mp4"
    recorder = Recorder(path)
    stamps = [5.0, 5.04, 5.2, 5.21]
    for number, stamp in enumerate(stamps):
        recorder.add(picture(number), stamp)
    assert not path.exists()
    recorder.close()
    frames = list(stream(path, style=negative))
    assert [round(frame.time, 3) for frame in frames] == [0, 0.04, 0.2, 0.21]
    assert np.abs(frames[2].photo.astype(int) - picture(2)).mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "out.mp4").write_text("mine")
    with pytest.raises(FastnstError, match="there already"):
        Recorder(tmp_path / "out.mp4")


@pytest.mark.parametrize("name", ["out.xyz", "out"])
def test_an_unknown_format_leaves_nothing(tmp_path, name):
    with pytest.raises(FastnstError, match=r"\.mp4"):
        Recorder(tmp_path / name)
    assert not [*tmp_path.iterdir()]


def test_without_a_frame_there_is_no_file(tmp_path):
    recorder = Recorder(tmp_path / "out.mp4")
    with pytest.raises(FastnstError, match="no frame"):
        recorder.close()
    assert not [*tmp_path.iterdir()]


def test_odd_sizes_do(tmp_path, negative):
    recorder = Recorder(tmp_path / "out.mkv")
    for number in range(3):
        recorder.add(picture(number, 31, 45), number / 25)
    recorder.close()
    (first, *_) = stream(tmp_path / "out.mkv", style=negative)
    assert first.photo.shape == (31, 45, 3)


def test_a_disk_that_is_full_at_the_end_is_one_sentence(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path / "out.mp4")
    recorder.add(picture(0), 0.0)

    class Full:
        """A container that takes streams and no packets."""

        def __init__(self, out):
            self.add_stream = out.add_stream
            self.close = out.close

        def mux(self, packets):
            if packets:
                raise av.error.OSError(28, "No space left on device")

    recorder._encoder.container = Full(recorder._encoder.container)
    said = []

    def close():
        with pytest.raises(CannotWrite, match=r"out\.mp4 can't be written: no space left"):
            recorder.close()
        said.append(True)

    thread = threading.Thread(target=close, daemon=True)
    thread.start()
    thread.join(10)
    assert said == [True]
    assert not [*tmp_path.iterdir()]


def test_recordings_are_begun_and_ended_by_one_key(tmp_path):
    said = []
    with Recording(said.append) as recording:
        recording.add(picture(0), 0.0)  # Nothing is being recorded.
        assert recording.notes() == []
        for name in ("a.mp4", "b.mp4"):
            assert recording.switch(tmp_path / name) == str(tmp_path / name)
            assert recording.notes() == ["REC 0:00"]
            recording.add(picture(0), 0.0)
            if name == "a.mp4":
                assert recording.switch(tmp_path / "unused.mp4") == str(tmp_path / name)
    assert said == [str(tmp_path / name) for name in ("a.mp4", "b.mp4")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
