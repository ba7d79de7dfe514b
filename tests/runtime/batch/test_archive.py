"""A large folder: bad files among the good, and a run that is killed."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

FILES, BAD = 1000, 50


@pytest.mark.slow
def test_a_thousand_files_of_which_fifty_are_bad_and_a_run_that_is_killed(workdir, negative):
    folder = workdir / "archive"
    rng = np.random.default_rng(0)
    for number in range(FILES):
        path = folder / f"{number // 100}" / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(path)
        if number % (FILES // BAD) == 7:
            path.write_bytes(path.read_bytes()[:60])
    command = [sys.executable, "-m", "fastnst", "stylize", "archive", "-o", "out"]
    command += ["--model", str(negative), "--skip-existing"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out = workdir / "out"
    while len(list(out.rglob("[0-9]*.png"))) < 100:  # (A temporary one begins with a dot.)
        time.sleep(0.02)
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("[0-9]*.png")}
    assert 100 <= len(before) < FILES - BAD
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("is damaged or can't be read") == BAD
    painted = sorted(out.rglob("[0-9]*.png"))
    assert len(painted) == FILES - BAD
    for path in painted:
        with Image.open(path) as image, Image.open(folder / path.relative_to(out)) as photo:
            assert np.array_equal(np.asarray(image), 255 - np.asarray(photo))
    # What was painted before was left, and was whole.
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
