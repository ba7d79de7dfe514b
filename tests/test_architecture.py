"""Imports that are allowed, and the cost of starting up."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "fastnst"
UNTESTED = {
    "__main__": "one line: cli/test_stylize.py and runtime/batch/test_archive.py run `python -m fastnst`",
    "evaluation/lbfgs_baseline": "what `evaluate` measures: evaluation/test_evaluate.py",
    "evaluation/measure": "what `evaluate` measures: evaluation/test_evaluate.py",
    "evaluation/report": "what `evaluate` prints: evaluation/test_evaluate.py",
    "exporting/parity": "what `export` checks before it keeps a file: exporting/test_export.py",
    "exporting/quantize": "what `export` does for fp16 and int8: exporting/test_export.py",
    "images/metadata": "seen in files alone: runtime/batch/test_fidelity.py and test_stylize.py",
    "models/swift": "nothing of its own beside the contract of every net: models/test_nets.py",
    "optimization/objective": "what `descend` calls: optimization/test_descend.py",
    "runtime/batch/cluster": "what hands out the jobs of runtime/batch/test_dataset.py and test_parquet.py",
    "runtime/batch/files": "what `stylize` does with each file: runtime/batch/test_stylize.py",
    "runtime/engine/norm_graphs": "what a `FixedNormsNet` runs: runtime/engine/test_fixed_norms.py",
    "runtime/photos/compose": "what a `PhotoOptions` paints by: runtime/photos/test_options.py",
    "runtime/video/ffmpeg": "an import; what it is for is seen in runtime/live/test_window.py",
    "system/package_data": "found by test_configs.py in a checkout and by .ci/run in an installed package",
    "system/torch_device": "different on each machine; every training and optimization asks it",
    "training/callbacks": "what a training leaves behind: training/test_train.py",
    "training/card": "what a training writes: training/test_module.py and test_train.py",
    "training/data/sources": "opened by each test of training/data/test_datamodule.py",
    "training/nonfinite_guard": "only seen in a training with bad batches: training/test_train.py",
    "training/resume": "only seen in a training that goes on: training/test_train.py",
    "web/studio": "what the tabs share, and no more: every test of web/",
}
"""Modules without a test file of their name, and why."""
WIDER = {
    "runtime/batch/test_archive": "a large folder by the command line, killed halfway",
    "runtime/batch/test_fidelity": "any photo, from file to file",
    "test_architecture": "the package",
    "test_configs": "the YAML files",
    "test_contributing": "CONTRIBUTING.md, the workflow, the hooks",
    "test_notebook": "docs/fastnst.ipynb",
    "test_readme": "the README and the pages of docs/",
    "test_scripts": "the scripts",
}
"""Test files of more than a module, and of what."""

HEAVY = "{'torch', 'torchvision', 'pytorch_lightning', 'datasets', 'onnx', 'openvino'}"


@pytest.mark.parametrize(
    "code",
    [
        "import fastnst; fastnst.__version__; fastnst.Stylizer; fastnst.stylize; fastnst.list_styles",
        "import fastnst.runtime.batch.stylize, fastnst.styles.registry, fastnst.images.read",
        "from fastnst.cli.app import run; run(['--help'])",
        "from fastnst.cli.app import run; run(['stylize', '--help'])",
        "from fastnst.cli.app import run; run(['styles'])",
    ],
)
def test_what_only_runs_styles_leaves_torch_unloaded(code):
    check = f"import sys; bad = {HEAVY} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_dependencies_go_one_way(request):
    if find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        capture_output=True,
        text=True,
        cwd=request.config.rootpath,
    )
    assert done.returncode == 0, done.stdout


def test_every_module_has_a_test_file_of_its_name_or_a_reason():
    modules = {
        path.relative_to(PACKAGE).with_suffix("")
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    }
    tested = {
        path.relative_to(TESTS).with_suffix("").as_posix() for path in TESTS.rglob("test_*.py")
    }
    named = {
        module.as_posix(): (module.parent / f"test_{module.name}").as_posix() for module in modules
    }
    assert {name for name, test in named.items() if test not in tested} == UNTESTED.keys()
    assert tested - set(named.values()) == WIDER.keys()


def test_every_public_name_can_be_loaded():
    pytest.importorskip("torch")
    import fastnst

    for name in fastnst.__all__:
        assert getattr(fastnst, name).__name__ == name
    assert set(fastnst.__all__) < set(dir(fastnst))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fastnst.nothing  # noqa: B018
