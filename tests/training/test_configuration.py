from pathlib import Path

import pytest
import yaml

from fastnst.errors import FastnstError
from fastnst.system.package_data import bundled
from fastnst.training.configuration import configure, find_config, run_files
from fastnst.training.options import ObjectiveOptions
from fastnst.training.paintings import Painting
from fastnst.training.regularizers import DEFAULT_WEIGHTS

BASE = bundled("configs") / "base.yaml"
SMALL = {"model": {"painting": Painting("a.png"), "net": {"width": 4, "blocks": 1}}}


@pytest.fixture(autouse=True)
def run(workdir):
    SMALL["trainer"] = {"default_root_dir": str(workdir)}


def test_a_mapping_of_regularizers_changes_only_what_it_names(workdir):
    Path("a.yaml").write_text("model: {regularizers: {checkerboard: 10}}")
    layers = [BASE, SMALL, Path("a.yaml"), {"model": {"regularizers": {"temporal": 25}}}]
    flags = ["--model.regularizers.excess=0.5"]
    expected = DEFAULT_WEIGHTS | {"checkerboard": 10, "temporal": 25, "excess": 0.5}
    training = configure(layers, flags)
    assert training.config.model.regularizers == expected
    assert training.model.regularizers == expected | {"identity": 0}
    training = configure(layers, ["--model.regularizers={excess: 0.5}"])
    assert training.config.model.regularizers == expected


def test_another_mapping_replaces_the_one_before_it():
    training = configure([BASE, SMALL], ["--model.objective.content_layers={relu2_2: 3}"])
    assert training.model.objective.at(0).content_layers == {"relu2_2": 1}


def test_values_may_be_typed():
    values = {"model": {"objective": ObjectiveOptions(style_weight=3.0, view_weights=(2.0,))}}
    objective = configure([BASE, SMALL, values]).model.objective
    assert (objective.at(1).style_weight, objective.view_weights) == (3, (2,))


def test_later_layers_win_and_flags_over_all():
    layers = [BASE, SMALL, {"data": {"crop": 64}}, {"data": {"crop": 96, "seed": 5}}]
    data = configure(layers, ["--data.seed=7"]).datamodule
    assert (data.crop, data.seed, data.batch_size, data.levels) == (96, 7, 3, 3)


@pytest.mark.parametrize(
    ("values", "flags", "sentence"),
    [
        ({}, ["--model.objective.style_wieght=3"], r"no option --model\.objective\.style_wieght\. Did you mean 'model\.objective\.style_weight'"),
        ({"model": {"objective": {"style_wieght": 3}}}, [], r"no option --model\.objective\.style_wieght\. Did you mean 'model\.objective\.style_weight'"),
        ({"modle": {"name": "a"}}, [], r"no option --modle\.name\. Did you mean 'model\.name'"),
        ({"model": {"regularizers": {"tempral": 3}}}, [], r"^There is no regularizer 'tempral'\. Did you mean 'temporal'\?$"),
        ({}, ["--model.regularizers.tempral=3"], r"^There is no regularizer 'tempral'\. Did you mean 'temporal'\?$"),
        ({"model": {"optimizer": {"name": "sgd"}}}, [], r"model\.optimizer.*'muon', 'adam'.*sgd"),
    ],
)  # fmt: skip
def test_unknown_names_are_one_sentence_with_the_nearest(values, flags, sentence):
    with pytest.raises(FastnstError, match=sentence) as caught:
        configure([BASE, SMALL, values], flags)
    assert "\n" not in str(caught.value)


def test_every_value_of_an_option_is_saved_and_read_again(workdir):
    training = configure([BASE, SMALL], ["--model.regularizers.temporal=3"])
    text = training.parser.dump(training.config, skip_none=False)
    assert yaml.safe_load(text)["model"]["regularizers"]["temporal"] == 3
    Path("again.yaml").write_text(text)
    again = configure([BASE, Path("again.yaml")])
    assert again.config.model == training.config.model


def test_a_configuration_is_found_by_its_name(workdir):
    assert find_config("debug.yaml") == bundled("configs") / "debug.yaml"
    Path("debug.yaml").touch()
    assert find_config("debug.yaml") == Path("debug.yaml")
    with pytest.raises(FastnstError, match=r"no file bsae\.yaml\. Did you mean 'base\.yaml'"):
        find_config("bsae.yaml")


def test_the_files_of_a_run_have_its_name():
    weights, checkpoint = run_files(Path("runs/a"))
    assert (str(weights), str(checkpoint)) == (
        "runs/a/a.safetensors",
        "runs/a/checkpoints/last.ckpt",
    )
