from pathlib import Path

import pytest

from fastnst.errors import CannotWrite, FastnstError
from fastnst.optimization.arguments import check_arguments, output_path, parse_layers, settings

RIGHT = {"optimizer": "lbfgs", "precision": "auto", "learning_rate": None, "ema_decay": None}


def test_layers_have_weights_and_commas():
    words = ["relu1_1:0.5,relu2_1", "relu3_1"]
    assert parse_layers(words) == {"relu1_1": 0.5, "relu2_1": 1.0, "relu3_1": 1.0}


def test_options_are_named_as_on_the_command_line():
    check_arguments(**RIGHT, iterations=1, save_every=None)
    with pytest.raises(FastnstError, match=r"--save-every is 0\. It must be 1 or more"):
        check_arguments(**RIGHT, save_every=0)


def test_the_output_lies_beside_the_photo_and_replaces_nothing_unasked(workdir):
    assert output_path(Path("a.jpg"), ["b.png"], None) == Path("a-b.jpg")
    assert output_path(Path("a.tga"), [], None) == Path("a-masked.png")
    Path("a-b.jpg").touch()
    with pytest.raises(CannotWrite, match=r"a-b\.jpg is there already\. Give a name with -o"):
        output_path(Path("a.jpg"), ["b.png"], None)
    assert output_path(Path("a.jpg"), ["b.png"], Path("a-b.jpg")) == Path("a-b.jpg")


def test_settings_hold_what_changes_the_picture_without_folders():
    given = {"content": "p/a.jpg", "style": ("q/b.png",), "seed": 1, "log": Path("l.csv")}
    assert settings(given) == {"content": "a.jpg", "style": ["b.png"], "seed": 1}
