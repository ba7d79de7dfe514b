"""Measure the page's server: visitors who paint photos and send frames at the same time, and its memory.

python scripts/benchmarks/web.py photo.jpg --visitors 4 --seconds 600
python scripts/benchmarks/web.py photo.jpg --visitors 1 --seconds 20 --frames-alone
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx
import psutil
from gradio_client import Client, handle_file
from PIL import Image

STYLES = ("udnie", "great-wave", "the-kiss", "starry-night")
FRAME_SIZE = (640, 480)
IN_FLIGHT = 2
LOOK_SECONDS = 5


class Frames:
    """Sends frames like the page does, some at a time, and counts what comes back."""

    def __init__(self, address: str, visitor: str, jpeg: bytes) -> None:
        self.delays: list[float] = []
        self.refused = 0
        self._url, self._jpeg = f"{address}/live/frame", jpeg
        self._asked = {"visitor": visitor, "style": STYLES[0]}

    def send(self, until: float) -> None:
        """Send one frame after the other."""
        with httpx.Client(timeout=60) as client:
            while time.monotonic() < until:
                began = time.monotonic()
                answer = client.post(self._url, params=self._asked, content=self._jpeg)
                if answer.status_code == 200:
                    self.delays.append(time.monotonic() - began)
                else:
                    self.refused += 1
                    time.sleep(0.03)  # The next frame of the camera.


def visit(address: str, photo: Path, jpeg: bytes, until: float, alone: bool) -> tuple[int, Frames]:
    """Be a visitor; return the number of photos that were painted, and the frames."""
    client = Client(address, verbose=False, analytics_enabled=False)
    client.predict(api_name="/styles")
    client.predict(handle_file(str(photo)), STYLES[0], api_name="/paint")  # Begins the session.
    frames, photos = Frames(address, client.session_hash, jpeg), 0
    with ThreadPoolExecutor(IN_FLIGHT) as senders:
        for _ in range(IN_FLIGHT):
            senders.submit(frames.send, until)
        while not alone and time.monotonic() < until:
            style = STYLES[photos % len(STYLES)]
            client.predict(handle_file(str(photo)), style, api_name="/paint")
            photos += 1
    client.close()
    return photos, frames


def main() -> None:
    """Serve, visit, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--frames-alone", action="store_true")
    options = parser.parse_args()
    jpeg = io.BytesIO()
    with Image.open(options.photo) as image:
        image.convert("RGB").resize(FRAME_SIZE).save(jpeg, "JPEG", quality=85)
    command = [sys.executable, "-m", "fastnst", "web", "--port", "0", "--no-browser"]
    server = subprocess.Popen(
        [*command, "--device", options.device], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        address = server.stderr.readline().split()[4]
        threading.Thread(target=server.stderr.read, daemon=True).start()
        process = psutil.Process(server.pid)
        began = time.monotonic()
        until = began + options.seconds
        with ThreadPoolExecutor(options.visitors) as visitors:
            done = [
                visitors.submit(
                    visit, address, options.photo, jpeg.getvalue(), until, options.frames_alone
                )
                for _ in range(options.visitors)
            ]
            while time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
                memory = process.memory_info().rss / 1e6
                print(f"{time.monotonic() - began:6.0f} s  {memory:6.0f} MB", flush=True)
            results = [each.result() for each in done]
        for photos, frames in results:
            rate = len(frames.delays) / options.seconds
            delay = 1000 * median(frames.delays) if frames.delays else 0
            print(
                f"{photos} photos, {rate:.1f} frames a second, {delay:.0f} ms, {frames.refused} refused"
            )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
