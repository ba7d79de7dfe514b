import os
import re
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from fastnst import StyleAugment
from fastnst.errors import FastnstError
from fastnst.runtime.batch.dataset import stylize_dataset
from fastnst.runtime.batch.stylize import stylize
from fastnst.system.package_data import bundled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters are of Linux and macOS"),
    # Ray's threads and sockets outlive what started them.
    pytest.mark.filterwarnings("default"),
]
PATIENCE_SECONDS = 120
SCRIPTS = bundled("checkpoints").parent / "scripts"


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def painted(folder):
    return list(folder.rglob("[0-9]*.jpg"))


@pytest.fixture
def augment(many):
    return StyleAugment(model=many, share=1, seed=5)


@pytest.fixture
def photos(workdir, make_photos):
    make_photos(workdir / "set" / "cats", 120, (160, 120))
    make_photos(workdir / "set" / "dogs", 120, (120, 160))
    return workdir / "set"


@pytest.fixture
def wanted(photos, augment):
    """Files that one process writes."""
    stylize([photos], photos.parent / "wanted", style=augment, copies=2)
    return tree(photos.parent / "wanted")


def when_painted(folder, count, act):
    """Call `act` in a thread when so many images are painted; not at all where that takes minutes."""

    def wait():
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(painted(folder)) < count:
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def workers():
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "MapWorker" in " ".join(process.info["cmdline"] or ())
    ]


def test_a_cluster_writes_what_one_process_does_though_a_worker_is_killed(
    cluster, photos, augment, wanted
):
    out, killed = photos.parent / "out", []

    def kill():
        killed.append(workers()[0])
        killed[0].kill()

    thread = when_painted(out, 60, kill)
    (photos / "dogs" / "broken.jpg").write_text("no picture")
    result = stylize_dataset(photos, out, augment=augment, copies=2)
    thread.join()
    assert len(killed) == 1
    assert list(result.errors) == [str(photos / "dogs" / "broken.jpg")]
    assert "is not a picture that can be read" in result.errors[str(photos / "dogs" / "broken.jpg")]
    assert result.painted + result.kept == 480
    assert tree(out) == wanted
    again = stylize_dataset(photos, out, augment=augment, copies=2)
    assert (again.painted, again.kept, again.errors) == (0, 480, result.errors)


def test_a_killed_job_goes_on_without_painting_twice(cluster, photos, augment, wanted, many):
    out = photos.parent / "out"
    words = [
        sys.executable,
        str(SCRIPTS / "stylize_dataset.py"),
        "set",
        "-o",
        "out",
        "--model",
        str(many),
        "--copies",
        "2",
    ]
    words += ["--strength", "0.3:1", "--seed", "5", "--address", cluster.address]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        when_painted(out, 100, job.kill).join()
        job.kill()
    assert job.returncode == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE_SECONDS
    while workers():  # They end when they find that their job is gone.
        assert time.monotonic() < deadline, "the workers of the killed job go on"
        time.sleep(0.1)
    before = {path: path.stat().st_mtime_ns for path in painted(out)}
    assert 100 <= len(before) < 480
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{480 - len(before)} painted, {len(before)} there already" in done.stdout
    assert tree(out) == wanted
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())


def test_what_can_not_be_done_is_said(cluster, workdir, augment, zoo):
    (workdir / "empty").mkdir()
    result = stylize_dataset("empty", "out", augment=augment)
    assert "There is no picture in the folder" in result.errors[str(workdir / "empty")]
    with pytest.raises(FastnstError, match=r"The number of copies is 0\. Give 1"):
        stylize_dataset("empty", "out", augment=augment, copies=0)
    with pytest.raises(FastnstError, match=r"zoo\.onnx paints at 224x224 px only"):
        stylize_dataset("empty", "out", augment=StyleAugment(model=zoo, strength=1))


def test_the_benchmark_prints_images_a_second_and_the_share_of_the_net(cluster, astronaut):
    words = [astronaut, "--images", "8", "--size", "32", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "benchmarks" / "dataset.py", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "RAY_ADDRESS": cluster.address},
    )
    assert done.returncode == 0, done.stderr
    _, _, alone, by_one = done.stdout.splitlines()
    assert re.fullmatch(r"one process, no Ray +[\d.]+ +\d+%", alone)
    assert re.fullmatch(r"Ray, workers: 1 +[\d.]+ +\d+%", by_one)


def test_a_lost_machine_loses_nothing(cluster, photos, augment, wanted):
    out = photos.parent / "out"
    thread = when_painted(
        out, 100, lambda: cluster.remove_node(cluster.other, allow_graceful=False)
    )
    result = stylize_dataset(photos, out, augment=augment, copies=2)
    thread.join()
    assert (result.painted + result.kept, result.errors) == (480, {})
    assert tree(out) == wanted
