"""configs/debug.yaml end to end: train, stop, resume, export, stylize, on data that the tests make."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

import fastnst
from fastnst.errors import BadStyleFile, CannotWrite, FastnstError, UnreadableImage
from fastnst.models import load_net
from fastnst.styles import shipped
from fastnst.training.train import train

DEBUG = shipped("configs") / "debug.yaml"


@pytest.fixture
def job(workdir, make_photos, monkeypatch):
    """Trains on made photos and a made painting; takes what `train` takes."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(workdir / "cache"))
    make_photos(workdir / "photos")
    stripes = np.zeros((96, 128, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = (250, 200, 20)
    Image.fromarray(stripes).save("painting.png")

    def run(*options: str, painting: str | None = "painting.png", **arguments):
        arguments = {"data": "photos", "name": "a", "config": [DEBUG]} | arguments
        words = [painting] if painting else []
        return train(*words, *options, **arguments)

    return run


def metrics(run="runs/a") -> list[dict[str, str]]:
    with open(f"{run}/metrics.csv") as file:
        return list(csv.DictReader(file))


def files(folder) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "tfevents" not in path.name
    }


def test_from_a_painting_to_a_painted_photo(job, workdir, astronaut):
    weights = job()
    assert files(workdir / "runs" / "a") == {
        "a.safetensors",
        "checkpoints/last.ckpt",
        "config.yaml",
        "hparams.yaml",
        "metrics.csv",
        *(f"samples/step-{step:06d}.png" for step in (5, 10, 15, 20)),
    }
    losses = [float(row["val/total"]) for row in metrics() if row.get("val/total")]
    assert losses[-1] < losses[0]
    with Image.open("runs/a/samples/step-000020.png") as sheet:
        assert sheet.size == (2 * 64, 2 * 64)

    exported = fastnst.export(weights)
    assert str(exported.path) == "runs/a/a.onnx"
    assert exported.difference < 0.1
    stylizer = fastnst.Stylizer(exported.path)
    assert stylizer.card == load_net(weights)[1]
    assert stylizer.card.steps == 20
    assert stylizer.card.training_set == "photos"
    assert stylizer.card.loss["style_layers"]["relu4_3"] == 0.25
    assert stylizer(astronaut, size=60).size == (60, 60)


def test_the_checkpoint_leaves_the_loss_network_out(job):
    job(steps=5)
    checkpoint = torch.load("runs/a/checkpoints/last.ckpt", weights_only=True)
    assert {key.split(".")[0] for key in checkpoint["state_dict"]} == {"net"}
    assert os.path.getsize("runs/a/checkpoints/last.ckpt") < 1_000_000


def test_the_credit_of_the_painting_goes_into_the_card(job):
    weights = job(
        "--model.painting.title=Stripes", "--model.painting.artist", "Nobody", "--model.painting.year=1889",
        steps=1,
    )  # fmt: skip
    (credit,) = load_net(weights)[1].styles
    assert (credit.title, credit.artist, credit.year) == ("Stripes", "Nobody", 1889)


def test_the_same_training_twice_gives_the_same_bits(job):
    first, second = load_net(job(steps=4))[0], load_net(job(steps=4, name="b"))[0]
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key


def test_a_resumed_training_ends_as_one_that_never_stopped(job):
    whole = load_net(job(steps=10))[0]
    # Stopped at a checkpoint: the schedule must be that of all ten steps.
    command = "import sys; from fastnst.training import train as t, callbacks as c\n"
    command += "real = c.KeepWeights.on_validation_end\n"
    command += "def die(self, trainer, module):\n"
    command += "    if trainer.global_step == 10: import os; os._exit(9)\n"
    command += "    real(self, trainer, module)\n"
    command += "c.KeepWeights.on_validation_end = die\n"
    command += f"t.train('painting.png', data='photos', name='b', config=['{DEBUG}'], steps=10)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert torch.load("runs/b/checkpoints/last.ckpt", weights_only=True)["global_step"] == 5
    resumed, card = load_net(job(painting=None, data=None, config=[], name="b", resume=True))
    assert card.steps == 10
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


def test_ctrl_c_keeps_everything_and_resume_ends_it(job):
    words = ["train", "painting.png", "--data", "photos", "--name", "a", "--config", str(DEBUG)]
    process = subprocess.Popen(
        [sys.executable, "-m", "fastnst", *words, "--steps", "100000"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not os.path.exists("runs/a/samples/step-000005.png"):
        assert time.monotonic() < deadline, "no step was taken"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert (
        "of 100000; runs/a/a.safetensors is written. Go on with: fastnst train --name a --resume"
        in errors
    )
    steps = load_net("runs/a/a.safetensors")[1].steps
    assert steps >= 5
    assert torch.load("runs/a/checkpoints/last.ckpt", weights_only=True)["global_step"] == steps
    weights = job(painting=None, data=None, config=[], resume=True, steps=steps + 7)
    assert load_net(weights)[1].steps == steps + 7


def test_a_training_shows_its_last_step_whatever_the_number(job):
    weights = job(steps=7)
    assert load_net(weights)[1].steps == 7
    assert [row["step"] for row in metrics() if row.get("val/total")] == ["4", "6"]
    assert os.path.exists("runs/a/samples/step-000007.png")


def test_a_resumed_training_keeps_the_metrics_and_the_model(job):
    job(steps=4)
    again = {"painting": None, "data": None, "config": [], "resume": True, "steps": 6}
    for option in ("--model.net.width=8", "--model.learning_rate=0.5"):
        with pytest.raises(
            FastnstError, match=r"keeps its model, but --model\.\w+ differs from runs/a"
        ):
            job(option, **again)
    assert len(metrics()) == 5
    job(**again)
    with open("runs/a/metrics-to-000004.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "1", "2", "3", "3"]
    assert [row["step"] for row in metrics()] == ["4", "4", "5", "5"]


def test_skipped_photos_are_counted_at_the_end(job, workdir, capsys):
    (workdir / "photos" / "broken.jpg").write_text("hello")
    job("--data.holdout=1", "--data.seed=1")
    assert "Skipped 1 photo: 1 broken." in capsys.readouterr().err


def test_bad_input_is_one_sentence(job, workdir, make_photos):
    Image.new("RGB", (10, 10)).save("tiny.png")
    cases = [
        ({"painting": "tiny.png"}, FastnstError, r"tiny\.png is 10x10 px, too small to learn from"),
        ({"painting": "gone.png"}, UnreadableImage, r"There is no file gone\.png"),
        ({"painting": None, "name": None}, FastnstError, "No painting was given"),
        ({"painting": None}, FastnstError, "No painting was given"),
        ({"steps": 0}, FastnstError, "The number of steps is 0"),
        ({"resume": True}, FastnstError, "There is no checkpoint runs/a/checkpoints/last.ckpt"),
        ({"name": "a/b"}, FastnstError, "'a/b' is not a plain one"),
        ({"name": ".."}, FastnstError, "'..' is not a plain one"),
        ({"data": ""}, FastnstError, "--data is empty text"),
        ({"data": "gone"}, FastnstError, "There is no folder gone of photos"),
        (
            {"config": ["debgu.yaml"]},
            FastnstError,
            r"no file debgu\.yaml\. Did you mean 'debug\.yaml'",
        ),
    ]
    for arguments, error, text in cases:
        with pytest.raises(error, match=text):
            job(**arguments)
    for option, text in [
        ("--model.style_wieght=3", "style_wieght"),
        ("--model.net.name=jonson", "jonson"),
        ("--data.crop=7", "crop is 7"),
        ("--model.style_layers={relu9_1: 1}", "VGG-16 has no layer 'relu9_1'"),
        ("--model.net.width=0", "width is 0"),
        ("--model.learning_rate=-1", "learning_rate is -1"),
        ("--model.style_weight=-1", "The style weight is -1"),
        ("--model.content_layers={relu3_3: 0}", "weights of the content layers sum to 0"),
        ("--trainer.accelerator=tpu", "(?i)tpu|xla"),
        ("--trainer.devices=0", "devices"),
        ("--model.painting.size=70", r"at --model\.painting\.size 70 is 70x52 px, too small"),
    ]:
        with pytest.raises(FastnstError, match=text) as caught:
            job(option)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be used as VGG-16 weights"):
        job("--model.encoder_weights=gone.safetensors")
    assert not (workdir / "runs").exists()


def test_a_run_folder_that_can_not_be_made_is_one_sentence(job, workdir):
    (workdir / "runs").write_text("")
    with pytest.raises(CannotWrite, match=r"^runs/a can't be written: "):
        job(steps=1)


def test_a_run_is_not_overwritten(job):
    job(steps=1)
    with pytest.raises(
        FastnstError, match=r"There is a training in runs/a already\. Go on .* --resume"
    ):
        job(steps=1)
    with pytest.raises(FastnstError, match=r"has its 1 steps already\. Give more with --steps N"):
        job(painting=None, data=None, config=[], resume=True)
