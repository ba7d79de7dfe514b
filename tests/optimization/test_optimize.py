import csv
import json
import os
import signal
from itertools import groupby, pairwise

import numpy as np
import pytest
import torch
from cyclopts import CycloptsError
from PIL import Image

import fastnst
from fastnst.cli.app import app
from fastnst.errors import CannotWrite, Diverged, FastnstError, Interrupted
from fastnst.optimization import optimize as job
from fastnst.optimization import pyramid


@pytest.fixture
def folder(workdir, astronaut):
    """A photo of 96x80 and a painting of 64x64."""
    image = Image.open(astronaut).convert("RGB")
    image.crop((150, 0, 350, 166)).resize((96, 80)).save("photo.png")
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    coarse.resize((64, 64), Image.Resampling.NEAREST).save("painting.png")
    return workdir


def optimize(*style, iterations=3, **options):
    options = {"output": "out.png", "progress": False} | options
    options = {k: job.Path(v) if k in ("output", "log") else v for k, v in options.items()}
    return fastnst.optimize(
        "photo.png", *(style or ("painting.png",)), iterations=iterations, **options
    )


def rows(path="log.csv"):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_a_photo_comes_nearer_to_the_painting(folder):
    result = optimize(iterations=12, log="log.csv")
    assert result.image.size == (96, 80)
    with Image.open("out.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(result.image))
    log = rows()
    assert result.losses["total"] == pytest.approx(float(log[-1]["total"]), rel=1e-4)
    assert float(log[0]["total"]) == pytest.approx(8, rel=0.01)
    assert result.losses["total"] < 4


@pytest.mark.slow
def test_from_the_photo_lbfgs_falls_at_every_step_of_the_log(folder):
    optimize(iterations=15, levels=2, log="log.csv")
    log = rows()
    assert [int(row["iteration"]) for row in log] == list(range(31))
    for scale, part in groupby(log, key=lambda row: row["size"]):
        totals = [float(row["total"]) for row in part]
        assert len(totals) == {"48": 16, "96": 15}[scale]
        assert all(after < before for before, after in pairwise(totals))


def test_the_log_has_its_columns_and_the_terms_sum_up(folder):
    optimize(tv_weight=2.0, levels=2, log="deep/log.csv")
    log = rows("deep/log.csv")
    assert list(log[0]) == ["iteration", "size", "seconds", "content", "style", "tv", "total"]
    assert [row["size"] for row in log] == ["48"] * 4 + ["96"] * 3
    for row in log:
        parts = sum(float(row[name]) for name in ("content", "style", "tv"))
        assert parts == pytest.approx(float(row["total"]), rel=1e-4)
        assert float(row["tv"]) > 0
    seconds = [float(row["seconds"]) for row in log]
    assert seconds == sorted(seconds)


def test_the_picture_says_how_it_was_made(folder):
    result = optimize(
        "painting.png:2", output="out.jpg", style_layers=["conv1_1:3", "block2_conv1"], seed=7
    )
    with Image.open("out.jpg") as image:
        settings = json.loads(image.getexif()[270])
    assert settings["content"] == "photo.png"
    assert settings["style"] == ["painting.png:2"]
    assert settings["seed"] == 7
    assert settings["style_layers"] == {"relu1_1": 0.75, "relu2_1": 0.25}
    assert settings["content_layers"] == {"relu4_2": 1}
    assert settings["sizes"] == [96]
    assert settings["done"]["losses"]["total"] == result.losses["total"]
    assert str(folder) not in json.dumps(settings)


def test_python_is_told_how_much_is_done(folder):
    """The larger one of two sizes takes four times the work of the smaller one."""
    calls = []
    optimize(iterations=2, levels=2, on_share=lambda share, text: calls.append((share, text[:14])))
    assert calls == [
        (0, "48 px  style 8"), *(((k / 10), "48 px  content") for k in (1, 2)),
        *((k / 10, "96 px  content") for k in (6, 10)),
    ]  # fmt: skip
    with pytest.raises(CycloptsError, match="on-share"):
        app(
            ["optimize", "photo.png", "painting.png", "--on-share", "x"],
            exit_on_error=False,
            print_error=False,
        )


def test_the_same_seed_gives_the_same_picture(folder):
    first, again = (optimize(init="noise", seed=3).image for _ in range(2))
    assert np.array_equal(np.asarray(first), np.asarray(again))
    other = optimize(init="noise", seed=4).image
    assert not np.array_equal(np.asarray(first), np.asarray(other))


def test_pictures_are_kept_along_the_way(folder):
    optimize(iterations=4, levels=2, save_every=3, output="o/out.png")
    assert sorted(path.name for path in (folder / "o").iterdir()) == [
        "out-000003.png", "out-000006.png", "out.png",
    ]  # fmt: skip
    with Image.open("o/out-000003.png") as image:
        assert image.size == (48, 40)


def test_a_region_that_no_painting_has_stays_the_photo(folder):
    mask = np.zeros((80, 96), np.uint8)
    mask[:, 48:] = 255
    Image.fromarray(mask).save("right.png")
    options = {"mask": ["right.png=painting.png"], "style_layers": ["relu1_1"], "content_weight": 0}
    painted = fastnst.optimize(
        "photo.png", output=job.Path("m.png"), iterations=5, progress=False, levels=1, **options
    ).image
    change = np.abs(np.asarray(painted, int) - np.asarray(Image.open("photo.png"), int)).mean(
        axis=(0, 2)
    )
    assert change[:46].max() == 0
    assert change[50:].min() > 1


def test_kept_colours_are_the_photo_s(folder):
    photo = np.asarray(Image.open("photo.png"), float)
    chroma = photo - photo @ [[0.299], [0.587], [0.114]]
    painted = np.asarray(optimize(iterations=5, keep_color=True).image, float)
    new = painted - painted @ [[0.299], [0.587], [0.114]]
    assert np.abs(painted - photo).mean() > 3
    # Never turned round, and as strong wherever black and white leave room.
    assert (np.sum(chroma * new, axis=-1) > -30).all()
    plain = np.asarray(optimize(iterations=5).image, float)
    strange = plain - plain @ [[0.299], [0.587], [0.114]]
    assert np.abs(new - chroma).mean() < 0.3 * np.abs(strange - chroma).mean()


@pytest.mark.long
@pytest.mark.slow
def test_float32_and_bfloat16_come_to_nearly_the_same(folder):
    exact, low = (optimize(iterations=10, precision=p).losses["total"] for p in ("fp32", "bf16"))
    assert low == pytest.approx(exact, rel=0.1)


def test_without_a_name_the_picture_is_put_beside_the_photo(folder):
    assert optimize(output="x.png").output == job.Path("x.png")
    result = fastnst.optimize("photo.png", "painting.png", iterations=1, progress=False)
    assert result.output == job.Path("photo-painting.png")
    assert result.output.is_file()
    kept = result.output.read_bytes()
    with pytest.raises(
        CannotWrite, match=r"^photo-painting\.png is there already\. Give a name with -o"
    ):
        fastnst.optimize("photo.png", "painting.png", iterations=1, progress=False)
    assert result.output.read_bytes() == kept


def interrupt_at(monkeypatch, iteration, times=1):
    """Press Ctrl-C when so many iterations are done."""
    plain = pyramid.descend

    def descend(*args, **options):
        for step in plain(*args, **options):
            if step.number == iteration:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
            yield step

    monkeypatch.setattr(pyramid, "descend", descend)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_keeps_the_picture(folder, monkeypatch, times):
    interrupt_at(monkeypatch, 3, times)
    done = 3 if times == 1 else 2  # A second one does not even wait for the one in hand.
    with pytest.raises(
        Interrupted, match=rf"Stopped after {done} of 20 iterations; out\.png is written"
    ):
        optimize(iterations=10, levels=2, log="log.csv")
    with Image.open("out.png") as image:
        assert image.size == (96, 80)
        assert json.loads(image.getexif()[270])["sizes"] == [48]
    assert len(rows()) == done + 1


def test_a_term_that_is_no_number_keeps_the_last_good_picture(folder, monkeypatch):
    plain, calls = job.PerceptualLoss.forward, []

    def forward(self, *args, **options):
        calls.append(1)
        terms = plain(self, *args, **options)
        return terms._replace(content=terms.content * float("nan")) if len(calls) > 4 else terms

    monkeypatch.setattr(job.PerceptualLoss, "forward", forward)
    with pytest.raises(
        Diverged,
        match=r"The content term became nan at iteration 4\. The picture of iteration 3 is kept in out",
    ):
        optimize(iterations=10, levels=1, optimizer="adam")
    assert np.asarray(Image.open("out.png")).std() > 10


def test_nothing_is_written_where_there_is_no_good_picture(folder):
    with pytest.raises(Diverged, match=r"became inf.* at iteration 0"):
        optimize(style_weight=3e38, content_weight=3e38, init="noise")
    assert not job.Path("out.png").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"style_layers": ["relu4_9"]}, r"VGG-16 has no layer 'relu4_9'\. Did you mean 'relu4_3'"),
        (
            {"content_layers": ["block9_conv1"]},
            r"no layer 'block9_conv1'\. Did you mean 'block.*_conv1'",
        ),
        ({"style_layers": ["relu1_1:x"]}, r"weight of the layer relu1_1 is 'x'"),
        ({"style_weight": -1.0}, r"The style weight is -1"),
        ({"iterations": 0}, r"--iterations is 0\. It must be 1 or more"),
        ({"save_every": 0}, r"--save-every is 0"),
        ({"size": 10}, r"8 px on its shorter side"),
        ({"levels": 9}, r"9 levels are too many.*--levels 2 or less"),
        ({"learning_rate": 0.0}, r"learning rate is 0\. It must be above 0"),
        ({"ema_decay": 1.0}, r"decay of the average is 1\."),
        ({"optimizer": "adm"}, r"no optimizer 'adm'\. Did you mean 'adam'"),
        ({"precision": "fp16"}, r"no precision 'fp16'"),
        ({"keep_color": "hue"}, r"Colours can't be kept by 'hue'"),
        ({"init": "gone.png"}, r"no file gone\.png"),
        ({"output": "out.psd"}, r"out\.psd can't be written"),
        ({"output": "photo.png"}, r"photo\.png is read, so it can't be the output too"),
        ({"output": "painting.png"}, r"painting\.png is read"),
        (
            {"network": "vgg16", "network_weights": job.Path("gone.pth")},
            r"gone\.pth can't be used as VGG-16",
        ),
    ],
)
def test_what_can_t_be_used_is_refused_before_any_work(folder, given, sentence):
    with pytest.raises(FastnstError, match=sentence):
        optimize(**given)
    assert not job.Path("out.png").exists()


def test_a_log_that_can_t_be_written_is_refused_before_any_work(folder):
    job.Path("file").touch()
    with pytest.raises(CannotWrite, match=r"log\.csv can't be written"):
        optimize(log="file/log.csv")


def test_the_command_line_has_every_option(folder):
    command = (
        "optimize photo.png painting.png painting.png:0.5 -o out.png --size 64 --iterations 2 --levels 1"
        " --pooling avg --content-layers relu3_1 relu4_1:2 --style-layers relu1_1,relu2_1:3 --gram-norm chw"
        " --optimizer adam --learning-rate 5 --ema-decay 0.5 --init noise --seed 1 --style-size 40"
        " --keep-color palette --tv-weight 0.1 --precision fp32 --log l.csv --no-progress"
    )
    result = app(command.split(), exit_on_error=False, print_error=False)
    assert str(result).startswith("out.png  64x53  content 0.")
    assert len(rows("l.csv")) == 3


def test_resnet_50_can_be_the_loss_network(folder):
    from torchvision.models import resnet50

    torch.manual_seed(0)
    torch.save(resnet50().state_dict(), "resnet50.pth")
    result = optimize(
        network="resnet50", network_weights=job.Path("resnet50.pth"), log="log.csv", levels=1
    )
    log = rows()
    assert float(log[-1]["total"]) < float(log[0]["total"])
    assert result.losses["style"] < 8


def test_where_nothing_leads_down_the_start_is_the_picture(folder):
    result = optimize(style_weight=0.0, levels=1)
    assert result.iterations == 0
    assert np.array_equal(np.asarray(result.image), np.asarray(Image.open("photo.png")))
