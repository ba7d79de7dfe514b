"""Opens a real window in a process of its own, presses its keys, and prints what it saw as JSON."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageGrab

from fastnst import Stylizer
from fastnst.runtime.live import webcam

BITS, SIZE = 6, (324, 240)
seen = {}


def keep(owner, name):
    """Keep the object that is made."""
    made = getattr(owner, name)

    def make(*args, **options):
        seen[name] = made(*args, **options)
        return seen[name]

    setattr(owner, name, make)


def grab():
    return np.asarray(ImageGrab.grab(xdisplay="").convert("RGB"))


def key(name):
    subprocess.run(["xdotool", "key", name], check=True)
    time.sleep(0.4)


def counter(screen, left=0, inverted=True):
    """The number drawn into the frame, by its bars."""
    row = screen[SIZE[1] - 30 : SIZE[1] - 10, left : left + SIZE[0]].mean(axis=(0, 2))
    bars = row.reshape(BITS, -1)[:, 10:-10].mean(axis=1) > 127
    return sum(bool(bar != inverted) << bit for bit, bar in enumerate(bars))


def drive(found):
    for _ in range(300):
        if "Controls" in seen and grab()[SIZE[1] - 30 : SIZE[1] - 10, : SIZE[0]].min() > 30:
            break
        time.sleep(0.1)
    time.sleep(1)
    now, camera = seen["Controls"], seen["Camera"]
    found["behind"] = []
    for _ in range(8):
        newest = camera.newest(-1, 1).number
        found["behind"].append(newest - counter(grab()))
        time.sleep(0.13)
    Image.fromarray(grab()).save("screen.png")
    key("h")
    found["help"] = now.help
    key("h")
    key("Right")
    found["next"] = now.mix.style
    key("1")
    found["first"] = now.mix.style
    for _ in range(3):
        key("Down")
    found["strength"] = now.mix.strength
    for _ in range(3):
        key("Up")
    key("plus")
    found["stroke"] = now.mix.stroke
    key("minus")
    key("o")
    key("s")
    time.sleep(0.5)
    Image.fromarray(grab()).save("beside.png")
    key("space")
    key("s")
    key("r")
    time.sleep(1)
    key("r")
    key("m")
    for _ in range(50):  # The end of the recording takes its time.
        if now.mirror:
            break
        time.sleep(0.1)
    found["mirror"] = now.mirror
    key("q")


def main():
    clip, model = map(Path, sys.argv[1:3])
    keep(webcam, "Controls")
    keep(webcam, "Camera")
    found, failures = {}, []

    def safely():
        try:
            drive(found)
        except Exception as error:
            failures.append(repr(error))
        finally:
            if "Controls" in seen:
                seen["Controls"].quit = True

    driver = threading.Thread(target=safely)
    driver.start()
    stats = webcam.webcam(Stylizer(model), clip, size=None, record=Path("whole.mp4"))
    driver.join()
    found["frames"], found["delay_ms"] = stats.frames, stats.delay_ms
    found["failures"] = failures
    sys.stdout.write(json.dumps(found))


main()
