"""Damage pictures and videos, fill disks and kill jobs at random, and check that nothing hangs, lies or is lost.

    python scripts/storm.py --pictures 2000 --videos 200 --kills 50 --seed 1

Every damaged file must give an output that can be opened, or one sentence, never a traceback. No job may be silent for
more than --silence seconds. A killed job must leave no half-written picture, and must complete when it is started again, and
remove its temporary files. Failures are printed, their files stay in the folder that is named at the end, and the exit
status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image

from fastnst.system.package_data import bundled

PICTURES = (
    ".png",
    ".jpg",
    ".webp",
    ".tif",
    ".gif",
    ".bmp",
    ".avif",
    ".jp2",
    ".tga",
    ".ppm",
    ".ico",
)
VIDEOS = {
    ".mp4": "libx264",
    ".mkv": "libx265",
    ".avi": "mpeg4",
    ".webm": "libvpx-vp9",
    ".mov": "libx264",
}
FRAMES = 24
FASTNST = (sys.executable, "-m", "fastnst")
STYLE = ("--style", "starry-night", "--fast")


def picture(path: Path, rng: random.Random) -> None:
    """Write a small picture of shapes, in the format of the path."""
    side = rng.choice((16, 33, 48, 64))
    values = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(values).resize((side, side + 3), Image.Resampling.BICUBIC).save(path)


def video(path: Path, rng: random.Random) -> None:
    """Write a small clip, by the usual codec for the extension of the path."""
    values = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (48, 64, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(VIDEOS[path.suffix], rate=12)
        assert isinstance(stream, av.VideoStream)
        if path.suffix == ".mkv":
            stream.options = {"x265-params": "log-level=none"}
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            pixels = np.ascontiguousarray(np.roll(values, number, axis=1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())


def damage(data: bytes, rng: random.Random) -> bytes:
    """Return bytes that are cut, flipped, zeroed, doubled or torn out."""
    values, start = bytearray(data), rng.randrange(len(data))
    length = min(len(data) - start, rng.choice((1, 4, 64, 1024)))
    kind = rng.choice(("cut", "flip", "flip", "zero", "double", "tear"))
    if kind == "cut":
        del values[start:]
    elif kind == "flip":
        for _ in range(rng.choice((1, 3, 20))):
            values[rng.randrange(len(values))] ^= 1 << rng.randrange(8)
    elif kind == "zero":
        values[start : start + length] = bytes(length)
    elif kind == "double":
        values[start:start] = values[start : start + length]
    else:
        del values[start : start + length]
    return bytes(values)


def run(
    words: tuple[str, ...],
    limit: Callable[[], None] | None = None,
    kill_after: float | None = None,
    place: Path | None = None,
    patience: float = 60.0,
) -> tuple[int, list[str], float]:
    """Run a command, and return its exit status, its lines, and its longest silence in seconds.

    It is killed `kill_after` seconds after its start, and after a silence of `patience` seconds. A silence after a line
    that says how far the job is does not count: the next is due within a minute.
    """
    job = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=limit, cwd=place, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def listen() -> None:
        assert job.stdout is not None
        for line in job.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=listen, daemon=True).start()
    said: list[str] = []
    began = last = time.monotonic()
    longest = 0.0
    while True:
        now = time.monotonic()
        left = patience - (now - last)
        if kill_after is not None:
            left = min(left, kill_after - (now - began))
        if left <= 0:
            job.kill()
            job.wait()
            return -signal.SIGKILL, said, longest
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            continue
        if not said or " %" not in said[-1]:
            longest = max(longest, time.monotonic() - last)
        last = time.monotonic()
        if line is None:
            return job.wait(), said, longest
        said.append(line)


def opens(path: Path) -> bool:
    """Return whether an output is whole."""
    try:
        if path.suffix in VIDEOS:
            with av.open(str(path)) as container:
                return sum(1 for _ in container.decode(video=0)) > 0
        with Image.open(path) as image:
            image.load()
    except (OSError, av.FFmpegError, SyntaxError):
        return False
    return True


def left_over(folder: Path) -> list[Path]:
    """Return the temporary files that are left."""
    return [path for path in folder.rglob(".*") if path.is_file()]


class Storm:
    """Trials in a folder, and the failures that were found.

    Args:
        folder: Folder of the files.
        seed: Seed of all that is random.
        silence: Longest silence of a job in seconds; after seven times as long it is killed.
    """

    def __init__(self, folder: Path, seed: int, silence: float = 10.0) -> None:
        self.folder = folder
        self.silence = silence
        self.rng = random.Random(seed)
        self.wrong: list[str] = []

    def check(self, what: str, said: list[str], silence: float) -> None:
        """Note a traceback, a crash or a silence."""
        if any("Traceback" in line for line in said):
            self.wrong.append(f"{what}: a traceback:\n" + "\n".join(said[-30:]))
        if silence > self.silence:
            self.wrong.append(f"{what}: said nothing for {silence:.0f} s")

    def damaged(
        self, count: int, endings: tuple[str, ...], make: Callable[[Path, random.Random], None]
    ) -> None:
        """Paint a folder of damaged files."""
        name = "videos" if make is video else "pictures"
        source, out = self.folder / name, self.folder / f"{name}-painted"
        source.mkdir()
        for number in range(count):
            path = source / f"{number:04d}{endings[number % len(endings)]}"
            make(path, self.rng)
            path.write_bytes(damage(path.read_bytes(), self.rng))
        words = (*FASTNST, "stylize", str(source), "-o", str(out), *STYLE, "--json")
        status, said, silence = run(words, patience=7 * self.silence)
        self.check(name, said, silence)
        painted = [path for path in out.rglob("*") if path.is_file()]
        broken = [path for path in painted if not opens(path)]
        self.wrong += [f"{path} can't be opened" for path in broken + left_over(out)]
        stems = {path.stem for path in painted}
        mute = [
            path.name
            for path in source.iterdir()
            if path.stem not in stems and not any(path.name in line for line in said)
        ]
        if mute:
            self.wrong.append(f"{name}: not a word on {', '.join(mute[:5])}")
        if status not in (0, 1):
            self.wrong.append(f"{name}: status {status}: " + " | ".join(said[-3:]))
        print(
            f"{name}: {count} damaged, {len(painted)} painted, longest silence {silence:.1f} s",
            flush=True,
        )

    def full_disks(self, count: int) -> None:
        """Paint a video while no file may grow past a random size."""
        clip = self.folder / "clip.mp4"
        video(clip, self.rng)
        for number in range(count):
            most = self.rng.randrange(1, 2 * clip.stat().st_size)

            def limit(most: int = most) -> None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

            out = self.folder / f"full-{number}" / "out.mp4"
            out.parent.mkdir()
            status, said, silence = run(
                (*FASTNST, "stylize", str(clip), "-o", str(out), *STYLE),
                limit,
                patience=7 * self.silence,
            )
            self.check(f"a disk full after {most} bytes", said, silence)
            if left_over(out.parent) or (out.exists() != (status == 0)):
                self.wrong.append(
                    f"a disk full after {most} bytes: status {status}, left {list(out.parent.iterdir())}"
                )
        print(f"full disks: {count}", flush=True)

    def kills(self, count: int) -> None:
        """Kill jobs at a random moment, and start them again."""
        photos = self.folder / "photos"
        photos.mkdir()
        for number in range(30):
            side = self.rng.randrange(256, 400)
            values = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
            Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC).save(
                photos / f"{number}.png"
            )
        clip = self.folder / "killed.mp4"
        video(clip, self.rng)
        debug = str(bundled("configs") / "debug.yaml")
        for number in range(count):
            kind = ("folder", "video", "training")[number % 3]
            place = self.folder / f"kill-{number}"
            place.mkdir()
            if kind == "folder":
                words: tuple[str, ...] = (
                    *FASTNST,
                    "stylize",
                    str(photos),
                    "-o",
                    str(place),
                    *STYLE,
                    "--skip-existing",
                )
                again, longest = words, 4.0
            elif kind == "video":
                words = (*FASTNST, "stylize", str(clip), "-o", str(place / "out.mp4"), *STYLE)
                again, longest = words, 3.0
            else:
                base = (*FASTNST, "train", "--name", "killed")
                new = (
                    str(photos / "0.png"),
                    "--data",
                    str(photos),
                    "--config",
                    debug,
                    "--trainer.val_check_interval=2",
                )
                words, again, longest = (*base, *new), (*base, "--resume"), 12.0
            moment = self.rng.uniform(0.2, longest)
            ended, said, silence = run(
                words, kill_after=moment, place=place, patience=7 * self.silence
            )
            what = f"{kind} killed after {moment:.1f} s"
            self.check(what, said, silence)
            whole = [path for path in place.rglob("[!.]*") if path.suffix in (".png", ".mp4")]
            self.wrong += [f"{what}: {path} can't be opened" for path in whole if not opens(path)]
            if kind == "training" and ended == 0:  # It was over before, and can't be resumed.
                continue
            status, said, silence = run(again, place=place, patience=7 * self.silence)
            if any("steps already" in line for line in said):  # It was killed while it ended.
                status = 0
            # It may have been killed before there was a checkpoint.
            if kind == "training" and status and "--resume" in again:
                status, said, silence = run(words, place=place, patience=7 * self.silence)
            # A training is silent until its first validation.
            self.check(f"{what}, again", said, 0 if kind == "training" else silence)
            self.wrong += [f"{what}: {path} is left" for path in left_over(place)]
            if status:
                self.wrong.append(f"{what}: again ended with {status}: " + " | ".join(said[-3:]))
        print(f"kills: {count}", flush=True)


def main() -> None:
    """Run all trials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--full", type=int, default=10)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--silence", type=float, default=10.0, help="seconds; more where other work takes the cores"
    )
    options = parser.parse_args()
    storm = Storm(Path(tempfile.mkdtemp(prefix="storm-")), options.seed, options.silence)
    if options.pictures:
        storm.damaged(options.pictures, PICTURES, picture)
    if options.videos:
        storm.damaged(options.videos, tuple(VIDEOS), video)
    storm.full_disks(options.full)
    storm.kills(options.kills)
    print(json.dumps({"wrong": len(storm.wrong), "folder": str(storm.folder)}))
    if not storm.wrong:
        shutil.rmtree(storm.folder)
    for line in storm.wrong:
        print(line)
    raise SystemExit(bool(storm.wrong))


if __name__ == "__main__":
    main()
