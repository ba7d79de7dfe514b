"""Questions that can be asked of the base install, whatever is installed here."""

import subprocess
import sys

import pytest

from fastnst.cli.stand_ins import explained, missing_module

BASE_ALONE = """
import sys
from importlib.abc import MetaPathFinder

TRAIN = {
    "torch", "torchvision", "pytorch_lightning", "lightning_fabric", "yaml", "jsonargparse", "datasets", "safetensors",
    "onnxscript", "torchmetrics", "tensorboard",
}

class Hidden(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in TRAIN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
from fastnst.cli import main

for words in (["train", "a"], ["train", "--help"], ["export", "-h"], ["optimize", "--help"], ["evaluate", "--help"]):
    sys.argv = ["fastnst", *words]
    try:
        main()
    except SystemExit as stop:
        print("status", stop.code)
    print("----")
"""


def test_help_needs_no_torch_and_work_does():
    done = subprocess.run(
        [sys.executable, "-c", BASE_ALONE.strip()], capture_output=True, text=True
    )
    work, train, export, optimize, evaluate, _ = done.stdout.split("----\n")
    for text, option in (
        (train, "--init-from"),
        (export, "--precision"),
        (optimize, "--style-weight"),
        (evaluate, "--max-iterations"),
    ):
        assert "Usage: fastnst" in text
        assert option in text
        assert "status" not in text
    assert "vgg19" in optimize  # The choices are the real ones.
    assert work == "status 1\n"
    assert done.stderr.startswith("fastnst: `fastnst train` needs ")
    assert done.stderr.count("\n") == 1


def test_stand_ins_are_gone_afterwards():
    def show():
        from no_such_library import parts
        from no_such_library.deep.down import Thing

        class Mine(Thing):
            """Built on nothing."""

        @parts.decorate()
        def kept():
            return 3

        return Mine.__doc__, kept(), parts.Some[int]

    doc, number, _ = explained(show)
    assert (doc, number) == ("Built on nothing.", 3)
    assert not [name for name in sys.modules if name.startswith("no_such_library")]
    with pytest.raises(ModuleNotFoundError) as error:
        show()
    assert missing_module(error.value) == "no_such_library"


def test_what_is_missing_of_ours_is_an_error():
    def show():
        import fastnst.nothing  # noqa: F401

    with pytest.raises(ImportError, match="nothing"):
        explained(show)
