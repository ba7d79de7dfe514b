import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from clips import make, picture

from fastnst import Stylizer, stream
from fastnst.errors import FastnstError, UnknownStyle, UnreadableImage
from fastnst.runtime.live.camera import Camera
from fastnst.runtime.live.recorder import Recorder


class FakeLens:
    """A camera that gives numbers as fast as it is let."""

    def __init__(self, frames, gap=0.0):
        self.frames, self.gap, self.closed = iter(frames), gap, False

    def read(self):
        time.sleep(self.gap)
        return next(self.frames, None)

    def close(self):
        self.closed = True


def numbered(count, size=(8, 8)):
    return [np.full((*size, 3), n, np.uint8) for n in range(count)]


class TestStream:
    def test_every_frame_of_a_video_comes_painted_in_order_with_its_time(self, tmp_path, negative):
        stamps = [0, 40, 90, 200, 210]
        clip = make(tmp_path / "clip.mp4", stamps=stamps)
        shots = list(stream(clip, style=negative))
        assert [shot.number for shot in shots] == [0, 1, 2, 3, 4]
        assert [shot.time for shot in shots] == pytest.approx([s / 1000 for s in stamps])
        for shot in shots:
            assert np.abs(shot.photo.astype(int) - picture(shot.number)).mean() < 3
            assert np.array_equal(shot.pixels, 255 - shot.photo)

    def test_frames_of_ones_own_are_painted(self, negative):
        frames = numbered(3)
        painted = [shot.pixels for shot in stream(frames, style=Stylizer(negative))]
        assert [int(p.mean()) for p in painted] == [255, 254, 253]

    def test_frames_are_scaled(self, negative):
        (shot,) = stream([np.zeros((30, 60, 3), np.uint8)], style=negative, size=20)
        assert shot.pixels.shape == shot.photo.shape == (10, 20, 3)

    def test_it_can_be_left(self, tmp_path, negative):
        clip = make(tmp_path / "clip.mp4", 40)
        before = threading.active_count()
        assert len(list(islice(stream(clip, style=negative), 2))) == 2
        for _ in range(50):
            if threading.active_count() <= before:
                break
            time.sleep(0.05)
        assert threading.active_count() <= before

    def test_a_style_by_name_is_painted_by_the_net_for_real_time(self, monkeypatch):
        asked = []
        monkeypatch.setattr(Stylizer, "for_video", lambda self: asked.append(self) or self)
        list(stream(numbered(1, (32, 32)), style="the-scream", strength=0.5))
        assert asked[0].strength == 0.5

    def test_what_is_wrong_is_said(self, tmp_path, negative):
        with pytest.raises(UnreadableImage):
            list(stream(tmp_path / "none.mp4", style=negative))
        with pytest.raises(UnknownStyle):
            list(stream(numbered(1), style="no-such"))
        with pytest.raises(FastnstError, match="uint8"):
            list(stream([np.zeros((4, 4, 3))], style=negative))


class TestCamera:
    def test_only_the_newest_frame_is_kept(self):
        with Camera(0, lens=lambda n: FakeLens(numbered(200), 0.001)) as camera:
            time.sleep(0.1)
            shot = camera.newest(-1, timeout=1)
            assert shot.number > 5
            assert shot.pixels[0, 0, 0] == shot.number
            later = camera.newest(shot.number, timeout=1)
            assert later.number > shot.number
            assert later.time > shot.time

    def test_it_waits_for_a_frame_no_longer_than_told(self):
        with Camera(0, lens=lambda n: FakeLens([])) as camera:
            started = time.monotonic()
            assert camera.newest(-1, timeout=0.1) is None
            assert time.monotonic() - started < 2

    def test_one_that_is_lost_is_taken_up_again(self, monkeypatch):
        monkeypatch.setattr("fastnst.runtime.live.camera.AGAIN", 0.05)
        lenses = []

        def lens(number):
            if len(lenses) in (1, 2):  # Not there, twice.
                lenses.append(None)
                raise FastnstError("There is no camera.")
            lenses.append(FakeLens(numbered(3)))
            return lenses[-1]

        with Camera(0, lens=lens) as camera:
            number = -1
            for _ in range(100):
                shot = camera.newest(number, timeout=0.1)
                number = shot.number if shot else number
                if number >= 4:
                    break
            assert number >= 4
            assert lenses[0].closed
            assert not camera.ended

    def test_that_it_is_lost_can_be_seen(self, monkeypatch):
        monkeypatch.setattr("fastnst.runtime.live.camera.AGAIN", 0.05)
        with Camera(0, lens=lambda n: FakeLens(numbered(1))) as camera:
            camera.newest(-1, timeout=1)
            seen = set()
            for _ in range(40):
                seen.add(camera.lost)
                time.sleep(0.01)
            assert True in seen

    def test_a_video_is_played_at_its_pace_and_ends(self, tmp_path):
        clip = make(tmp_path / "clip.mp4", stamps=[0, 100, 200, 300])
        with Camera(clip) as camera:
            times, number = [], -1
            while shot := camera.newest(number, timeout=2):
                number = shot.number
                times.append(shot.time)
            assert camera.ended
        assert number == 3
        assert 0.25 < times[-1] - times[0] < 1.5

    def test_an_error_while_reading_reaches_who_waits(self):
        class Broken:
            def read(self):
                raise FastnstError("It broke.")

            def close(self):
                pass

        with (
            Camera(0, lens=lambda n: Broken()) as camera,
            pytest.raises(FastnstError, match="broke"),
        ):
            camera.newest(-1, timeout=1)

    def test_no_camera_is_one_sentence(self):
        pytest.importorskip("cv2", reason="cameras need OpenCV")
        with pytest.raises(FastnstError, match="There is no camera 87"):
            Camera(87)

    def test_no_file_is_one_sentence(self, tmp_path):
        with pytest.raises(FastnstError, match="There is no file"):
            Camera(tmp_path / "none.mp4")


class TestRecorder:
    def test_it_writes_what_came_when_it_came(self, tmp_path, negative):
        path = tmp_path / "out.mp4"
        recorder = Recorder(path)
        stamps = [5.0, 5.04, 5.2, 5.21]
        for number, stamp in enumerate(stamps):
            recorder.add(picture(number), stamp)
        assert not path.exists()
        recorder.close()
        shots = list(stream(path, style=negative))
        assert [round(shot.time, 3) for shot in shots] == [0, 0.04, 0.2, 0.21]
        assert np.abs(shots[2].photo.astype(int) - picture(2)).mean() < 6
        assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]

    def test_nothing_is_written_over(self, tmp_path):
        (tmp_path / "out.mp4").write_text("mine")
        with pytest.raises(FastnstError, match="there already"):
            Recorder(tmp_path / "out.mp4")

    @pytest.mark.parametrize("name", ["out.xyz", "out"])
    def test_an_unknown_format_leaves_nothing(self, tmp_path, name):
        with pytest.raises(FastnstError, match=r"\.mp4"):
            Recorder(tmp_path / name)
        assert not [*tmp_path.iterdir()]

    def test_without_a_frame_there_is_no_file(self, tmp_path):
        recorder = Recorder(tmp_path / "out.mp4")
        with pytest.raises(FastnstError, match="no frame"):
            recorder.close()
        assert not [*tmp_path.iterdir()]

    def test_odd_sizes_do(self, tmp_path, negative):
        recorder = Recorder(tmp_path / "out.mkv")
        for number in range(3):
            recorder.add(picture(number, 31, 45), number / 25)
        recorder.close()
        (first, *_) = stream(tmp_path / "out.mkv", style=negative)
        assert first.photo.shape == (31, 45, 3)


class TestStylizer:
    def test_threads_may_share_it(self, many):
        stylizer = Stylizer(many)
        rng = np.random.default_rng(0)
        photos = [rng.integers(0, 255, (40 + n, 48, 3)).astype(np.uint8) for n in range(8)]
        names = stylizer.styles
        wishes = [(photo, names[n % len(names)], n / 8) for n, photo in enumerate(photos)] * 4

        def paint(wish):
            photo, style, strength = wish
            return stylizer(photo, style=style, strength=strength)

        alone = [paint(wish) for wish in wishes]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(paint, wishes))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))

    def test_threads_may_share_it_in_tiles(self, negative):
        stylizer = Stylizer(negative, tile=64)
        photos = [np.full((150, 130, 3), n, np.uint8) for n in range(6)]
        with ThreadPoolExecutor(6) as pool:
            painted = list(pool.map(stylizer, photos))
        assert [int(p.mean()) for p in painted] == [255, 254, 253, 252, 251, 250]

    def test_it_is_warmed_up(self, negative):
        stylizer = Stylizer(negative)
        stylizer.warm_up(40)
        stylizer.warm_up((64, 48))
        with pytest.raises(FastnstError, match="0x48"):
            stylizer.warm_up((0, 48))

    @pytest.mark.parametrize("blend", [None, "beta"])
    def test_frames_may_be_painted_at_a_time(self, many, blend):
        stylizer = Stylizer(many, blend=blend, strength=0.5, stroke="bold")
        shared = stylizer.for_video(2)
        assert shared is not stylizer
        assert shared is stylizer.for_video(2)
        assert stylizer.for_video() is stylizer
        rng = np.random.default_rng(0)
        photos = [rng.integers(0, 255, (40, 48, 3)).astype(np.uint8) for _ in range(8)]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(shared, photos))
        for photo, painted in zip(photos, together, strict=True):
            assert np.abs(stylizer(photo).astype(int) - painted).max() <= 1
