"""configs/debug.yaml end to end: train, stop, resume, export, stylize, on data that the tests make."""

import csv
import importlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fastnst
from fastnst.errors import BadStyleFile, CannotWrite, Diverged, FastnstError, UnreadableImage
from fastnst.models import load_net
from fastnst.perceptual import PerceptualLoss
from fastnst.system.lock import lock_folder
from fastnst.system.package_data import bundled
from fastnst.training.command import train

DEBUG = bundled("configs") / "debug.yaml"


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


@pytest.mark.slow
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
    assert stylizer.card.loss["style_layers"]["relu4_3"] == 0.2
    assert stylizer(astronaut, size=60).size == (60, 60)


@pytest.mark.slow
def test_several_paintings_make_one_net_with_all_their_styles(job, workdir, astronaut):
    for name, colour in (("red", (200, 40, 30)), ("blue", (20, 60, 220))):
        squares = np.zeros((80, 96, 3), np.uint8)
        squares[np.indices((80, 96)).sum(0) // 16 % 2 == 0] = colour
        Image.fromarray(squares).save(f"{name}.png")
    weights = job("blue.png", "--model.painting.size=80", painting="red.png", name="two", steps=6)
    net, card = load_net(weights)
    assert [style.name for style in card.styles] == ["red", "blue"]
    assert (card.strokes, card.identity, card.rows) == ((1.0, 1.75), True, 5)
    assert [style["style_size"] for style in card.loss["styles"]] == [80, 80]
    first, second = (style["units"] for style in card.loss["styles"])
    assert first["content relu3_3"] == second["content relu3_3"]
    assert first["style relu1_2"] != second["style relu1_2"]
    # Every row was learnt from: none is as it began.
    rows = net.blocks[0].first.norm.weight
    assert all((row != 1).any() for row in rows)

    gallery = fastnst.export(weights)
    assert gallery.difference < 0.1
    both = fastnst.Stylizer(gallery.path, device="cpu")
    assert both.styles == ["red", "blue"]
    photo = np.asarray(Image.open(astronaut).resize((64, 48)))
    for style in ("red", "blue", "red:0.3,blue:0.7"):
        alone = fastnst.export(weights, style=style, stroke="bold")
        painted = fastnst.Stylizer(alone.path, device="cpu")(photo)
        expected = both(photo, style=style, stroke="bold")
        # One step where a value lies on the edge of rounding.
        assert np.abs(painted.astype(int) - expected).max() <= 1
        assert fastnst.Stylizer(alone.path).card.styles[0].name == ""
    assert alone.path.name == "red-blue.onnx"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["painting.png"], r"Two paintings have the name painting\. Give each a name"),
        (["a b.png"], r"The name 'a b' of a painting can't be asked for"),
        (["b.png", "--model.strokes=[2,1]"], r"strokes are \[2\.0, 1\.0\]\. They must rise"),
    ],
)
def test_paintings_that_can_not_be_told_apart_are_refused(job, words, sentence):
    with pytest.raises(FastnstError, match=sentence):
        job(*words)


def test_several_paintings_need_a_name(job):
    with pytest.raises(FastnstError, match=r"2 paintings were given, but no name for their net"):
        job("b.png", name=None)


@pytest.mark.slow
def test_the_checkpoint_leaves_the_loss_network_out(job):
    job(steps=5)
    checkpoint = torch.load("runs/a/checkpoints/last.ckpt", weights_only=True)
    assert {key.split(".")[0] for key in checkpoint["state_dict"]} == {"net"}
    assert os.path.getsize("runs/a/checkpoints/last.ckpt") < 1_000_000


@pytest.mark.slow
def test_the_credit_of_the_painting_goes_into_the_card(job):
    weights = job(
        "--model.painting.title=Stripes", "--model.painting.artist", "Nobody", "--model.painting.year=1889",
        steps=1,
    )  # fmt: skip
    (credit,) = load_net(weights)[1].styles
    assert (credit.title, credit.artist, credit.year) == ("Stripes", "Nobody", 1889)


@pytest.mark.slow
def test_the_same_training_twice_gives_the_same_bits(job):
    first, second = load_net(job(steps=4))[0], load_net(job(steps=4, name="b"))[0]
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key


@pytest.mark.slow
def test_a_run_s_own_configuration_repeats_it_to_the_bit(job):
    first = load_net(job(steps=4))[0]
    again = load_net(job(painting=None, data=None, name="b", config=["runs/a/config.yaml"]))[0]
    for key, value in first.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


@pytest.mark.slow
def test_a_training_ends_early_if_it_is_asked_to(job):
    weights = job(
        "--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/total",
        "--trainer.callbacks.patience=1", "--trainer.callbacks.min_delta=1000",
    )  # fmt: skip
    assert (
        load_net(weights)[1].steps == 10
    )  # The first look, and one that gained less than was asked.


@pytest.mark.slow
def test_a_net_that_is_trained_can_be_started_from(job):
    start = job(steps=3)
    again = job(
        f"--model.init_from={start}",
        "--model.optimizer.learning_rate=1e-12",
        "--model.optimizer.norm_learning_rate=1e-12",
        steps=1,
        name="b",
    )
    for key, value in load_net(start)[0].state_dict().items():
        torch.testing.assert_close(load_net(again)[0].state_dict()[key], value, atol=1e-6, rtol=0)
    assert load_net(again)[1].steps == 4
    with pytest.raises(
        FastnstError,
        match=r"The net in runs/a/a\.safetensors is .*width=4.*width=8.* to be trained",
    ):
        job(f"--model.init_from={start}", "--model.net.width=8", name="c")


@pytest.mark.slow
def test_a_style_is_learnt_on_a_net_of_several(job, astronaut):
    Image.open(astronaut).resize((96, 80)).save("other.png")
    donor = job("other.png", name="two", steps=3)
    trunk, card = load_net(donor)

    def learnt(name, **arguments):
        net, facts = load_net(job(name=name, init_from=str(donor), **arguments))
        assert net.config == replace(trunk.config, styles=1, identity=False)
        assert len(facts.styles) == 1
        changed = {
            key
            for key, value in net.state_dict().items()
            if value.shape != trunk.state_dict()[key].shape
            or not torch.equal(value, trunk.state_dict()[key])
        }
        return changed, {key for key in net.state_dict() if ".norm." in key}, facts.steps

    changed, rows, steps = learnt("rows", steps=2)
    assert changed == rows
    assert steps == card.steps + 2
    changed, rows, _ = learnt("all", unfreeze=True, steps=2)
    assert changed > rows
    assert "up.1.conv.weight" in changed
    # What is learnt on it leaves it as it was.
    for key, value in load_net(donor)[0].state_dict().items():
        assert torch.equal(value, trunk.state_dict()[key])
    with pytest.raises(FastnstError, match="nothing to unfreeze.*--init-from"):
        job(name="c", unfreeze=True)


@pytest.mark.slow
def test_a_start_takes_fewer_steps_unless_more_are_asked_for(job, monkeypatch):
    module = importlib.import_module("fastnst.training.train")
    steps = []
    monkeypatch.setattr(module, "_fit", lambda cli, _: steps.append(cli.trainer.max_steps))
    Path("more.yaml").write_text("trainer: {max_steps: 3}")
    start = {"init_from": "gallery-swift", "config": []}
    for words in ({"config": []}, start, start | {"config": ["more.yaml"]}, start | {"steps": 4}):
        job("--data.crop=64", **words)
    assert steps == [8000, 1000, 3, 4]
    # What goes on keeps its own number.
    Path("runs/a/checkpoints").mkdir(parents=True)
    Path("runs/a/checkpoints/last.ckpt").touch()
    Path("runs/a/config.yaml").write_text("trainer: {max_steps: 5}")
    monkeypatch.setattr(module, "check_resume", lambda *_: None)
    job("--data.crop=64", resume=True, **start)
    assert steps[-1] == 5


@pytest.mark.parametrize("resume", [False, True])
def test_weights_without_a_checkpoint_are_not_lost_and_lead_to_no_dead_end(job, resume):
    Path("runs/a").mkdir(parents=True)
    Path("runs/a/a.safetensors").write_text("weights")
    given = {"painting": None, "data": None, "config": []} if resume else {}
    with pytest.raises(FastnstError, match=r"ive another --name, or remove runs/a\.$"):
        job(resume=resume, **given)
    assert Path("runs/a/a.safetensors").read_text() == "weights"


@pytest.mark.slow
def test_a_start_from_a_net_of_several_levels_has_its_base_and_its_objective(job, monkeypatch):
    donor = job(
        "--model.net.name=unet", "--model.net.levels=2", "--model.base=80", "--data.batch_size=1",
        "--model.objective.style_weight=10", "--model.objective.far_style=0.7",
        "--model.objective.view_weights=[1,0.25]", steps=1,
    )  # fmt: skip
    module, started = importlib.import_module("fastnst.training.train"), []
    monkeypatch.setattr(module, "_fit", lambda cli, _: started.append(cli.model))
    job(name="more", init_from=donor)
    (model,) = started
    assert (model.base, model.net.config.levels) == (80, 2)
    assert model.objective.view_weights == (1, 0.25)
    weights = [model.objective.at(octave).style_weight for octave in (-1, 0, 1)]
    assert weights == pytest.approx([4.9, 7, 10])


@pytest.mark.slow
def test_the_temporal_term_is_descended_on_when_it_is_asked_for(job):
    def terms(name):
        rows = [
            float(row["train/temporal"])
            for row in metrics(f"runs/{name}")
            if row.get("train/temporal")
        ]
        return rows

    job(steps=10, name="plain")
    assert not terms("plain")
    job(steps=10, name="steady", temporal=30.0)
    assert min(terms("steady")) > 0
    assert load_net("runs/steady/steady.safetensors")[1].loss["regularizers"]["temporal"] == 30
    with pytest.raises(FastnstError, match="regularizer temporal is -1"):
        job(temporal=-1, name="c")


def renamed_layer(checkpoint):
    checkpoint["state_dict"]["net.old.weight"] = checkpoint["state_dict"].pop("net.out.weight")


def other_optimizer(checkpoint):
    (first, second) = checkpoint["optimizer_states"][0]["param_groups"]
    first["params"] += second["params"]
    checkpoint["optimizer_states"][0]["param_groups"] = [first]


@pytest.mark.slow
@pytest.mark.parametrize("change", [renamed_layer, other_optimizer])
def test_a_checkpoint_of_another_version_is_refused(job, change):
    job(steps=2)
    path = "runs/a/checkpoints/last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
    with pytest.raises(
        BadStyleFile, match=r"last\.ckpt is not the one that this version of fastnst trains"
    ):
        job(painting=None, data=None, config=[], resume=True, steps=4)


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(job):
    # In float32, and slowly: Adam's first steps are of one size however small the gradient is, which makes
    # of a difference in the last bit one in the second digit after ten steps at the usual rate.
    exactly = ["--trainer.precision=32-true", "--model.optimizer.learning_rate=1e-5"]
    job("--data.batch_size=2", *exactly, steps=10)
    alone = [float(row["train/total"]) for row in metrics() if row["train/total"]]
    words = ["train", "painting.png", "--data", "photos", "--name", "b", "--config", str(DEBUG)]
    words += ["--steps", "10", "--data.batch_size=1", "--trainer.strategy=ddp"]
    words += ["--trainer.accelerator=cpu", "--trainer.devices=2", *exactly]
    done = subprocess.run(
        [sys.executable, "-m", "fastnst", *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    shared = [float(row["train/total"]) for row in metrics("runs/b") if row["train/total"]]
    assert len(shared) == 10
    np.testing.assert_allclose(shared, alone, rtol=1e-3)
    assert [path.name for path in Path("runs/b").glob("*.safetensors")] == ["b.safetensors"]
    assert load_net("runs/b/b.safetensors")[1].steps == 10


KILLED = """
import os, signal, sys
from fastnst.training import callbacks, command as job
step, arguments = int(sys.argv[1]), eval(sys.argv[2])
plain = callbacks.GracefulStop.on_train_batch_end
def on_train_batch_end(self, trainer, *args):
    if trainer.global_step == step:
        os.kill(os.getpid(), signal.SIGKILL)
    plain(self, trainer, *args)
callbacks.GracefulStop.on_train_batch_end = on_train_batch_end
job.train(*arguments.pop("words"), **arguments)
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("kills", "also"), [(5, {}), (1, {"any": "paintings"})])
def test_a_training_killed_at_random_steps_ends_with_the_same_bits(job, make_photos, kills, also):
    if also:
        make_photos(Path("paintings"), 36)
    whole = load_net(job(steps=40, **also))[0]
    steps = sorted(np.random.default_rng(0).choice(np.arange(6, 40), kills, replace=False).tolist())
    first = {"words": ["painting.png"], "data": "photos", "config": [str(DEBUG)], "steps": 40}
    first |= also
    again = {"words": [], "resume": True}
    for number, step in enumerate(steps):
        arguments = {"name": "b", **(again if number else first)}
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(step), repr(arguments)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
    resumed = load_net(job(painting=None, data=None, config=[], name="b", resume=True))[0]
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key


KILLED_WRITING = """
import os, signal, sys
from contextlib import contextmanager
from fastnst.models import weights
from fastnst.training import callbacks, command as job
name, share, arguments = sys.argv[1], float(sys.argv[2]), eval(sys.argv[3])
plain, written = callbacks.atomic_write, []
@contextmanager
def atomic_write(path):
    with plain(path) as temporary:
        yield temporary
        written.append(path.name)
        if written.count(name) == 2:
            os.truncate(temporary, int(share * temporary.stat().st_size))
            os.kill(os.getpid(), signal.SIGKILL)
callbacks.atomic_write = weights.atomic_write = atomic_write
job.train(*arguments.pop("words"), **arguments)
"""


@pytest.mark.long
@pytest.mark.slow
def test_a_training_killed_while_it_writes_ends_with_the_same_bits_and_leaves_nothing(job):
    whole = load_net(job(steps=16))[0]
    first = {"words": ["painting.png"], "data": "photos", "config": [str(DEBUG)], "steps": 16}
    again = {"words": [], "resume": True}
    for number, (name, share) in enumerate([("last.ckpt", 0.4), ("b.safetensors", 0.9)]):
        arguments = {"name": "b", **(again if number else first)}
        done = subprocess.run(
            [sys.executable, "-c", KILLED_WRITING, name, str(share), repr(arguments)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert len([*Path("runs/b").rglob(".fastnst-*")]) == 1
    resumed = load_net(job(painting=None, data=None, config=[], name="b", resume=True))[0]
    for key, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[key], value), key
    assert not [*Path("runs/b").rglob(".fastnst-*")]


@pytest.fixture
def spoil(monkeypatch):
    """Spoils batches, counted from 1, by what is done to the module's terms or net."""
    from fastnst.training.module import StyleTransfer

    plain = StyleTransfer.training_step

    def arm(batches, damage):
        def training_step(self, batch, batch_idx):
            if self.trainer.global_step + 1 not in batches:
                return plain(self, batch, batch_idx)
            with pytest.MonkeyPatch.context() as patch:
                damage(self, patch)
                return plain(self, batch, batch_idx)

        monkeypatch.setattr(StyleTransfer, "training_step", training_step)

    return arm


def infinite_style(module, patch):
    plain = PerceptualLoss.forward
    patch.setattr(
        PerceptualLoss, "forward",
        lambda *args, **options: (t := plain(*args, **options))._replace(style=t.style * float("inf")),
    )  # fmt: skip


def endless_gradient(module, patch):
    def steep(painting):
        return (painting * 0).abs().sqrt().sum()  # 0, with a slope of no number there.

    patch.setattr("fastnst.training.regularizers.excess", steep)


def one_colour(module, patch):
    patch.setattr("fastnst.models.style_net.to_rgb", lambda painting: painting * 0 + 127.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (infinite_style, "the style term is inf"),
        (endless_gradient, "the gradient is no number"),
        (one_colour, "the painting is of one colour"),
    ],
)
def test_a_bad_batch_moves_nothing_and_halves_the_rate(job, spoil, capsys, damage, cause):
    spoil({3}, damage)
    weights = job("--trainer.val_check_interval=1", steps=4)
    assert f"Batch 3 is left out: {cause}. The learning rate is halved" in capsys.readouterr().err
    samples = [
        np.asarray(Image.open(f"runs/a/samples/step-{step:06d}.png")) for step in (1, 2, 3, 4)
    ]
    assert np.array_equal(samples[1], samples[2])
    assert not np.array_equal(samples[2], samples[3])
    checkpoint = torch.load("runs/a/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["callbacks"]["NonFiniteGuard"] == {"bad": 0, "good": 1, "lr_scale": 0.5}
    assert load_net(weights)[1].steps == 4


@pytest.mark.slow
def test_a_training_that_diverges_ends_with_the_last_good_weights(job, spoil):
    spoil(range(3, 100), infinite_style)
    with pytest.raises(
        Diverged,
        match=r"from batches 3 to 5: in the last one the style term is inf\. The last good weights are kept in runs/a",
    ):
        job()
    net, _ = load_net("runs/a/a.safetensors")
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_training_shows_its_last_step_whatever_the_number(job):
    weights = job(steps=7)
    assert load_net(weights)[1].steps == 7
    assert [row["step"] for row in metrics() if row.get("val/total")] == ["4", "6"]
    assert os.path.exists("runs/a/samples/step-000007.png")


@pytest.mark.slow
def test_a_resumed_training_keeps_the_metrics_and_the_model(job):
    job(steps=4)
    again = {"painting": None, "data": None, "config": [], "resume": True, "steps": 6}
    for option in ("--model.net.width=8", "--model.optimizer.learning_rate=0.5"):
        name = option.partition("=")[0]
        with pytest.raises(FastnstError, match=rf"keeps its model, but {name} differs from runs/a"):
            job(option, **again)
    assert len(metrics()) == 5
    job(**again)
    with open("runs/a/metrics-to-000004.csv") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "1", "2", "3", "3"]
    assert [row["step"] for row in metrics()] == ["4", "4", "5", "5"]


@pytest.mark.slow
def test_skipped_photos_are_counted_at_the_end(job, workdir, capsys):
    (workdir / "photos" / "broken.jpg").write_text("hello")
    job("--data.holdout=1", "--data.seed=1")
    said = capsys.readouterr().err
    assert said.startswith("Measuring paintings and photos.\n")
    assert "Skipped 1 photo: 1 broken." in said


@pytest.mark.slow
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
        ("--model.objective.style_wieght=3", r"Did you mean 'model\.objective\.style_weight'"),
        ("--model.net.name=jonson", r"There is no net 'jonson'\. Did you mean 'johnson'"),
        ("--data.crop=7", "crop is 7"),
        ("--model.objective.style_layers={relu9_1: 1}", "VGG-16 has no layer 'relu9_1'"),
        ("--model.net.width=0", "width is 0"),
        ("--model.optimizer.learning_rate=-1", "learning_rate is -1"),
        ("--model.objective.style_weight=-1", "The style weight is -1"),
        ("--model.objective.content_layers={relu3_3: 0}", "weights of the content layers sum to 0"),
        ("--trainer.accelerator=tpu", "(?i)tpu|xla"),
        ("--trainer.devices=0", "devices"),
        ("--trainer.default_root_dir=b", "run folder can't be moved"),
        ("--model.painting.size=70", r"at --model\.painting\.size 70 is 70x52 px, too small"),
    ]:
        with pytest.raises(FastnstError, match=text) as caught:
            job(option)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be used as VGG-16 weights"):
        job("--model.loss_network_weights=gone.safetensors")
    assert not (workdir / "runs").exists()


def test_a_run_folder_that_can_not_be_made_is_one_sentence(job, workdir):
    (workdir / "runs").write_text("")
    with pytest.raises(CannotWrite, match=r"^runs/a can't be written: "):
        job(steps=1)


@pytest.mark.slow
def test_a_run_is_not_overwritten(job):
    job(steps=1)
    with pytest.raises(
        FastnstError, match=r"There is a training in runs/a already\. Go on .* --resume"
    ):
        job(steps=1)
    with pytest.raises(FastnstError, match=r"has its 1 steps already\. Give more with --steps N"):
        job(painting=None, data=None, config=[], resume=True)


@pytest.mark.slow
def test_a_net_of_several_levels_is_trained_and_paints_from_coarse_to_fine(job, astronaut):
    Image.fromarray(np.tile(np.uint8([[[20, 40, 200]], [[220, 220, 40]]]), (48, 128, 1))).save(
        "b.png"
    )
    options = (
        "--model.net.name=unet",
        "--model.net.levels=3",
        "--model.objective.style_power=0.5",
        "--data.batch_size=1",
    )
    weights = job("b.png", *options)
    net, card = load_net(weights)
    # A row a level for each painting, and the photo's.
    assert (card.levels, card.base, card.rows, card.strokes) == (3, 64, 7, (1.0,))
    assert card.loss["style_power"] == 0.5
    assert net.config.identity
    stylizer = fastnst.Stylizer(fastnst.export(weights).path)
    photo = np.asarray(Image.open(astronaut))
    assert np.array_equal(stylizer(photo, strength=0), photo)
    assert stylizer(photo, style="b", stroke="bold").shape == photo.shape


def test_steps_have_crops_of_one_level_each_and_resume_sees_the_same(workdir, make_photos):
    from fastnst.training.data.crops import LEVEL_SHARES, level_of
    from fastnst.training.data.datamodule import PhotoDataModule

    make_photos(workdir / "photos")
    levels = [level_of(step, 3, 0) for step in range(3000)]
    shares = [levels.count(level) / 3000 for level in range(3)]
    assert shares == pytest.approx(LEVEL_SHARES, abs=0.03)
    data = PhotoDataModule(str(workdir / "photos"), crop=64, batch_size=2, num_workers=0, levels=3)
    data.setup("fit")
    batches = iter(data.train_dataloader())
    for step in range(6):
        photos = next(batches).photos
        assert photos.shape == (2, 3, 64 << levels[step], 64 << levels[step])
        again = torch.from_numpy(data.crops.at(2 * step + 1, levels[step])).permute(2, 0, 1)
        assert torch.equal(photos[1], again)
    assert [crops.shape for crops in data.calibration] == [(16, 3, 64, 64)] * 3
    assert {photo.shape for photo in data.heldout} == {(3, 128, 128)}


@pytest.mark.slow
def test_two_trainings_of_one_name_are_not_mixed(job, workdir):
    with lock_folder(workdir / "runs" / "a"):
        words = ["train", "painting.png", "--data", "photos", "--name", "a", "--config", str(DEBUG)]
        done = subprocess.run(
            [sys.executable, "-m", "fastnst", *words], capture_output=True, text=True, timeout=300
        )
    assert (done.returncode, done.stderr) == (
        1,
        "fastnst: Another process is at work in runs/a. Wait until it has ended, or give another --name.\n",
    )
    assert not files(workdir / "runs" / "a")


@pytest.mark.slow
def test_a_net_that_learnt_any_painting_paints_like_one_it_never_saw(
    job, workdir, make_photos, astronaut
):
    make_photos(workdir / "paintings", 36)
    weights = job(any="paintings", steps=3, painting=None)
    result = fastnst.export(weights)
    painted = fastnst.Stylizer(astronaut, result.path, device="cpu")(astronaut)
    assert painted.size == (512, 512)
    other = fastnst.Stylizer("paintings/000.jpg", result.path, device="cpu")(astronaut)
    assert np.asarray(painted).astype(int).std() > 1
    assert np.asarray(other).shape == np.asarray(painted).shape
    alone = fastnst.export(weights, style="paintings/000.jpg", output=Path("one.onnx"))
    same = fastnst.Stylizer(model=alone.path, device="cpu")(astronaut)
    assert np.abs(np.asarray(same).astype(int) - np.asarray(other)).max() <= 1
