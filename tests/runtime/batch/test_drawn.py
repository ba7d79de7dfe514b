import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from clips import make
from PIL import Image

from fastnst import PhotoOptions, StyleAugment, Stylizer
from fastnst.errors import FastnstError, Interrupted
from fastnst.runtime.batch.stylize import stylize
from fastnst.system.lock import lock_folder


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def rows(folder):
    with (folder / "manifest.csv").open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def augment(many):
    return StyleAugment(model=many, share=1, seed=5)


@pytest.fixture
def photos(workdir):
    """cats/a.png, cats/b.png, dogs/a.png, of noise and of different sizes."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(("cats/a.png", "cats/b.png", "dogs/a.png")):
        path = workdir / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (30 + number, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    return workdir / "photos"


def test_copies_keep_the_tree_and_the_manifest_says_what_was_drawn(photos, augment, many):
    out = photos.parent / "out"
    results = stylize([photos], out, style=augment, copies=3)
    assert [result.error for result in results] == [""] * 9
    names = [f"{name}-{copy}.png" for name in ("cats/a", "cats/b", "dogs/a") for copy in (1, 2, 3)]
    manifest = rows(out)
    assert list(manifest) == sorted(names)
    assert tree(out).keys() == {*names, "manifest.csv"}
    stylizer = Stylizer(model=many, device="cpu")
    for name, row in manifest.items():
        photo = pixels(photos / f"{name[:6]}.png")
        again = stylizer(
            photo, row["style"], strength=float(row["strength"]), stroke=float(row["stroke"])
        )
        assert np.array_equal(pixels(out / name), again)
        # The geometry stays: a mask or a box of the photo fits the result.
        assert again.shape == photo.shape
        # The same picture by the callable, in the epoch of the copy.
        augment.set_epoch(int(row["copy"]) - 1)
        assert np.array_equal(augment(photo), again)
        assert row["seed"] == "5"
    assert len({(row["style"], row["strength"]) for row in manifest.values()}) == 9


def test_one_copy_has_the_name_of_its_photo_and_photos_may_stay_as_they_are(photos, many):
    out = photos.parent / "out"
    augment = StyleAugment(model=many, share=0.5, seed=2)
    stylize([photos], out, style=augment)
    manifest = rows(out)
    assert manifest.keys() == {"cats/a.png", "cats/b.png", "dogs/a.png"}
    same = {name: np.array_equal(pixels(out / name), pixels(photos / name)) for name in manifest}
    assert set(same.values()) == {True, False}
    assert {name: row["strength"] == "0" for name, row in manifest.items()} == same


def test_the_options_of_photos_hold(photos, augment):
    options = PhotoOptions(size=20, keep_color="luminance")
    (result, *_) = stylize([photos], photos.parent / "out", style=augment, photo_options=options)
    assert (result.width, result.height) == (20, 15)


def test_what_is_left_out_is_said_and_the_others_are_painted(photos, augment):
    make(photos / "clip.mp4", 3)
    (photos / "broken.png").write_bytes(b"nothing")
    out = photos.parent / "out"
    results = stylize([photos], out, style=augment, copies=2)
    errors = [result.error for result in results if result.error]
    assert len(errors) == 4
    assert sum("broken.png is not a picture that can be read" in error for error in errors) == 2
    assert sum("clip.mp4 is a video, and styles are drawn for pictures" in e for e in errors) == 2
    assert len(rows(out)) == 6
    assert tree(out).keys() == {*rows(out), "manifest.csv"}


def test_what_is_painted_already_is_left_as_it_is_and_the_manifest_whole(photos, augment):
    whole, out = photos.parent / "whole", photos.parent / "out"
    stylize([photos], whole, style=augment, copies=2)
    stylize([photos / "cats"], out / "cats", style=augment, copies=2)
    (out / "cats" / "manifest.csv").rename(out / "manifest.csv")
    text = (out / "manifest.csv").read_text().replace("\na-", "\ncats/a-")
    (out / "manifest.csv").write_text(text.replace("\nb-", "\ncats/b-"))
    (out / "cats" / "b-2.png").unlink()
    results = stylize([photos], out, style=augment, copies=2, skip_existing=True)
    assert [result.skipped for result in results] == [True] * 3 + [False] * 3
    assert tree(out) == tree(whole)


def test_files_that_are_there_are_not_replaced_unless_that_is_asked_for(photos, augment):
    out = photos.parent / "out"
    stylize([photos], out, style=augment)
    before = tree(out)
    other = StyleAugment("alpha", augment._choices.files[0], share=1)
    assert all("is there already" in result.error for result in stylize([photos], out, style=other))
    assert tree(out) == before
    stylize([photos], out, style=other, overwrite=True)
    assert {row["style"] for row in rows(out).values()} == {"alpha"}


def test_ctrl_c_leaves_a_manifest_of_what_was_painted(workdir, make_photos, augment):
    make_photos(workdir / "many", 6)
    stylize(["many"], "whole", style=augment, copies=2)

    def stop(painted, number, total):
        if number == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=r"Stopped after \d of 12 pictures\. Go on with --skip"):
        stylize(["many"], "out", style=augment, copies=2, report=stop)
    painted = tree(workdir / "out")
    assert rows(workdir / "out").keys() == painted.keys() - {"manifest.csv"}
    assert 5 <= len(painted) - 1 < 12
    stylize(["many"], "out", style=augment, copies=2, skip_existing=True)
    assert tree(workdir / "out") == tree(workdir / "whole")


def test_an_output_that_is_no_folder_is_refused(photos, augment):
    for output in (None, "-", "one.png"):
        with pytest.raises(FastnstError, match=r"need a folder.*Give a folder with -o"):
            stylize([photos / "cats" / "a.png"], output, style=augment)
    with pytest.raises(FastnstError, match=r"The number of copies is 0\. Give 1, or more"):
        stylize([photos], "out", style=augment, copies=0)
    with pytest.raises(FastnstError, match=r"copies is 2\. Give 1, or more where styles are drawn"):
        stylize([photos], "out", style="the-scream", copies=2)


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of folders")
def test_one_process_at_a_time_paints_into_a_folder(photos, augment):
    with (
        lock_folder(photos.parent / "out"),
        pytest.raises(FastnstError, match=r"Another process .* or give another folder with -o"),
    ):
        stylize([photos], photos.parent / "out", style=augment)


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_job_that_is_killed_goes_on_to_the_very_bytes(workdir, make_photos, many, threads):
    make_photos(workdir / "set" / "a", 60, (64, 48))
    make_photos(workdir / "set" / "b", 60, (48, 64))
    command = [sys.executable, "-m", "fastnst", "stylize", "set", "--model", str(many)]
    command += ["--style", "random", "--strength", "0.3:1", "--copies", "2", "--skip-existing"]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    out = workdir / "out"
    for least in (40, 120):
        killed = subprocess.Popen(
            [*command, "-o", "out"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )  # fmt: skip
        while len(list(out.rglob("[0-9]*.jpg"))) < least:
            time.sleep(0.01)
            assert killed.poll() is None
        killed.kill()
        killed.wait()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("[0-9]*.jpg")}
    assert 120 <= len(before) < 240
    for folder in ("out", "whole"):
        subprocess.run([*command, "-o", folder], check=True, capture_output=True, env=environment)
    assert tree(out) == tree(workdir / "whole")
    assert len(rows(out)) == 240
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())
