"""The training step: descend on a net's weights with the perceptual loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.models import NetConfig, StyleNet, build_net
from fastnst.perceptual import LossTerms, load_loss_network
from fastnst.perceptual.statistics import statistics
from fastnst.runtime.engine.painting_statistics import STATISTICS_SIDE
from fastnst.styles.card import LEAST_BASE, MOST_BASE, StyleCard
from fastnst.training.card import card_of
from fastnst.training.coarse_to_fine import CoarseToFine
from fastnst.training.data.crops import Batch
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.nonfinite_guard import collapsed
from fastnst.training.objective import MultiViewObjective
from fastnst.training.optimizers import build_optimizer
from fastnst.training.options import (
    ANY,
    NET,
    OBJECTIVE,
    OPTIMIZER,
    AnyOptions,
    ObjectiveOptions,
    OptimizerOptions,
    Trainable,
)
from fastnst.training.paintings import NO_PAINTING, Painting
from fastnst.training.predicted_styles import PredictedStyles
from fastnst.training.regularizers import (
    DEFAULT_WEIGHTS,
    Step,
    complete_weights,
    weighted_terms,
)
from fastnst.training.styles import Draw, TrainingStyles
from fastnst.training.warm_start import choose_rows, find_weights, load_weights, predict_rows

GROUNDS = 8
"""Number of grounds that the coarsest level paints over in training, one after the other, so that the net learns
none by heart."""
ROW_PHOTOS = 4
"""Photos that the first rows of a new style are chosen on."""


class StyleTransfer(pl.LightningModule):
    """A net that learns to paint photos in the style of a painting, or of several (Johnson et al. 2016).

    With several, each crop of a batch is painted in one of them, picked at random (Dumoulin et al. 2017). An
    identity row learns to give the photo back. A crop of strength t below 1 is painted by t times the rows of a
    style and 1 - t times the identity row; its style term counts t times, and its squared difference to the
    photo 1 - t times. So all strengths are learnt.
    """

    strict_loading = False  # Checkpoints leave the loss network out.

    def __init__(
        self,
        painting: Painting = NO_PAINTING,
        paintings: Sequence[Painting] = (),
        *,
        name: str = "",
        net: NetConfig = NET,
        objective: ObjectiveOptions = OBJECTIVE,
        regularizers: Mapping[str, float] = DEFAULT_WEIGHTS,
        optimizer: OptimizerOptions = OPTIMIZER,
        strokes: Sequence[float] | None = None,
        identity: bool | None = None,
        any: AnyOptions = ANY,
        base: int | None = None,
        window: int | None = None,
        init_from: str | None = None,
        trainable: Trainable = "all",
        loss_network_weights: Path | None = None,
    ) -> None:
        """Build the net and the objective.

        Args:
            painting: The painting to learn from, with its credit.
            paintings: Several paintings in its place.
            name: The style's name; that of the paintings if empty.
            net: Architecture and sizes of the net; its number of rows follows from the paintings.
            objective: The perceptual loss.
            regularizers: Weights of further terms by their names in `REGULARIZERS`; those that are not named
                keep their defaults.
            optimizer: The optimizer and its learning rates.
            strokes: Stroke sizes of a net of one level, fine to bold, as multiples of the paintings' sizes;
                null for one, and for two if there are several paintings.
            identity: Whether one more row learns to give the photo back; null if there are several paintings.
            any: Further paintings, out of which the net learns to paint like any painting.
            base: Side in pixels of a square as large as a picture is at the coarsest level, for nets of several levels;
                null for the side of a crop, which is the whole picture then. Where it is larger, a crop is a part of
                a picture, and the net paints small pictures in one pass.
            window: Side in pixels of the part of a crop that is painted and judged, where its level is painted over
                the whole of the levels below; null for the whole crop. Steps are cheaper, and see smaller forms.
            init_from: A trained net of the same kind to start from, the name of a shipped gallery, or a
                .safetensors or .onnx file. Each new style starts from the rows that suit it best. null starts anew.
            trainable: Weights that are trained: all; norms, the scales and shifts alone; or predictor alone, which
                leaves the net's own styles as they are.
            loss_network_weights: Weights of the loss network; null for the ones that ship with fastnst.

        Raises:
            ValueError: The net can't have the width.
            FastnstError: No painting is given, two have one name, or an option is out of range.
        """
        super().__init__()
        share = 0.0 if any.folder is None else any.share
        self.styles = TrainingStyles.of(painting, paintings, strokes, identity, net.levels, share)
        if base is not None and not LEAST_BASE <= base <= MOST_BASE:
            raise FastnstError(f"base is {base}.", f"It is {LEAST_BASE} to {MOST_BASE} px.")
        self.any, self.base, self.window = any, base, window
        paintings = self.styles.paintings
        self.name = name or "-".join(each.name or each.file.stem for each in paintings)
        self.regularizers = complete_weights(regularizers)
        if not self.styles.identity:
            self.regularizers["identity"] = 0.0
        self.optimizer = optimizer
        self.loss_network_weights = loss_network_weights
        self.steps_before = 0
        """Steps of the training that this one starts from."""
        self.lr_scale = 1.0
        """Factor of the learning rate, see `NonFiniteGuard`."""
        self.last_terms: Mapping[str, Tensor] = {}
        """Terms of the last batch, scalars by name."""
        self.last_collapsed = torch.tensor(False)
        """True if a picture of the last batch collapsed to one colour."""
        net = replace(
            net,
            styles=self.styles.rows,
            identity=self.styles.identity,
            predicted=self.styles.predicted,
        )
        self.net = build_net(net).to(memory_format=torch.channels_last)
        self._donor: StyleNet | None = None
        if init_from is not None:
            self._donor, self.steps_before = load_weights(
                self.net, find_weights(init_from), [each.name for each in paintings]
            )
        if trainable == "norms":
            for label, parameter in self.net.named_parameters():
                parameter.requires_grad_(".norm." in label)
        elif trainable == "predictor":
            for label, parameter in self.net.named_parameters():
                parameter.requires_grad_(label.startswith("predictor."))
        network = load_loss_network("vgg16", loss_network_weights)
        self.objective = MultiViewObjective(network, objective, net.levels)
        self.far_style = objective.far_style
        """Factor of the style weight from twice as far."""
        self.objective.to(memory_format=torch.channels_last)
        self.predicted: PredictedStyles | None = None
        """The paintings that styles are predicted from; None before the training starts, or without any."""

    @property
    def data(self) -> PhotoDataModule:
        """The photos of the training."""
        data: PhotoDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        return data

    @property
    def picture_side(self) -> int:
        """Side in pixels of a square as large as a picture is at the coarsest level."""
        return self.base or self.data.crop

    # cuDNN plans each size of picture anew, and each painting has one of its own.
    @torch.backends.cudnn.flags(enabled=False)
    def on_fit_start(self) -> None:
        """Compute the paintings' Gram matrices and the units of the terms."""
        if self.any.folder is not None:
            cache = Path(self.trainer.default_root_dir) / "any-painting"
            self.predicted = PredictedStyles(self.any.folder, cache, self.styles, self.objective)
        levels = self.net.config.levels
        if self.data.levels != levels:
            raise FastnstError(
                f"The photos are cut for {self.data.levels} levels, and the net has {levels}.",
                f"Say PhotoDataModule(..., levels={levels}).",
            )
        calibration = self.data.calibration
        # Outside autocast: they are kept for the whole run.
        side, predicted = self.picture_side, self.predicted
        self.objective.prepare(
            calibration,
            lambda scale: (
                self.styles.load(side, scale)
                if predicted is None or self.styles.paintings
                else predicted.sample(side, scale)
            ),
        )
        if predicted is not None:
            with self.trainer.precision_plugin.forward_context():
                predicted.prepare(side, self.data.batch_size)
            known = self._painting_statistics() if self.steps_before else []
            predicted.start(self.net, known[:: len(self.styles.strokes)])
        if self._donor is not None and self.trainer.ckpt_path is None:
            donor = self._donor.to(self.device)
            if donor.predictor is not None:
                predict_rows(self.net, donor, self._painting_statistics())
            else:
                photos = calibration[0][:ROW_PHOTOS].to(self.device).float()
                with self.trainer.precision_plugin.forward_context():
                    choose_rows(self.net, donor, self.objective.at(0), photos)
        self._donor = None

    def _painting_statistics(self) -> list[Tensor]:
        """The statistics (STATISTICS,) of the painting of each style."""
        network = self.objective.at(0).network
        return [
            statistics(
                network, painting.load_like(STATISTICS_SIDE, STATISTICS_SIDE).to(self.device)
            )
            for painting in self.styles.paintings
            for _ in self.styles.strokes
        ]

    def _coarse_to_fine(self) -> CoarseToFine:
        seed = self.trainer.global_step % GROUNDS if self.training else 0
        return CoarseToFine(self.net, self.data.crop, seed, self.window)

    def forward(self, photos: Tensor, draw: Draw) -> Tensor:
        """Paint whole pictures, from coarse to fine.

        Args:
            photos: RGB (N, 3, H, W), float32, 0..255, of a level's size.
            draw: Styles and strengths.

        Returns:
            RGB of the same shape, -22.5..277.5.
        """
        painter = self._coarse_to_fine()
        level = painter.level_of(photos)
        return painter.paint(photos, painter.canvas(photos, level, draw), level, draw).stylized

    def _rng(self, *purpose: int) -> np.random.Generator:
        """Draws that depend on the step, the process and a number for their purpose alone."""
        return np.random.default_rng((self.trainer.global_step, self.trainer.global_rank, *purpose))

    def held_out_styles(self, first: int, count: int) -> Draw:
        """The styles of held-out photos from number `first` on: one after the other."""
        if self.predicted is None:
            return self.styles.in_turn(first, count, self.device)
        draw = self.styles.in_turn(first, count, self.device, self.predicted.store.held_out)
        return self.predicted.describe(draw, min(1, self.net.config.levels - 1))

    def _draw(self, count: int, level: int) -> Draw:
        """Draw the styles of a batch that a level paints."""
        if self.predicted is None:
            return self.styles.draw(self._rng(), count, self.device)
        draw = self.styles.draw(self._rng(), count, self.device, self.predicted.store.usable)
        return self.predicted.describe(draw, level, self._rng(3))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Paint a batch of crops and return its loss."""
        self.data.skipped.update(batch.skipped)
        photos = batch.photos.to(torch.float32, memory_format=torch.channels_last)
        painter = self._coarse_to_fine()
        level = painter.level_of(photos)
        draw = self._draw(len(photos), level)
        canvas = painter.canvas(photos, level, draw)
        photos, canvas = painter.cut(photos, canvas, self._rng(2))
        stylized, pre_tanh = painter.paint(photos, canvas, level, draw)

        def repaint(inputs: Tensor) -> Tensor:
            below = None if canvas is None else inputs[:, 3:]
            return painter.paint(inputs[:, :3], below, level, draw).stylized

        terms: LossTerms = self.objective(
            stylized, photos, level, draw.in_objective, self.styles.factors(draw)
        )
        step = Step(
            photos, stylized, pre_tanh, canvas, draw.strengths,
            self.net.multiple_of, repaint, self._rng(1),
        )  # fmt: skip
        others = weighted_terms(self.regularizers, step)
        self._log("train", terms)
        self.log_dict({f"train/{name}": value.detach() for name, value in others.items()})
        self.last_terms = {"content": terms.content, "style": terms.style, **others}
        self.last_collapsed = collapsed(stylized, photos)
        total = terms.total
        if others:
            total = total + torch.stack(list(others.values())).sum()
        # NaN where a picture collapsed, so that all processes skip the step alike.
        return total * torch.where(self.last_collapsed, torch.nan, 1.0)

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """Log the objective of held-out photos, clamped as a user gets them."""
        photos = photos.to(torch.float32, memory_format=torch.channels_last)
        draw = self.held_out_styles(batch_idx * self.data.batch_size, len(photos))
        stylized = self(photos, draw).clamp(0, 255)
        level = self._coarse_to_fine().level_of(photos)
        factors = self.styles.factors(draw)
        self._log("val", self.objective(stylized, photos, level, draw.in_objective, factors))

    def _log(self, stage: str, terms: LossTerms) -> None:
        values = {"content": terms.content, "style": terms.style, "total": terms.total}
        # With several processes, the mean is that of the whole batch.
        self.log_dict(
            {f"{stage}/{name}": value.detach() for name, value in values.items()}, sync_dist=True
        )

    def configure_optimizers(self) -> Any:
        """Build the optimizer and its schedule."""
        optimizer, schedule = build_optimizer(
            self.net,
            self.optimizer,
            steps=self.trainer.max_steps,
            scale=lambda: self.lr_scale,
            predictor_rate=self.any.learning_rate,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the loss network out: 29 MB that are the same in every file."""
        weights = checkpoint["state_dict"]
        for key in [key for key in weights if key.startswith("objective.")]:
            del weights[key]

    def card(self) -> StyleCard:
        """The facts about the net as it is now."""
        return card_of(self)
