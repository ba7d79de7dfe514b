"""Time a video from file to file beside its frames painted in memory, and what each part of it takes.

    python scripts/benchmarks/video.py CLIP --size 1280x720 --frames 60 --style starry-night
    python scripts/benchmarks/video.py CLIP --size 1920x1080 --paint-size 960 --deflicker

The clip is first scaled to that size. Rounds of both alternate. The medians are shown, and the growth of memory with a clip
three times as long. Of each part the time of all cores together is shown, as parts run beside each other.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from fastnst import Stylizer
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.levels import resized
from fastnst.runtime.engine.stylizer import frames_at_once
from fastnst.runtime.photos.guided_upsampling import guided_upsample
from fastnst.runtime.photos.options import PhotoOptions
from fastnst.runtime.video.decode import frames
from fastnst.runtime.video.deflicker import Deflicker
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


def parts_of(
    clip: Path, target: Path, pictures: list[Pixels], stylizer: Stylizer, paint_size: int | None
) -> dict[str, float]:
    """Return the processor's seconds that each part of a frame takes."""
    process, found = psutil.Process(), dict[str, float]()

    def timed(part: str, make: Callable[[], Any]) -> Any:
        before = sum(process.cpu_times()[:2])
        made = make()
        found[part] = (sum(process.cpu_times()[:2]) - before) / len(pictures)
        return made

    height, width = pictures[0].shape[:2]
    scale = min(1.0, (paint_size or width) / max(height, width))
    size = (round(height * scale), round(width * scale))
    small = timed("making smaller", lambda: [resized(picture, size) for picture in pictures])
    painted = timed("painting", lambda: [stylizer(each) for each in small])
    if scale < 1:
        trios = list(zip(painted, small, pictures, strict=True))
        painted = timed("enlarging", lambda: [guided_upsample(*each) for each in trios])
    pairs = list(zip(pictures, painted, strict=True))
    deflicker = Deflicker()
    timed("deflickering", lambda: [deflicker(*each) for each in pairs])
    results = iter(painted)
    timed(
        "reading and writing",
        lambda: paint_video(clip, target, lambda _: next(results), VideoOptions()),
    )
    return found


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--style", default="starry-night")
    parser.add_argument("--deflicker", action="store_true")
    parser.add_argument("--paint-size", type=int, help="longer side that the net paints at")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    stylizer = Stylizer(options.style, fast=True, device=options.device)
    photo_options = PhotoOptions(paint_size=options.paint_size)
    concurrency = frames_at_once(stylizer.device)
    many = stylizer.for_video(concurrency)

    def paint(pixels: Pixels) -> Pixels:
        return photo_options.paint_frame(many, pixels)

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
                photo_options.paint_frame(stylizer, picture)
            alone.append(time.perf_counter() - started)
            started = time.perf_counter()
            paint_video(clip, target, paint, settings, concurrency=concurrency)
            whole.append(time.perf_counter() - started)
        before = process.memory_info().rss
        paint_video(long, target, paint, settings, concurrency=concurrency)
        grown = process.memory_info().rss - before
        parts = parts_of(clip, target, pictures, many, options.paint_size)
    fast, slow = count / statistics.median(alone), count / statistics.median(whole)
    print(
        f"{count} frames of {options.size}: painting alone {fast:.2f} a second, from file to file {slow:.2f},"
        f" {slow / fast:.0%} of that; three times as long takes {grown / 1e6:+.0f} MB more"
    )
    for part, seconds in parts.items():
        print(f"{part:>24}  {seconds * 1e3:6.1f} ms of all cores a frame")


if __name__ == "__main__":
    main()
