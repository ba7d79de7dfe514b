"""The training step: descend on a net's weights with the perceptual loss."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastnst.models import NetConfig, StyleNet, build_net
from fastnst.perceptual import LossTerms, PerceptualLoss, load_loss_network
from fastnst.runtime.engine.levels import ground
from fastnst.styles.card import Credit, StyleCard
from fastnst.training.data.crops import Batch
from fastnst.training.muon import Muon
from fastnst.training.nonfinite_guard import flat
from fastnst.training.paintings import DEFAULT_SIZE, Painting, named_apart
from fastnst.training.regularizers import excess, instability, lattice, repeats
from fastnst.training.warm_start import choose_rows, find_start, started

GROUNDS = 8
"""Grains that crops of the coarsest level are painted over, one after the other."""
STROKES = (1.0, 1.75)
"""Sizes of the strokes of a net of several styles."""
ROW_PHOTOS = 4
"""Photos by which a new style is given the row to start from."""
FULL_STRENGTH = 0.75
"""Share of the crops that are painted at full strength, where there is an identity row; the others' strengths
are uniform from 0 to 1."""


def seen_from_afar(pictures: Tensor, times: int) -> Tensor:
    """Pictures (N, 3, H, W) from so many times as far: the mean of each `times` x `times` pixels."""
    return pictures if times == 1 else F.avg_pool2d(pictures, times)


class StyleTransfer(pl.LightningModule):
    """A net learning to paint photographs in the style of a painting (Johnson et al. 2016), or of several.

    Of several, each crop of a batch is painted in one of them, picked at random (Dumoulin et al. 2017).
    An identity row learns to give the photo back. Where a crop is painted at a strength t below 1, by
    t times the row of a style and 1 - t times the identity row, its style term counts t times, and the
    mean squared difference to the photo 1 - t times: so what lies between is learnt too.
    """

    strict_loading = False  # Checkpoints leave the loss network out.

    def __init__(
        self,
        painting: Painting,
        name: str,
        net: NetConfig,
        paintings: list[Painting],
        strokes: list[float] | None,
        identity: bool | None,
        identity_weight: float,
        optimizer: Literal["muon", "adam"],
        content_layers: dict[str, float],
        style_layers: dict[str, float],
        content_weight: float,
        style_weight: float,
        style_power: float,
        far_style: float,
        view_weights: list[float],
        tv_weight: float,
        excess_weight: float,
        lattice_weight: float,
        repeats_weight: float,
        stability_weight: float,
        learning_rate: float,
        vector_rate: float,
        warmup_steps: int,
        encoder_weights: Path | None = None,
        start: str | None = None,
        learn: Literal["all", "rows"] = "all",
    ) -> None:
        """Build the net and the objective.

        Args:
            painting: What to learn from, with its credit.
            name: The style's name.
            net: The net to train; its number of rows follows from the paintings.
            paintings: Several in its place.
            strokes: Sizes of the strokes, as multiples of the paintings' sizes, fine to bold; null for one,
                or two where there are several paintings.
            identity: Whether one more row learns to give the photo back; null if there are several paintings.
            identity_weight: Of the mean squared difference to the photo, in units of the range.
            optimizer: muon, or adam, the paper's.
            content_layers: Layers of VGG-16 that keep the photo, each with its share.
            style_layers: Layers that bring the painting, each with its share.
            content_weight: Of the content term; 1 for an unrelated photo.
            style_weight: Of the style term; 1 for the unpainted photo.
            style_power: What the style term of each layer is raised to, see `PerceptualLoss`.
            far_style: Of a net of several levels: what the style's weight is multiplied by for a picture that
                is half as large as those of the second level, and again for one of a quarter, and so on.
            view_weights: Of such a net: what the objective counts on a picture as it is, as it is seen from
                twice as far, and so on.
            tv_weight: Of the total variation, which smooths.
            excess_weight: Of what the painting goes past black and white, see `excess`.
            lattice_weight: Of the pattern that strided nets leave, see `lattice`.
            repeats_weight: Of marks set again and again in flat areas, see `repeats`.
            stability_weight: Of what flickers when a photo moves, see `instability`.
            learning_rate: Of the kernels, at its highest.
            vector_rate: Of the scales, shifts and biases.
            warmup_steps: Steps over which the rate rises; then it falls to 0 along a half cosine.
            encoder_weights: The loss network's weights; null for those that ship with fastnst.
            start: A trained net of the same kind to start from, by the name of a gallery or as a
                .safetensors file; null starts anew. If its styles are others, each new one starts from
                the one that suits it best.
            learn: all, or rows, the scales and shifts, alone.

        Raises:
            ValueError: A weight or the rate is out of range.
            FastnstError: A layer is not one of the loss network's, or two paintings have one name.
        """
        super().__init__()
        if (
            min(learning_rate, vector_rate) <= 0
            or min(warmup_steps, excess_weight, lattice_weight, repeats_weight) < 0
            or min(stability_weight, identity_weight) < 0
        ):
            raise ValueError(
                f"learning_rate is {learning_rate}, vector_rate {vector_rate}, warmup_steps {warmup_steps},"
                f" excess_weight {excess_weight}, lattice_weight {lattice_weight}, repeats_weight {repeats_weight},"
                f" stability_weight {stability_weight}, identity_weight {identity_weight}; the first two must be above 0, the others at least 0"
            )
        if net.levels > 1 and (
            not view_weights or min(view_weights) < 0 or not any(view_weights) or far_style <= 0
        ):
            raise ValueError(
                f"view_weights are {view_weights} and far_style is {far_style}; they must be at least 0,"
                " one of them above it, and above 0"
            )
        if net.levels > 1 and strokes is not None:
            raise ValueError("strokes are for nets of one level; those of several paint any size")
        many = len(paintings) > 1
        self.paintings = named_apart(paintings, painting.size) if paintings else [painting]
        self.strokes = tuple(strokes or (STROKES if many and net.levels == 1 else (1.0,)))
        if self.strokes[0] <= 0 or list(self.strokes) != sorted(set(self.strokes)):
            raise ValueError(f"strokes are {list(self.strokes)}; they must rise from above 0")
        self.identity = many if identity is None else identity
        self.identity_weight = identity_weight
        self.choices = len(self.paintings) * len(self.strokes)
        """What a crop can be painted in: each painting, with each size of strokes."""
        rows = self.choices * net.levels + self.identity
        net = replace(net, styles=rows, identity=self.identity)
        self.view_weights = view_weights if net.levels > 1 else [1.0]
        self.far_style = far_style
        self.name = name
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.vector_rate = vector_rate
        self.warmup_steps = warmup_steps
        self.excess_weight = excess_weight
        self.lattice_weight = lattice_weight
        self.repeats_weight = repeats_weight
        self.stability_weight = stability_weight
        self.encoder_weights = encoder_weights
        self.steps_before = 0
        """Of the training that this one starts from."""
        self.caution = 1.0
        """What the learning rate is multiplied by; see `Guard`."""
        self.seen: dict[str, Tensor] = {}
        """The terms of the last batch."""
        self.net = build_net(net).to(memory_format=torch.channels_last)
        self._donor: StyleNet | None = None
        if start is not None:
            self._donor, self.steps_before = started(self.net, find_start(start))
        if learn == "rows":
            for name, parameter in self.net.named_parameters():
                parameter.requires_grad_(".norm." in name)
        network = load_loss_network("vgg16", encoder_weights)
        far = len(self.view_weights) - 1
        self.views = nn.ModuleList(
            PerceptualLoss(
                network,
                content_layers=content_layers,
                style_layers=style_layers,
                content_weight=content_weight,
                # Pictures of the second level and larger have the whole of it.
                style_weight=style_weight * far_style ** max(0, min(1, net.levels - 1) - octave),
                tv_weight=tv_weight,
                style_power=style_power,
            )
            for octave in range(-far, net.levels)
        ).to(memory_format=torch.channels_last)
        """The objective for pictures of each size, the smallest first, each twice as large as the one before."""
        self.far = far
        """Where in them that for crops of the coarsest level is."""

    def objective(self, octave: int) -> PerceptualLoss:
        """The objective for pictures of the coarsest level's size, times 2 to the power of `octave`."""
        loss = self.views[self.far + octave]
        assert isinstance(loss, PerceptualLoss)
        return loss

    @property
    def loss(self) -> PerceptualLoss:
        """The objective for pictures of the coarsest level as they are."""
        return self.objective(0)

    def on_fit_start(self) -> None:
        """Compute the paintings' Grams and the units of the terms, once."""
        calibration: list[Tensor] = self.trainer.datamodule.calibration  # type: ignore[attr-defined]
        crop: int = self.trainer.datamodule.crop  # type: ignore[attr-defined]
        # Outside autocast: these are kept for the whole run.
        for octave in range(-self.far, self.net.config.levels):
            loss = self.objective(octave)
            photos = calibration[max(0, octave)].to(self.device).float()
            photos = seen_from_afar(photos, 2 ** max(0, -octave))
            if self.net.config.levels == 1:
                loads = [p.load(stroke) for p in self.paintings for stroke in self.strokes]
            else:
                side = round(crop * 2.0**octave)
                loads = [painting.load_like(side, crop) for painting in self.paintings]
            loss.set_styles([painting.to(self.device) for painting in loads])
            loss.calibrate(photos)
        photos = calibration[0].to(self.device).float()
        if self._donor is not None and self.trainer.ckpt_path is None:
            with self.trainer.precision_plugin.forward_context():
                choose_rows(self.net, self._donor.to(self.device), self.loss, photos[:ROW_PHOTOS])
        self._donor = None

    def forward(
        self, photos: Tensor, styles: Tensor, strengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Paint whole pictures, from coarse to fine.

        Args:
            photos: RGB (N, 3, H, W), 0..255; as large as those of a level.
            styles: Which style each is painted in, (N,), see `choices`.
            strengths: How strongly, (N,), 0..1; None for 1.

        Returns:
            The painted pictures, and what they were before tanh.
        """
        level = self._level(photos)
        canvas = self._canvas(photos, level, styles, strengths)
        return self._paint(photos, canvas, level, styles, strengths)

    def _level(self, photos: Tensor) -> int:
        """The level at which pictures are as large as these."""
        crop: int = self.trainer.datamodule.crop  # type: ignore[attr-defined]
        return min(round(math.log2(photos.shape[-1] / crop)), self.net.config.levels - 1)

    def _paint(
        self,
        photos: Tensor,
        canvas: Tensor | None,
        level: int,
        styles: Tensor,
        strengths: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Paint pictures, or parts of them, at one level over their canvas."""
        rows = F.one_hot(styles * self.net.config.levels + level, self.net.config.styles).to(photos)
        if strengths is not None:
            rows = strengths[:, None] * rows
            rows[:, -1] += 1 - strengths
        painting = self.net.pre_tanh(photos, rows, canvas)
        return self.net.finish(painting, photos, rows, canvas), painting

    @torch.no_grad()
    def _canvas(
        self, photos: Tensor, level: int, styles: Tensor, strengths: Tensor | None
    ) -> Tensor | None:
        """What pictures are painted over at a level: what those below it paint, or the ground."""
        if self.net.config.levels == 1:
            return None
        if level == 0:
            return self._ground(photos)
        smaller = seen_from_afar(photos, 2)
        below = self._canvas(smaller, level - 1, styles, strengths)
        painted = self._paint(smaller, below, level - 1, styles, strengths)[0].clamp(0, 255)
        larger = F.interpolate(painted, photos.shape[2:], mode="bicubic", align_corners=False)
        return larger.clamp(0, 255)

    def _ground(self, photos: Tensor) -> Tensor:
        """The ground under pictures, another one every few steps, so that none is learnt by heart."""
        seed = self.trainer.global_step % GROUNDS if self.training else 0
        pixels = torch.from_numpy(ground(photos.shape[2], photos.shape[3], seed).copy())
        return pixels.permute(2, 0, 1).to(photos).expand_as(photos)

    def _draw(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Styles and strengths of a batch, which depend on the step alone."""
        seed = (self.trainer.global_step, self.trainer.global_rank)
        rng = np.random.default_rng(seed)
        styles = torch.from_numpy(rng.integers(self.choices, size=count))
        if not self.identity:
            return styles.to(self.device), None
        weaker = rng.random(count) >= FULL_STRENGTH
        strengths = np.where(weaker, rng.random(count), 1.0).astype(np.float32)
        return styles.to(self.device), torch.from_numpy(strengths).to(self.device)

    def _factors(self, styles: Tensor) -> Tensor:
        """What the style term of each picture is multiplied by."""
        weights = torch.tensor([painting.weight for painting in self.paintings])
        return weights.to(self.device)[styles // len(self.strokes)]

    def held_out_styles(self, first: int, count: int) -> Tensor:
        """The style that each held-out photo is painted in: one after the other."""
        return torch.arange(first, first + count, device=self.device) % self.choices

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One batch of crops."""
        self.trainer.datamodule.skipped.update(batch.skipped)  # type: ignore[attr-defined]
        photos = batch.photos.to(torch.float32, memory_format=torch.channels_last)
        styles, strengths = self._draw(len(photos))
        level = self._level(photos)
        canvas = self._canvas(photos, level, styles, strengths)
        photos, canvas = self._part(photos, canvas, level)
        painted, painting = self._paint(photos, canvas, level, styles, strengths)
        factors = self._factors(styles)
        if strengths is not None:
            factors = factors * strengths
        terms = self._terms(painted, photos, level, styles, factors)
        others = {
            "excess": self.excess_weight * excess(painting),
            "lattice": self.lattice_weight * lattice(painted, self.net.multiple_of),
            # Blocks that alternate, too.
            "repeats": self.repeats_weight * repeats(painted, 2 * self.net.multiple_of),
        }
        if strengths is not None:
            apart = ((painted - photos) / 255).square().mean((1, 2, 3))
            others["identity"] = self.identity_weight * ((1 - strengths) * apart).mean()
        if self.stability_weight:
            rng = np.random.default_rng((self.trainer.global_step, self.trainer.global_rank, 1))

            def again(moved: Tensor) -> Tensor:
                shown, under = moved[:, :3], moved[:, 3:]
                if canvas is not None and level == 0:  # The ground stays where it is.
                    under = self._ground(shown)
                over = None if canvas is None else under
                return self._paint(shown, over, level, styles, strengths)[0]

            shown = photos if canvas is None or level == 0 else torch.cat([photos, canvas], 1)
            others["stability"] = self.stability_weight * instability(again, shown, painted, rng)
        self._log("train", terms)
        self.log_dict({f"train/{name}": value.detach() for name, value in others.items()})
        empty = flat(painted, photos)
        self.seen = {**terms._asdict(), **others, "flat": empty}
        whole = terms.total + torch.stack(list(others.values())).sum()
        # No number where the painting is flat, so that all processes leave the step out alike.
        return whole * torch.where(empty, torch.nan, 1.0)

    def _part(
        self, photos: Tensor, canvas: Tensor | None, level: int
    ) -> tuple[Tensor, Tensor | None]:
        """A crop as large as those of the coarsest level out of larger pictures and their canvas, one place for all."""
        if level == 0 or canvas is None:
            return photos, canvas
        crop: int = self.trainer.datamodule.crop  # type: ignore[attr-defined]
        rng = np.random.default_rng((self.trainer.global_step, self.trainer.global_rank, 2))
        places = (photos.shape[-1] - crop) // self.net.multiple_of
        top, left = (int(rng.integers(places + 1)) * self.net.multiple_of for _ in range(2))
        parts = [
            pictures[:, :, top : top + crop, left : left + crop].contiguous(
                memory_format=torch.channels_last
            )
            for pictures in (photos, canvas)
        ]
        return parts[0], parts[1]

    def _terms(
        self, painted: Tensor, photos: Tensor, level: int, styles: Tensor, factors: Tensor
    ) -> LossTerms:
        """The objective on pictures as they are and as they are seen from further away, the weighted mean."""
        views: list[LossTerms] = []
        for halvings, weight in enumerate(self.view_weights):
            loss = self.objective(level - halvings)
            shown, seen = (seen_from_afar(each, 2**halvings) for each in (painted, photos))
            terms: LossTerms = loss(shown, loss.content_targets(seen), styles, strengths=factors)
            share = weight / sum(self.view_weights)
            views.append(LossTerms(*(share * value for value in terms)))
        return LossTerms(*(torch.stack(values).sum() for values in zip(*views, strict=True)))

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """The objective on photos that are not trained on, of pictures as a user gets them."""
        photos = photos.to(torch.float32, memory_format=torch.channels_last)
        styles = self.held_out_styles(batch_idx * self.trainer.datamodule.batch_size, len(photos))  # type: ignore[attr-defined]
        painted = self(photos, styles)[0].clamp(0, 255)
        factors = self._factors(styles)
        self._log("val", self._terms(painted, photos, self._level(photos), styles, factors))

    def _log(self, stage: str, terms: LossTerms) -> None:
        values = {**terms._asdict(), "total": terms.total}
        # Of several processes, the mean: that of the whole batch.
        self.log_dict(
            {f"{stage}/{name}": value.detach() for name, value in values.items()}, sync_dist=True
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Kernels, and scales, shifts and biases: those that are learnt, with their rates."""
        parameters = [p for p in self.net.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in parameters if (p.ndim == 4) == kernel], "lr": rate}
            for kernel, rate in ((True, self.learning_rate), (False, self.vector_rate))
        ]
        return [group for group in groups if group["params"]]

    def configure_optimizers(self) -> Any:
        """Muon, or Adam as in the paper, with a warm-up and a half cosine down to 0 at the last step."""
        groups = self.parameter_groups()
        optimizer = Muon(groups) if self.optimizer == "muon" else torch.optim.Adam(groups)
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
        for key in [key for key in weights if key.startswith("views.")]:
            del weights[key]

    def _style_size(self, painting: Painting) -> int:
        """Longer side in pixels that a painting was learnt at, at the coarsest level."""
        if self.net.config.levels == 1:
            return round((painting.size or DEFAULT_SIZE) * self.strokes[0])
        crop: int = self.trainer.datamodule.crop  # type: ignore[attr-defined]
        return max(painting.load_like(crop, crop).shape[2:])

    def card(self) -> StyleCard:
        """The facts about the net as it is now."""
        loss = self.loss
        credits = tuple(
            Credit(**{field: getattr(painting, field) for field in Credit.__dataclass_fields__})
            for painting in self.paintings
        )
        each = [
            {
                "style_size": self._style_size(painting),
                "style_weight": loss.style_weight * painting.weight,
                "units": loss.units(number * len(self.strokes)),
            }
            for number, painting in enumerate(self.paintings)
        ]
        return StyleCard(
            name=self.name,
            styles=credits,
            strokes=self.strokes,
            base=self.trainer.datamodule.crop if self.net.config.levels > 1 else 0,  # type: ignore[attr-defined]
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
                "tv_weight": loss.tv_weight,
                "style_power": loss.style_power,
                "excess_weight": self.excess_weight,
                "lattice_weight": self.lattice_weight,
                "repeats_weight": self.repeats_weight,
                "stability_weight": self.stability_weight,
                # What differs from style to style, in their order.
                **(each[0] if len(each) == 1 else {"styles": each}),
            },
            steps=self.steps_before + self.trainer.global_step,
            training_set=self.trainer.datamodule.set_name,  # type: ignore[attr-defined]
            fastnst=version("fastnst"),
        )
