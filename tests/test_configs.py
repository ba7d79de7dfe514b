"""Every YAML in configs/ is read by the real classes, and base.yaml has the defaults of the code."""

import inspect
from dataclasses import asdict

import pytest
import yaml

pytest.importorskip("torch")
from fastnst.system.package_data import bundled
from fastnst.training.configuration import configure
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.module import StyleTransfer
from fastnst.training.paintings import Painting

CONFIGS = bundled("configs")
BASE = CONFIGS / "base.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: p.stem)
def test_every_config_is_accepted(path, workdir):
    values = {
        "model": {"name": "a", "painting": {"path": "a.png"}},
        "trainer": {"default_root_dir": str(workdir)},
    }
    training = configure([*dict.fromkeys([BASE, path]), values])
    assert training.model.name == "a"
    assert training.trainer.max_steps >= 1


@pytest.mark.parametrize(("group", "kind"), [("model", StyleTransfer), ("data", PhotoDataModule)])
def test_the_base_says_what_the_code_says(group, kind):
    said = yaml.safe_load(BASE.read_text())[group]
    defaults = {
        name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()
    }
    assert said.pop("painting", {"size": None}) == {"size": Painting().size}
    for name, value in said.items():
        default = defaults[name]
        if name == "regularizers":  # Those that are off may be left out.
            default = {key: weight for key, weight in default.items() if weight or key in value}
        if hasattr(default, "__dataclass_fields__"):
            default = {key: part for key, part in asdict(default).items() if key in value}
            # All of them are documented, but for what follows from the paintings.
            left = defaults[name].__dataclass_fields__.keys() - value.keys()
            assert left == ({"styles", "identity", "predicted"} if name == "net" else set())
        assert plain(value) == plain(default), name


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value
