"""What the README shows runs, and says what is so."""

import re
import shutil

import numpy as np
import pytest
from clips import make
from PIL import Image

import fastnst

pytest.importorskip("torch")
from fastnst.cli.app import app
from fastnst.system.package_data import shipped

ROOT = shipped("checkpoints").parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    part.strip()
    for language, block in BLOCKS
    if language == "sh"
    for line in block.splitlines()
    for part in line.split("&&")
]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("fastnst ")])
def test_every_command_is_understood(command):
    app.parse_args(command.split()[1:], print_error=False, exit_on_error=False)


@pytest.mark.slow
@pytest.mark.parametrize("code", [block for language, block in BLOCKS if language == "python"])
def test_every_python_block_runs(code, workdir, astronaut):
    shutil.copy(astronaut, "photo.jpg")
    make(workdir / "clip.mp4", 3)
    exec(compile(code, "README.md", "exec"), {})
    written = set(re.findall(r"""save\("([\w.-]+)"\)""", code))
    assert written
    assert all((workdir / name).is_file() for name in written)
    assert "painted/" not in code or (workdir / "painted" / "photo.jpg").is_file()


def test_plain_onnxruntime_paints_what_fastnst_paints(workdir, astronaut):
    shutil.copy(astronaut, "photo.jpg")
    (code,) = (block for language, block in BLOCKS if language == "python" and "by-hand" in block)
    exec(compile(code, "README.md", "exec"), {})
    by_hand = np.asarray(Image.open("by-hand.png"), float)
    painted = np.asarray(fastnst.Stylizer("the-scream", fast=True)("photo.jpg"), float)
    # It has no reflected margin: what is near the edges differs, and by the norms' means the rest a little.
    assert np.abs(by_hand - painted)[32:-32, 32:-32].mean() < 4


def test_every_option_of_the_configuration_that_it_names_exists():
    from fastnst.training.module import NetConfig, Painting, StyleTransfer

    for name in re.findall(r"--model\.([\w.]+)", README):
        first, _, rest = name.partition(".")
        assert first in StyleTransfer.__init__.__annotations__
        known = NetConfig if first == "net" else Painting
        assert not rest or rest in known.__dataclass_fields__


def test_continuous_integration_runs_its_test_command():
    (command,) = (line for line in README.splitlines() if line.endswith("python -m pytest"))
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_file_that_it_links_to_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_file_that_the_notice_names_is_there_and_every_net_that_ships_is_named():
    headings = [line for line in (ROOT / "NOTICE").read_text().splitlines() if "/" in line[:40]]
    named = re.findall(r"\.?\w[\w./-]+/[\w.-]+\w", " ".join(h for h in headings if h[0] != " "))
    assert len(named) == 8
    for path in named:
        assert (ROOT / path).is_file(), path
    nets = {f"checkpoints/{p.name}" for p in (ROOT / "checkpoints").iterdir() if p.suffix != ".md"}
    assert nets <= set(named)
