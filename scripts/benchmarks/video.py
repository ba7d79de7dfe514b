"""Time a video from file to file beside its frames painted in memory: the cost of decoding and encoding.

    python scripts/benchmarks/video.py CLIP --size 1280x720 --frames 60 --style starry-night

The clip is first scaled to that size. Rounds of both alternate. The medians are shown, and the growth of memory with a clip
three times as long.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from fastnst import Stylizer
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.stylizer import frames_at_once
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.ffmpeg import av
from fastnst.runtime.video.options import VideoOptions
from fastnst.runtime.video.pipeline import paint_video


def written(path: Path, pictures: Iterator[Pixels]) -> None:
    """Encode pictures as a camera would: H.264, 30 frames a second."""
    with av.open(str(path), "w") as out:
        video = None
        for number, pixels in enumerate(pictures):
            if video is None:
                video = out.add_stream("libx264", rate=30, options={"crf": "18"})
                video.height, video.width = pixels.shape[:2]
                video.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(video.encode(frame))
        if video is not None:
            out.mux(video.encode(None))


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--deflicker", action="store_true")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    stylizer = Stylizer(options.style, fast=True)
    stylizer.warm_up((width, height))
    concurrency = frames_at_once(stylizer.device)
    many = stylizer.for_video(concurrency)
    pictures = [
        np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
        for pixels, _ in islice(frames(options.clip), options.frames)
    ]
    count, process = len(pictures), psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        clip, long, target = (Path(folder, name) for name in ("clip.mp4", "long.mp4", "out.mp4"))
        written(clip, iter(pictures))
        written(long, (picture for _ in range(3) for picture in pictures))
        alone, whole = [], []
        settings = VideoOptions(deflicker=options.deflicker)
        for _ in range(options.rounds):
            started = time.perf_counter()
            for picture in pictures:
                stylizer(picture)
            alone.append(time.perf_counter() - started)
            started = time.perf_counter()
            paint_video(clip, target, many, settings, concurrency=concurrency)
            whole.append(time.perf_counter() - started)
        before = process.memory_info().rss
        paint_video(long, target, many, settings, concurrency=concurrency)
        grown = process.memory_info().rss - before
    fast, slow = count / statistics.median(alone), count / statistics.median(whole)
    print(
        f"{count} frames of {options.size}: painting alone {fast:.2f} a second, from file to file {slow:.2f},"
        f" {slow / fast:.0%} of that; three times as long takes {grown / 1e6:+.0f} MB more"
    )


if __name__ == "__main__":
    main()
