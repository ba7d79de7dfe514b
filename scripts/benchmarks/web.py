"""Measure the page: first paint, preview after a click, live frames, the exported page, and memory with visitors.

    python scripts/benchmarks/web.py photo.jpg --ort node_modules/onnxruntime-web/dist
    python scripts/benchmarks/web.py photo.jpg --only memory --visitors 4 --minutes 10

It needs `pip install -e '.[dev]'` and a Chromium, which runs on the same cores as the server. Without `--ort`, npm brings
onnxruntime-web.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import io
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import sync_playwright

from fastnst.web.export import export_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STYLES = ("udnie", "great-wave", "the-kiss", "starry-night")
FRAME_SIZE = (640, 480)
IN_FLIGHT = 2
LOOK_SECONDS = 5
PARTS = ("page", "live", "export", "memory")
CAMERA = """
const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (ask) navigator.mediaDevices.getUserMedia = () => ask({video: {width: 640, height: 480, frameRate: 30}});
"""
"""Script that makes the camera one of 640x480 px, whatever the page asks for."""
CLICK = """style => new Promise(done => {
  const find = (place) => document.querySelector(place), began = performance.now();
  const look = () => {
    const images = [...document.querySelectorAll("#result img")];
    if (find("#status").innerText.includes("Preview") && images.every((image) => image.complete)) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  [...document.querySelectorAll("#wall button")].find((button) => button.innerText.trim() === style).click();
  look();
})"""
"""Script that clicks a style, and tells after how many milliseconds its preview is on the page."""


class Frames:
    """Sends frames like the page does, some at a time, and keeps what comes back."""

    def __init__(self, address: str, visitor: str, jpeg: bytes) -> None:
        self.delays: list[float] = []
        self.parts: defaultdict[str, list[float]] = defaultdict(list)
        self.refused = 0
        self._url, self._jpeg = f"{address}/live/frame", jpeg
        self._asked = {"visitor": visitor, "style": STYLES[0]}

    def send(self, until: float) -> None:
        """Send one frame after the other."""
        with httpx.Client(timeout=60) as client:
            while time.monotonic() < until:
                began = time.monotonic()
                answer = client.post(self._url, params=self._asked, content=self._jpeg)
                if answer.status_code != 200:
                    self.refused += 1
                    time.sleep(0.03)  # The next frame of the camera.
                    continue
                self.delays.append(1000 * (time.monotonic() - began))
                for name, took in re.findall(
                    r"(\w+);dur=([\d.]+)", answer.headers["server-timing"]
                ):
                    self.parts[name].append(float(took))

    def figures(self, seconds: float) -> str:
        """Return rate, delay and its parts in words."""
        if not self.delays:
            return f"no frames, {self.refused} refused"
        parts = ", ".join(f"{name} {median(took):.0f}" for name, took in self.parts.items())
        rate = len(self.delays) / seconds
        return f"{rate:.1f} frames a second, {median(self.delays):.0f} ms behind ({parts}), {self.refused} refused"


def visit(
    address: str, photo: Path, jpeg: bytes, seconds: float, *, photos: bool
) -> tuple[int, Frames]:
    """Be a visitor; return the number of photos that were painted, and the frames."""
    patient = {"timeout": 600}
    client = Client(address, verbose=False, analytics_enabled=False, httpx_kwargs=patient)
    client.predict(handle_file(str(photo)), STYLES[0], api_name="/paint")  # Begins the session.
    Frames(address, client.session_hash, jpeg).send(time.monotonic() + 2)  # Loads the net.
    frames, painted = Frames(address, client.session_hash, jpeg), 0
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(IN_FLIGHT) as senders:
        for _ in range(IN_FLIGHT):
            senders.submit(frames.send, until)
        while photos and time.monotonic() < until:
            style = STYLES[painted % len(STYLES)]
            client.predict(handle_file(str(photo)), style, api_name="/paint")
            painted += 1
    client.close()
    return painted, frames


def measure_page(page: Any, address: str, photo: Path) -> None:
    """Print the times to the first paint, to the wall, and to previews."""
    began = time.monotonic()
    page.goto(address)
    page.wait_for_selector("#wall img")
    wall = time.monotonic() - began
    entry = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    print(f"first paint {page.evaluate(entry) / 1000:.2f} s, wall of the example {wall:.2f} s")
    began = time.monotonic()
    page.set_input_files("#photo input[type=file]", photo)
    page.wait_for_function("document.querySelector('#status').innerText.includes('Click a style')")
    print(f"wall of a photo {time.monotonic() - began:.2f} s")
    times = []
    for style in STYLES:
        times.append(page.evaluate(CLICK, style))
        page.wait_for_function("document.querySelector('#status').innerText.includes(' px, ')")
    words = ", ".join(f"{each:.0f}" for each in times)
    print(f"preview after a click {median(times):.0f} ms ({words})")


def measure_live(page: Any, address: str, seconds: float) -> None:
    """Print what the tab of the camera says of itself, after a while."""
    page.goto(address)
    page.wait_for_selector("#wall img")
    page.get_by_role("tab", name="Live").click()
    page.click("#live-start")
    page.wait_for_timeout(1000 * seconds)
    print(f"live, Chromium on the same cores: {page.inner_text('#live-figures')}")


def measure_export(page: Any, folder: Path, seconds: float) -> None:
    """Print what the exported page says of its camera at two sizes, after a while each."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.wait_for_selector("body[data-ready]")
        print(f"exported page: {page.inner_text('#status')}")
        page.click("#camera")
        for size, name in ((640, "640x480"), (480, "480x360")):
            page.select_option("#size", str(size))
            page.wait_for_timeout(1000 * seconds)
            print(f"exported page, {name}: {page.inner_text('#status')}")
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(device: str) -> Iterator[tuple[str, psutil.Process]]:
    """Serve the page in a process of its own; yield its address and the process."""
    command = [sys.executable, "-m", "fastnst", "web", "--port", "0", "--no-browser"]
    began = time.monotonic()
    server = subprocess.Popen([*command, "--device", device], stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        address = server.stderr.readline().split()[4]
        print(f"server ready after {time.monotonic() - began:.1f} s")
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield address, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


@contextmanager
def browsing() -> Iterator[Any]:
    """Yield a page of a browser with a camera."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
    flags.append("--use-fake-device-for-media-stream=fps=30")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=flags)
        page = opened.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(CAMERA)
        page.set_default_timeout(300_000)
        yield page
        opened.close()


def watch_memory(visits: list[Any], process: psutil.Process) -> None:
    """Print the server's memory while visits last."""
    began = time.monotonic()
    while not all(each.done() for each in visits):
        time.sleep(LOOK_SECONDS)
        memory = process.memory_info().rss / 1e6
        print(f"{time.monotonic() - began:6.0f} s  {memory:6.0f} MB", flush=True)


def main() -> None:
    """Serve, visit, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS[:3])
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement of frames")
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ort", type=Path, help="folder `dist` of onnxruntime-web")
    options = parser.parse_args()
    jpeg = io.BytesIO()
    with Image.open(options.photo) as image:
        image.convert("RGB").resize(FRAME_SIZE).save(jpeg, "JPEG", quality=85)
    asked = options.photo, jpeg.getvalue()
    if {"page", "live", "memory"} & set(options.only):
        with serving(options.device) as (address, process):
            if "page" in options.only:
                with browsing() as page:
                    measure_page(page, address, options.photo)
            if "live" in options.only:
                _, frames = visit(address, *asked, options.seconds, photos=False)
                print(f"live, server alone: {frames.figures(options.seconds)}")
                with browsing() as page:
                    measure_live(page, address, options.seconds)
            if "memory" in options.only:
                seconds = 60 * options.minutes
                with ThreadPoolExecutor(options.visitors) as pool:
                    visits = [
                        pool.submit(visit, address, *asked, seconds, photos=True)
                        for _ in range(options.visitors)
                    ]
                    watch_memory(visits, process)
                for painted, frames in (each.result() for each in visits):
                    print(f"{painted} photos, {frames.figures(seconds)}")
    if "export" in options.only:
        with tempfile.TemporaryDirectory() as folder, browsing() as page:
            export_page(Path(folder, "site"), options.ort)
            measure_export(page, Path(folder, "site"), options.seconds)


if __name__ == "__main__":
    main()
