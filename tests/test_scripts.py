"""The scripts run, on pictures that are small."""

import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clips import make
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
import torch

from fastnst import export
from fastnst.models import NetConfig, build_net, load_net, save_net
from fastnst.styles.card import PaintingCredit, StyleCard
from fastnst.styles.onnx_metadata import read_card
from fastnst.system.package_data import bundled

SCRIPTS = bundled("checkpoints").parent / "scripts"


@pytest.mark.long
@pytest.mark.slow
def test_compare_writes_its_table_its_curves_and_its_sheet(workdir, astronaut):
    Image.open(astronaut).rotate(90).save("painting.png")
    done = subprocess.run(
        [
            *(sys.executable, SCRIPTS / "compare.py", astronaut, "painting.png", "-o", "out"),
            *("--size", "48", "--iterations", "2", "--vgg19", "gone.pth", "--resnet50", "gone.pth"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("left out. gone.pth can't be used as") == 2
    with open("out/compare.csv") as file:
        rows = list(csv.DictReader(file))
    names = dict.fromkeys(row["run"] for row in rows)
    assert len(names) == 6 + 3 + 5
    assert [row["iteration"] for row in rows if row["run"] == "adam"] == ["0", "1", "2"]
    with Image.open("out/sheet.png") as sheet:
        assert sheet.size == (4 * 48, 4 * (48 + 44))  # 16 pictures: photo and painting come first.
    with Image.open("out/compare.png") as plot:
        assert plot.height > plot.width


@pytest.mark.slow
def test_train_gallery_trains_goes_on_and_exports(workdir, make_photos, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(workdir / "cache"))
    make_photos(workdir / "photos")
    make_photos(workdir / "paintings", 2)
    paintings = [{"path": f"00{number}.jpg", "name": name} for number, name in enumerate("ab")]
    config = {"model": {"paintings": paintings}}
    (workdir / "gallery.yaml").write_text(yaml.safe_dump(config))
    small = [
        "--model.net.width=4",
        "--model.net.blocks=1",
        "--data.crop=64",
        "--data.num_workers=0",
    ]

    def run(steps: int) -> str:
        done = subprocess.run(
            [
                *(sys.executable, SCRIPTS / "train_gallery.py", "--nets", "swift"),
                *("--paintings", "photos", "paintings", "--photos", "photos"),
                *("--config", "gallery.yaml", "--steps", str(steps), *small),
            ],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for steps in (1, 2, 2):  # Begun, gone on with, finished already.
        assert "runs/gallery-swift/gallery-swift.onnx" in run(steps)
    card = read_card(workdir / "runs" / "gallery-swift" / "gallery-swift.onnx")
    assert ([style.name for style in card.styles], card.steps) == (["a", "b"], 2)
    assert (card.levels, card.rows, card.base) == (3, 7, 64)


def test_a_gallery_is_packed_within_its_megabytes(workdir, make_photos):
    make_photos(workdir / "photos")
    make_photos(workdir / "paintings", 1)
    config = {"model": {"paintings": [{"path": "000.jpg", "name": "a"}]}}
    (workdir / "gallery.yaml").write_text(yaml.safe_dump(config))
    words = ["pack", "--photos", "photos", "--large", "photos", "--paintings", "paintings"]
    words += ["--any", "photos"]
    command = [sys.executable, SCRIPTS / "pack_for_gpu.py", *words, "--config", "gallery.yaml"]
    done = subprocess.run([*command, "--megabytes", "0.02"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = [path for path in (workdir / "pack").rglob("*") if path.is_file()]
    assert "pack: 1 paintings, " in done.stdout
    assert {path.name.split("-")[0] for path in (workdir / "pack" / "any").iterdir()} == {"256"}
    assert sum(path.stat().st_size for path in files) <= 0.02 * 2**20
    assert {path.name.split("-")[0] for path in files} == {"000.jpg", "256", "512"}
    again = subprocess.run(command, capture_output=True, text=True)
    assert (again.returncode, "There is pack already" in again.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["benchmarks/video.py", "--size", "64x48", "--frames", "4", "--rounds", "1"], "4 frames of 64x48"),
        (["benchmarks/deflicker.py", "--size", "64", "--frames", "3", "--styles", "the-scream"], "swift --deflicker"),
    ],
)  # fmt: skip
def test_video_benchmarks_print_their_table(tmp_path, words, said):
    pytest.importorskip("cv2", reason="these scripts need OpenCV")
    clip = make(tmp_path / "clip.mp4", 5)
    script, *options = words
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, clip, *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it needs signals and limits of Unix")
def test_a_small_storm_finds_nothing_wrong():
    words = ["--pictures", "22", "--videos", "5", "--full", "2", "--kills", "2"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "storm.py", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pictures: 22 damaged" in done.stdout
    assert '"wrong": 0' in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "words", "said"),
    [
        ("speed.py", ["negative", "--sizes", "64x48", "--runs", "1"], r"64x48  \S+negative.onnx, cpu +[\d.]+ ms  +1.00x"),
        ("folder.py", ["photo", "--count", "2", "--megapixels", "0.02", "--fast"], r"2 photos of 163x122 px by gallery-swift.onnx"),
        ("tiles.py", ["photo", "--fast", "--size", "300", "--megapixels", "0.1"], r"316x316 px in tiles: [\d.]+ s, 0.\d+ GB"),
    ],
)  # fmt: skip
def test_photo_benchmarks_print_their_table(astronaut, negative, script, words, said):
    given = {"photo": astronaut, "negative": negative}
    done = subprocess.run(
        [sys.executable, SCRIPTS / "benchmarks" / script, *(given.get(w, w) for w in words)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(said, done.stdout), done.stdout


@pytest.mark.long
@pytest.mark.slow
def test_any_painting_is_compared_with_the_nearest_style(workdir, make_photos):
    make_photos(workdir / "photos", 1)
    make_photos(workdir / "paintings", 2)
    net = build_net(NetConfig("swift", 4, 1, styles=4, identity=True, predicted=1))
    credits = (PaintingCredit(name="a"), PaintingCredit(name="b"))
    save_net(Path("any.safetensors"), net, StyleCard("any", credits, net.config.as_dict(), 8, 32))
    export("any.safetensors")
    words = [
        "paintings",
        "--photos",
        "photos",
        "--nets",
        "any.onnx",
        "--size",
        "64",
        "--paintings",
        "2",
    ]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "compare_any.py", *words, "-o", "out"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with open("out/table.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["way"] for row in rows] == ["predicted, any", "nearest style"] * 2
    assert all(float(row["J"]) > 0 for row in rows)
    with Image.open("out/sheet.png") as sheet:
        assert sheet.size == (3 * 64, 3 * 53)


@pytest.mark.long
@pytest.mark.slow
def test_style_variety_takes_the_small_net_s_styles_as_its_unit(workdir, make_photos, astronaut):
    make_photos(workdir / "paintings", 2)
    words = [astronaut, "--count", "2", "--size", "64", "--paintings", "paintings"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "style_variety.py", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = {line[:28].strip(): line[28:].split() for line in done.stdout.splitlines()[1:]}
    assert list(rows) == [
        "gallery-swift: its styles", "gallery-swift: random", "gallery-unet: its styles",
        "gallery-unet: random", "paintings, one at a time", "paintings, blended",
    ]  # fmt: skip
    swift, unet = (
        str(len(read_card(bundled("checkpoints") / f"gallery-{net}.onnx").styles))
        for net in ("swift", "unet")
    )
    assert [row[0] for row in rows.values()] == [swift, "2", unet, "2", "2", "2"]
    assert rows["gallery-swift: its styles"][1] == "1.00"


@pytest.mark.slow
def test_shape_bias_trains_with_and_without_styles(workdir):
    words = ["--images", "48", "--test", "24", "--epochs", "1", "--size", "32", "--seeds", "0", "1"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "shape_bias.py", *words, "--sheet", "sheet.png"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    heading, *rows = (line.split() for line in done.stdout.splitlines())
    assert heading == ["seed", "training", "held", "out", "shape", "texture", "shape", "bias"]
    names = [(row[0], row[1]) for row in rows]
    trainings = ("plain", "mild", "half", "strong")
    assert names == [(s, t) for s in ("0", "1", "mean", "least", "most") for t in trainings]
    for seed, name, *figures in rows:
        assert all(0 <= float(figure) <= 1 for figure in figures), (seed, name)
    first, second, mean, least, most = (float(rows[place][3]) for place in (0, 4, 8, 12, 16))
    assert abs((first + second) / 2 - mean) < 0.0011
    assert (least, most) == (min(first, second), max(first, second))
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (12 * 32, 3 * 32)


def _net(path, names, rows_seed, *, predicted=0, kernels_seed=0):
    """A small net of two levels, whose kernels and rows are drawn apart."""
    torch.manual_seed(kernels_seed)
    rows = 2 * len(names) + predicted + 1
    net = build_net(
        NetConfig("unet", 4, 1, styles=rows, identity=True, predicted=predicted, levels=2)
    )
    torch.manual_seed(rows_seed)
    with torch.no_grad():
        for name, values in net.named_parameters():
            if ".norm." in name:
                values.copy_(torch.rand_like(values))
    credits = tuple(PaintingCredit(name=name) for name in names)
    card = StyleCard(path.stem, credits, net.config.as_dict(), multiple_of=8, minimum=32, base=224)
    save_net(path, net, card)
    return net


@pytest.mark.slow
def test_styles_of_nets_with_the_same_kernels_come_into_one_file(workdir):
    first = _net(workdir / "first.safetensors", ["a", "b"], 1, predicted=2)
    second = _net(workdir / "second.safetensors", ["c"], 2)
    _net(workdir / "other.safetensors", ["d"], 3, kernels_seed=1)
    merge = (sys.executable, SCRIPTS / "merge_styles.py", "first.safetensors")
    subprocess.run([*merge, "second.safetensors", "--output", "all.safetensors"], check=True)
    net, card = load_net(workdir / "all.safetensors")
    assert [credit.name for credit in card.styles] == ["a", "b", "c"]
    assert (net.config.predicted, net.config.identity, net.config.styles) == (2, True, 9)
    photo, canvas = torch.rand(2, 1, 3, 32, 32) * 255
    for donor, theirs, ours in ((first, 3, 3), (second, 1, 5), (first, 6, 8)):
        wanted = donor.half().float()(photo, torch.eye(donor.config.styles)[theirs], canvas)
        assert torch.equal(net.float()(photo, torch.eye(9)[ours], canvas), wanted)
    for file, said in (("other", "other kernels"), ("first", "Two nets have a style a")):
        refused = subprocess.run(
            [*merge, f"{file}.safetensors", "--output", "no.safetensors"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert refused.returncode == 1
        assert said in refused.stderr
        assert not (workdir / "no.safetensors").exists()


@pytest.mark.slow
def test_screenshots_of_the_page_are_taken(workdir, astronaut):
    pytest.importorskip("gradio")
    pytest.importorskip("playwright")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("there is no browser")
    Image.open(astronaut).resize((160, 120)).save("photo.png")
    words = ["--photo", "photo.png", "-o", "shots", "--readme", "page.png", "--themes", "light"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "web_screenshots.py", *words, "--widths", "wide", "--tabs", "Photo", "Many"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path("shots").iterdir()} == {
        "photo-light-wide.png",
        "many-light-wide.png",
    }
    with Image.open("page.png") as readme, Image.open("shots/photo-light-wide.png") as shot:
        assert (readme.width, shot.width) == (960, 1280)
        assert sum(map(bool, shot.convert("L").histogram())) > 100  # Pictures are on it.


@pytest.mark.slow
def test_the_benchmark_of_the_page_counts_photos_and_frames(astronaut):
    pytest.importorskip("gradio")
    pytest.importorskip("playwright")
    words = ["--only", "memory", "--visitors", "1", "--minutes", "0.03"]
    done = subprocess.run(
        [sys.executable, SCRIPTS / "benchmarks" / "web.py", astronaut, *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"\d photos, [\d.]+ frames a second, \d+ ms behind \(wait \d+, decode", done.stdout
    )
    assert re.search(r"  \d+ MB", done.stdout)
