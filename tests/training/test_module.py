"""The module, built in Python without YAML."""

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.models import NetConfig
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.module import StyleTransfer
from fastnst.training.options import NET, ObjectiveOptions, OptimizerOptions
from fastnst.training.paintings import Painting
from fastnst.training.regularizers import DEFAULT_WEIGHTS
from fastnst.training.styles import TrainingStyles

SMALL = NetConfig("unet", width=4, blocks=1, levels=2)


@pytest.fixture
def painting(workdir):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save("x.png")
    return Painting("x.png", title="Noise", year=2026)


@pytest.fixture
def fit(workdir, make_photos, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(workdir / "cache"))
    make_photos(workdir / "photos")

    def run(module, **options):
        pl.seed_everything(0)
        data = PhotoDataModule("photos", **({"crop": 64, "num_workers": 0} | options))
        trainer = pl.Trainer(
            max_steps=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, accelerator="cpu", limit_val_batches=0,
        )  # fmt: skip
        trainer.fit(module, data)
        return module

    return run


def test_a_painting_is_enough(painting):
    module = StyleTransfer(painting=Painting("x.png"))
    assert module.net.config == NetConfig(
        NET.name, NET.width, NET.blocks, levels=NET.levels, styles=3
    )
    assert module.name == "x"
    assert module.regularizers == DEFAULT_WEIGHTS | {"identity": 0}
    assert module.objective.at(1).style_weight == 8
    assert module.objective.at(0).style_layers["relu4_3"] == 0.2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_is_trained_by_lightning_with_typed_options(painting, fit):
    module = StyleTransfer(
        painting,
        name="noise",
        net=SMALL,
        objective=ObjectiveOptions(style_weight=3.0),
        regularizers={"temporal": 2.0},
        optimizer=OptimizerOptions("adam", learning_rate=1e-3),
    )
    before = {name: value.clone() for name, value in module.net.named_parameters()}
    card = fit(module, levels=2).card()
    assert any((value != before[name]).any() for name, value in module.net.named_parameters())
    assert set(module.last_terms) == {
        "content", "style", "excess", "checkerboard", "repetition", "temporal",
    }  # fmt: skip
    assert (card.name, card.steps, card.styles[0].title, card.base) == ("noise", 2, "Noise", 64)
    assert card.loss["style_weight"] == 3.0 * 0.45  # That of the coarsest level.
    assert card.loss["regularizers"]["temporal"] == 2.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_crop_may_be_a_part_of_a_picture(painting, fit, monkeypatch):
    shown, load = {}, TrainingStyles.load

    def watched(self, side, scale):
        pictures = shown[scale] = load(self, side, scale)
        return pictures

    monkeypatch.setattr(TrainingStyles, "load", watched)
    card = fit(StyleTransfer(painting, net=SMALL, base=80), levels=2).card()
    assert (card.base, card.loss["style_size"]) == (80, 92)
    # As large as the picture: of the area of a square of 80 px, and of 40 px from twice as far.
    assert {scale: tuple(pictures[0].shape[2:]) for scale, pictures in shown.items()} == {
        0.25: (17, 23), 0.5: (34, 46), 1.0: (69, 92), 2.0: (96, 128),
    }  # fmt: skip
    with pytest.raises(FastnstError, match=r"base is 16\. It is 32 to 4096 px"):
        StyleTransfer(painting, base=16)


@pytest.mark.filterwarnings("ignore")
def test_photos_for_other_levels_are_refused(painting, fit):
    with pytest.raises(
        FastnstError,
        match=r"cut for 3 levels, and the net has 2\. Say PhotoDataModule\(\.\.\., levels=2",
    ):
        fit(StyleTransfer(painting, net=SMALL))


def test_norms_alone_are_trained_if_it_is_asked_for(painting):
    module = StyleTransfer(painting, net=SMALL, trainable="norms")
    trained = {name for name, value in module.net.named_parameters() if value.requires_grad}
    assert trained == {name for name, _ in module.net.named_parameters() if ".norm." in name}
    assert trained


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"^No painting was given\."),
        ({"painting": Painting("x.png"), "regularizers": {"tempral": 1}}, r"Did you mean 'temporal'\?$"),
        ({"painting": Painting("x.png"), "net": NetConfig("unit")}, r"^There is no net 'unit'\. Did you mean 'unet'"),
    ],
)  # fmt: skip
def test_what_can_not_be_built_is_one_sentence(options, sentence):
    with pytest.raises(FastnstError, match=sentence):
        StyleTransfer(**options)


def test_checkpoints_hold_the_net_alone(painting):
    module = StyleTransfer(painting, net=SMALL)
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    assert {key.partition(".")[0] for key in checkpoint["state_dict"]} == {"net"}
    assert torch.equal(checkpoint["state_dict"]["net.out.bias"], module.net.out.bias)
