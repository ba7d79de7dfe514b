"""The training step: descend on a net's weights with the perceptual loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images import read_image, resize_longer
from fastnst.models import NetConfig, bounded, build_net, excess, lattice, load_net
from fastnst.perceptual import LossTerms, PerceptualLoss, load_encoder
from fastnst.styles import Credit, StyleCard
from fastnst.training.crops import Batch
from fastnst.training.guard import flat

SMALLEST_PAINTING = 64
"""Pixels on the shorter side, as given and as scaled: 8 at relu4_3, the deepest style layer."""


@dataclass(frozen=True)
class Painting(Credit):
    """A painting to learn from, and its credit."""

    path: Path = Path()
    """The picture."""
    size: int = 512
    """Its longer side is scaled to this many pixels, which sets the size of the brush strokes."""

    def load(self) -> Tensor:
        """The painting as RGB (1, 3, H, W), float, 0..255.

        Raises:
            UnreadableImage: It can't be read.
            FastnstError: It is too small.
        """
        if not SMALLEST_PAINTING <= self.size <= 4096:
            raise FastnstError(
                f"The size of the painting is {self.size}.",
                f"It is {SMALLEST_PAINTING} to 4096 px.",
            )
        scan = read_image(self.path).convert("RGB")
        image = resize_longer(scan, self.size)
        for picture, how in ((scan, "is"), (image, f"at --model.painting.size {self.size} is")):
            if min(picture.size) < SMALLEST_PAINTING:
                raise FastnstError(
                    f"The painting {self.path} {how} {picture.width}x{picture.height} px, too small to learn from.",
                    f"It needs {SMALLEST_PAINTING} px on its shorter side; 300 and more are good.",
                )
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()


class StyleTransfer(pl.LightningModule):
    """A net learning to paint photographs in the style of a painting (Johnson et al. 2016)."""

    strict_loading = False  # Checkpoints leave the loss network out.

    def __init__(
        self,
        painting: Painting,
        name: str,
        net: NetConfig,
        content_layers: dict[str, float],
        style_layers: dict[str, float],
        content_weight: float,
        style_weight: float,
        tv_weight: float,
        excess_weight: float,
        lattice_weight: float,
        learning_rate: float,
        warmup_steps: int,
        encoder_weights: Path | None = None,
        start: Path | None = None,
    ) -> None:
        """Build the net and the objective.

        Args:
            painting: What to learn from, with its credit.
            name: The style's name.
            net: The net to train.
            content_layers: Layers of VGG-16 that keep the photo, each with its share.
            style_layers: Layers that bring the painting, each with its share.
            content_weight: Of the content term; 1 for an unrelated photo.
            style_weight: Of the style term; 1 for the unpainted photo.
            tv_weight: Of the total variation, which smooths.
            excess_weight: Of what the painting goes past black and white, see `excess`.
            lattice_weight: Of the pattern that strided nets leave, see `lattice`.
            learning_rate: Adam's, at its highest.
            warmup_steps: Steps over which the rate rises; then it falls to 0 along a half cosine.
            encoder_weights: The loss network's weights; null for those that ship with fastnst.
            start: A .safetensors file of a trained net of the same kind to start from; null starts anew.

        Raises:
            ValueError: A weight or the rate is out of range.
            FastnstError: A layer is not one of the loss network's.
        """
        super().__init__()
        if learning_rate <= 0 or min(warmup_steps, excess_weight, lattice_weight) < 0:
            raise ValueError(
                f"learning_rate is {learning_rate}, warmup_steps {warmup_steps}, excess_weight {excess_weight},"
                f" lattice_weight {lattice_weight}; the first must be above 0, the others at least 0"
            )
        self.painting = painting
        self.name = name
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.excess_weight = excess_weight
        self.lattice_weight = lattice_weight
        self.encoder_weights = encoder_weights
        self.steps_before = 0
        """Of the training that this one starts from."""
        self.caution = 1.0
        """What the learning rate is multiplied by; see `Guard`."""
        self.seen: dict[str, Tensor] = {}
        """The terms of the last batch."""
        self.net = build_net(net).to(memory_format=torch.channels_last)
        if start is not None:
            known, card = load_net(start)
            if known.config != self.net.config:
                raise FastnstError(
                    f"The net in {start} is {known.config}, and {self.net.config} is to be trained.",
                    "Give the same --model.net, or another start.",
                )
            self.net.load_state_dict(known.state_dict())
            self.steps_before = card.steps
        self.loss = PerceptualLoss(
            load_encoder("vgg16", encoder_weights),
            content_layers=content_layers,
            style_layers=style_layers,
            content_weight=content_weight,
            style_weight=style_weight,
            tv_weight=tv_weight,
        ).to(memory_format=torch.channels_last)

    def on_fit_start(self) -> None:
        """Compute the painting's Grams and the units of the terms, once."""
        photos: Tensor = self.trainer.datamodule.calibration  # type: ignore[attr-defined]
        # Outside autocast: these are kept for the whole run.
        self.loss.set_styles([self.painting.load().to(self.device)])
        self.loss.calibrate(photos.to(self.device).float())

    def forward(self, photos: Tensor) -> Tensor:
        """Paint: RGB (N, 3, H, W), 0..255, to the same, -22.5..277.5."""
        painted: Tensor = self.net(photos)
        return painted

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One batch of crops."""
        self.trainer.datamodule.skipped.update(batch.skipped)  # type: ignore[attr-defined]
        photos = batch.photos.to(torch.float32, memory_format=torch.channels_last)
        painting = self.net.unbounded(photos)
        painted = bounded(painting)
        terms: LossTerms = self.loss(painted, self.loss.content_targets(photos))
        outside = self.excess_weight * excess(painting)
        pattern = self.lattice_weight * lattice(painted)
        self._log("train", terms)
        self.log_dict({"train/excess": outside.detach(), "train/lattice": pattern.detach()})
        empty = flat(painted, photos)
        self.seen = {**terms._asdict(), "excess": outside, "lattice": pattern, "flat": empty}
        # No number where the painting is flat, so that all processes leave the step out alike.
        return (terms.total + outside + pattern) * torch.where(empty, torch.nan, 1.0)

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """The objective on photos that are not trained on, of pictures as a user gets them."""
        photos = photos.to(torch.float32, memory_format=torch.channels_last)
        painted = self.net(photos).clamp(0, 255)
        self._log("val", self.loss(painted, self.loss.content_targets(photos)))

    def _log(self, stage: str, terms: LossTerms) -> None:
        values = {**terms._asdict(), "total": terms.total}
        # Of several processes, the mean: that of the whole batch.
        self.log_dict(
            {f"{stage}/{name}": value.detach() for name, value in values.items()}, sync_dist=True
        )

    def configure_optimizers(self) -> Any:
        """Adam, as in the paper, with a warm-up and a half cosine down to 0 at the last step."""
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.learning_rate)
        steps = self.trainer.max_steps
        warmup = min(self.warmup_steps, steps // 10)

        def rate(step: int) -> float:
            if step < warmup:
                return self.caution * (step + 1) / warmup
            done = min(1.0, (step - warmup) / max(1, steps - warmup))
            return self.caution * (0.5 + 0.5 * math.cos(math.pi * done))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the loss network out: 29 MB that are the same in every file."""
        weights = checkpoint["state_dict"]
        for key in [key for key in weights if key.startswith("loss.")]:
            del weights[key]

    def card(self) -> StyleCard:
        """The facts about the net as it is now."""
        loss = self.loss
        credit = {field: getattr(self.painting, field) for field in Credit.__dataclass_fields__}
        return StyleCard(
            name=self.name,
            styles=(Credit(**credit),),
            net=self.net.config.as_dict(),
            multiple_of=self.net.multiple_of,
            minimum=self.net.minimum,
            loss={
                "network": self.encoder_weights.name
                if self.encoder_weights
                else "VGG-16, Oxford weights",
                "content_layers": loss.content_layers,
                "style_layers": loss.style_layers,
                "content_weight": loss.content_weight,
                "style_weight": loss.style_weight,
                "tv_weight": loss.tv_weight,
                "excess_weight": self.excess_weight,
                "lattice_weight": self.lattice_weight,
                "style_size": self.painting.size,
                "units": loss.units(),
            },
            steps=self.steps_before + self.trainer.global_step,
            training_set=self.trainer.datamodule.set_name,  # type: ignore[attr-defined]
            fastnst=version("fastnst"),
        )
