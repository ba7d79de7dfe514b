"""Every YAML in configs/ is read by the real classes."""

import pytest

pytest.importorskip("torch")
from fastnst.system.package_data import bundled
from fastnst.training.train import _configured

CONFIGS = bundled("configs")


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: p.stem)
def test_every_config_is_accepted(path, workdir):
    words = [f"--config={file}" for file in dict.fromkeys([CONFIGS / "base.yaml", path])]
    words += [
        "--model.name=a",
        "--model.painting.path=a.png",
        f"--trainer.default_root_dir={workdir}",
    ]
    cli = _configured(words)
    assert cli.model.name == "a"
    assert cli.trainer.max_steps >= 1
