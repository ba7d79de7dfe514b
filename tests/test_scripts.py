"""The scripts run, on pictures that are small."""

import csv
import subprocess
import sys

import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("matplotlib")
from fastnst.styles import shipped

SCRIPTS = shipped("checkpoints").parent / "scripts"


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
