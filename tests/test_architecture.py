"""What may import what, and what starting up may cost."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HEAVY = "{'torch', 'torchvision', 'pytorch_lightning', 'datasets', 'onnx'}"


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


def test_every_public_name_can_be_loaded():
    pytest.importorskip("torch")
    import fastnst

    for name in fastnst.__all__:
        assert getattr(fastnst, name).__name__ == name
    assert set(fastnst.__all__) < set(dir(fastnst))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fastnst.nothing  # noqa: B018
