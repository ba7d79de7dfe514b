import importlib

from fastnst.cli.app import run

job = importlib.import_module("fastnst.training.train")


def test_options_of_the_configuration_follow_the_paintings(monkeypatch):
    given = []
    monkeypatch.setattr(job, "train", lambda *words, **options: given.append((words, options)))
    run(
        ["train", "a.png", "b.png", "--model.objective.style_weight", "30", "--temporal", "25", "--data.crop=64",
         "--init-from", "gallery-swift", "--unfreeze", "--name", "two", "--steps", "7"]
    )  # fmt: skip
    ((words, options),) = given
    assert words == ("a.png", "b.png")
    assert options.pop("flags") == ["--model.objective.style_weight", "30", "--data.crop=64"]
    assert {key: value for key, value in options.items() if value} == {
        "temporal": 25.0, "init_from": "gallery-swift", "unfreeze": True, "name": "two", "steps": 7,
    }  # fmt: skip
