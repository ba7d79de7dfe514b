import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from clips import make
from PIL import Image

from fastnst.runtime.photos.options import PhotoOptions


def test_a_photo_is_painted(fastnst, workdir, astronaut, negative):
    status, _, err = fastnst("stylize", astronaut, "--model", negative, "-o", "a.png", "--size", 40)
    assert (status, err) == (0, "a.png  40x40  " + err.split("40x40  ")[1])
    with Image.open("a.png") as image:
        assert image.size == (40, 40)


def test_json_is_one_line_per_file_and_a_bad_one_sets_the_status(
    fastnst, workdir, astronaut, negative
):
    status, out, err = fastnst(
        "stylize", astronaut, "gone.jpg", "--model", negative, "-o", "o", "--json"
    )
    good, bad = (json.loads(line) for line in out.splitlines())
    assert status == 1
    assert good.pop("seconds") > 0
    assert good == {
        "input": str(astronaut),
        "output": "o/astronaut.jpg",
        "width": 512,
        "height": 512,
    }
    assert bad["error"] == "There is no file gone.jpg."
    assert err == "There is no file gone.jpg.\n"


def test_a_zoo_net_says_its_size(fastnst, workdir, astronaut, zoo):
    status, _, err = fastnst("stylize", astronaut, "--model", zoo, "-o", "a.png")
    assert status == 0
    assert "zoo.onnx paints at 224x224 px only" in err
    with Image.open("a.png") as image:
        assert image.size == (224, 224)


def test_a_file_of_many_styles_paints_a_blend_at_a_strength_and_a_stroke(
    fastnst, workdir, many, astronaut
):
    words = ["stylize", astronaut, "--model", many, "-o", "a.png", "--size", "32"]
    mixed = ["--style", "alpha:1,beta:3", "--strength", "0.5", "--stroke", "bold"]
    assert fastnst(*words, *mixed)[0] == 0
    with Image.open("a.png") as painted, Image.open(astronaut) as photo:
        # 0.5 of the photo, 0.125 of 200 - x / 2 and 0.375 of x / 2 + 50.
        expected = photo.resize((32, 32), Image.Resampling.LANCZOS).getpixel((9, 9))
        for found, value in zip(painted.getpixel((9, 9)), expected, strict=True):
            assert found == pytest.approx(0.625 * value + 43.75, abs=1)
    status, _, err = fastnst(*words, "--style", "alpa")
    assert (status, err) == (1, "fastnst: many.onnx has no style 'alpa'. Did you mean 'alpha'?\n")


def test_a_photo_goes_through_a_pipe(astronaut, negative):
    command = [sys.executable, "-m", "fastnst", "stylize", "-", "-o", "-", "--model", negative]
    done = subprocess.run(command, input=astronaut.read_bytes(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("JPEG", (512, 512))
    done = subprocess.run(command, input=b"nonsense", capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"What was piped in is not a picture")


def started(workdir, *words):
    """A command line that has begun to write."""
    command = [sys.executable, "-m", "fastnst", "stylize", *map(str, words)]
    process = subprocess.Popen(
        command, cwd=workdir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not [*workdir.rglob(".fastnst-*")] and time.monotonic() < until:
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="ends a process without a word")
@pytest.mark.parametrize("kind", ["video", "photo"])
def test_sigterm_leaves_no_temporary_file(workdir, negative, kind):
    if kind == "video":
        source = make(workdir / "a.mp4", count=300, size=(120, 160))
    else:
        source = workdir / "a.png"
        noise = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
        Image.fromarray(noise).save(source, compress_level=0)
    process = started(workdir, source, "--model", negative, "-o", f"out{source.suffix}")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert "Traceback" not in err
    assert not [*workdir.glob(".fastnst-*")]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C goes to a whole group")
def test_ctrl_c_before_the_first_frame_leaves_nothing(workdir, negative):
    source = make(workdir / "a.mp4", count=300, size=(240, 320))
    process = started(workdir, source, "--model", negative, "-o", "out.mp4")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("fastnst: Stopped ")
    assert "Traceback" not in err
    assert not [*workdir.glob(".fastnst-*")]


def test_ctrl_c_in_a_video_sets_the_status_and_says_of_how_many(
    fastnst, workdir, negative, monkeypatch
):
    make(workdir / "a.mp4", count=50)
    paint, seen = PhotoOptions.paint_frame, []

    def count(options, stylizer, pixels):
        seen.append(1)
        if len(seen) == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return paint(options, stylizer, pixels)

    monkeypatch.setattr(PhotoOptions, "paint_frame", count)
    status, out, err = fastnst("stylize", "a.mp4", "--model", negative, "-o", "out.mp4", "--json")
    result = json.loads(out)
    assert status == 130
    assert (result["output"], result["stopped"], result["of"]) == ("out.mp4", True, 50)
    assert 13 <= result["frames"] < 50
    said = f"fastnst: Stopped after {result['frames']} of 50 frames of a.mp4."
    assert err.splitlines()[-1] == said


def test_what_was_there_already_is_counted(fastnst, workdir, astronaut, negative):
    Image.open(astronaut).resize((32, 32)).save("b.png")
    words = ["stylize", astronaut, "b.png", "--model", negative, "-o", "o", "--skip-existing"]
    fastnst(*words[:2], *words[3:])
    status, _, err = fastnst(*words)
    assert status == 0
    assert err.splitlines()[-1] == "1 of 2 outputs were there already, and stay as they are."
    assert fastnst(*words) == (
        0, "", "All outputs were there already, and stay as they are.\n"
    )  # fmt: skip


def test_random_styles_keep_the_tree_and_fail_loudly(fastnst, workdir, make_photos, many):
    make_photos(workdir / "set" / "cats", 2)
    words = ["stylize", "set", "--model", many, "--style", "random", "-o", "out"]
    words += ["--copies", "3", "--strength", "0.3:1", "--seed", "0"]
    status, _, err = fastnst(*words)
    assert status == 0
    lines = (workdir / "out" / "manifest.csv").read_text().splitlines()
    assert lines[0] == "file,copy,style,strength,stroke,seed"
    assert [line.split(",")[0] for line in lines[1:]] == [
        f"cats/00{number}-{copy}.jpg" for number in (0, 1) for copy in (1, 2, 3)
    ]
    (workdir / "set" / "broken.jpg").write_text("no picture")
    status, _, err = fastnst(*words, "--skip-existing")
    assert status == 1
    assert "broken.jpg is not a picture that can be read" in err
    assert err.splitlines()[-2:] == [
        "6 of 9 outputs were there already, and stay as they are.",
        "3 of 9 outputs are missing, for the reasons above.",
    ]
    assert (workdir / "out" / "manifest.csv").read_text().splitlines() == lines


def test_a_folder_of_paintings_is_drawn_from_and_its_manifest_paints_again(
    fastnst, workdir, make_photos
):
    make_photos(workdir / "set", 2)
    make_photos(workdir / "paintings", 3, (80, 96))
    status, _, err = fastnst("stylize", "set", "--style", "paintings", "--seed", "4", "-o", "out")
    assert status == 0, err
    with (workdir / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["000.jpg", "001.jpg"]
    assert len({row["style"] for row in rows}) == 2
    for row in rows:
        assert str(workdir / "paintings") in row["style"]
        words = ["--style", row["style"], "--stroke", row["stroke"], "--device", "cpu"]
        status, _, err = fastnst("stylize", f"set/{row['file']}", *words, "-o", "again.jpg")
        assert status == 0, err
        assert (workdir / "again.jpg").read_bytes() == (workdir / "out" / row["file"]).read_bytes()


@pytest.mark.parametrize(
    ("words", "strengths", "strokes"),
    [
        (["--style", "beta", "--strength", "0.2:0.4"], (0.2, 0.4), {""}),
        (["--style", "beta", "--seed", "3", "--stroke", "medium"], (1, 1), {"0.5"}),
        (["--copies", "2", "--strength", "0.5"], (0.5, 0.5), {""}),
    ],
)
def test_a_style_of_a_name_has_drawn_strengths(
    fastnst, workdir, make_photos, many, words, strengths, strokes
):
    make_photos(workdir / "set", 4)
    status, _, err = fastnst("stylize", "set", "--model", many, "-o", "out", *words)
    assert status == 0, err
    with (workdir / "out" / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    drawn = [float(row["strength"]) for row in rows]
    assert strengths[0] <= min(drawn) <= max(drawn) <= strengths[1]
    assert {row["stroke"] for row in rows} == strokes
    assert {row["style"] for row in rows} <= {"beta", ""}


def test_what_random_styles_do_not_go_with_is_said(fastnst, workdir, astronaut, many):
    words = ["stylize", astronaut, "--style", "random", "--model", many, "-o", "out"]
    status, _, err = fastnst(*words, "--wrap")
    assert (status, err) == (
        1, "fastnst: Pictures in drawn styles are painted whole. Leave out --tile, --exact, --wrap and --memory.\n",
    )  # fmt: skip
    status, _, err = fastnst(*words, "--strength", "much")
    assert (status, "The strength is 'much'. It is a number from 0 to 1, or a range" in err) == (
        1,
        True,
    )
    assert not (workdir / "out").exists()
