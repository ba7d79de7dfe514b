"""Teach a smaller net to paint what a trained one paints: a start for its own training, ten times cheaper a picture.

    python scripts/distill.py gallery-unet --photos FOLDER --net swift --steps 4000 --output swift.safetensors [--any PAINTINGS]

The smaller net sees the larger one's canvases, and its pictures are compared pixel by pixel, as they are and from twice and four
times as far. What comes out has the teacher's palette and forms but soft strokes; `fastnst train --init-from swift.safetensors
--unfreeze`, or scripts/train_gallery.py, sharpens them against the paintings. With `--any`, and a teacher with a predictor, styles
predicted from these paintings are learnt too. Run again, it starts anew. Ctrl-C keeps what is learnt.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.models import NETS, StyleNet, build_net, load_net, save_net
from fastnst.perceptual import load_loss_network
from fastnst.perceptual.statistics import statistics
from fastnst.runtime.engine.painting_statistics import STATISTICS_SIDE
from fastnst.system.progress import StepProgress
from fastnst.training.coarse_to_fine import CoarseToFine
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.objective import seen_from_afar
from fastnst.training.optimizers import build_optimizer
from fastnst.training.options import OptimizerOptions
from fastnst.training.paintings import Painting
from fastnst.training.styles import Draw, TrainingStyles
from fastnst.training.warm_start import find_weights

VIEWS = 3
"""Sizes at which pictures are compared."""
SAVE_EVERY = 500
"""Steps between two writes of the weights."""


def difference(painted: Tensor, wanted: Tensor) -> Tensor:
    """The mean absolute difference of pictures (N, 3, H, W), 0..255, as they are and seen from afar."""
    views = ((seen_from_afar(painted, 2**k), seen_from_afar(wanted, 2**k)) for k in range(VIEWS))
    return torch.stack([F.l1_loss(*view) for view in views]).mean()


@torch.no_grad()
def begin(student: StyleNet, teacher: StyleNet, donor: StyleNet | None) -> None:
    """Give a net the kernels of a trained one of its kind, whose rows' means all its rows begin as.

    A donor of one level sees no canvas: the kernels for it begin at 0. The predictor's first layers are the teacher's.
    """
    if donor is not None:
        own, weights = student.state_dict(), {}
        for name, value in donor.state_dict().items():
            if name.endswith((".norm.weight", ".norm.bias")):
                weights[name] = value.mean(0).expand_as(own[name])
            elif value.ndim == 4 and value.shape[1] < own[name].shape[1]:
                weights[name] = F.pad(value, (0, 0, 0, 0, 0, own[name].shape[1] - value.shape[1]))
            else:
                weights[name] = value
        student.load_state_dict(weights, strict=False)
    if student.predictor is not None and teacher.predictor is not None:
        weights = teacher.predictor.state_dict()
        weights = {name: v for name, v in weights.items() if not name.startswith("out.")}
        student.predictor.load_state_dict(weights, strict=False)
        for name, parameter in student.predictor.named_parameters():
            parameter.requires_grad_(name.startswith("out."))


def describe(folder: Path) -> Tensor:
    """The statistics (P, STATISTICS) of the paintings of a folder."""
    network, files, rows = load_loss_network("vgg16"), find_images(folder), []
    with closing(StepProgress("paintings", len(files))) as progress, torch.no_grad():
        for file in files:
            pixels = Painting(path=file).load_like(STATISTICS_SIDE, STATISTICS_SIDE)
            rows.append(statistics(network, pixels))
            progress.update(len(rows), "described")
    return torch.stack(rows)


def batches(data: PhotoDataModule) -> Iterator[Tensor]:
    """Photos (N, 3, S, S), float32, 0..255, of the size of a level."""
    data.setup("fit")
    for batch in data.train_dataloader():
        yield batch.photos.to(torch.float32, memory_format=torch.channels_last)


def main() -> None:
    """Distil."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("teacher", help="a shipped gallery, or a .safetensors file")
    parser.add_argument("--photos", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--net", choices=NETS, default="swift")
    parser.add_argument("--init-from", help="a trained net of that kind, to take kernels from")
    parser.add_argument("--any", type=Path, help="paintings whose predicted styles are learnt too")
    parser.add_argument("--any-share", type=float, default=0.35)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--crop", type=int, default=224)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    try:
        distil(options)
    except FastnstError as error:
        raise SystemExit(str(error)) from error


def distil(options: argparse.Namespace) -> None:
    """Teach, and write the weights.

    Raises:
        FastnstError: A file or folder is not there, or is not what it should be.
    """
    teacher, card = load_net(find_weights(options.teacher))
    donor = load_net(find_weights(options.init_from))[0] if options.init_from else None
    torch.manual_seed(0)
    like = teacher.config if donor is None else donor.config
    config = replace(teacher.config, name=options.net, width=like.width, blocks=like.blocks)
    student = build_net(config).to(memory_format=torch.channels_last)
    begin(student, teacher.eval(), donor)
    styles = TrainingStyles(
        [Painting(name=credit.name) for credit in card.styles],
        (1.0,), config.identity, config.levels, options.any_share if options.any else 0.0,
    )  # fmt: skip
    described = describe(options.any) if options.any else None
    optimizer, schedule = build_optimizer(
        student, OptimizerOptions(), steps=options.steps, scale=lambda: 1.0
    )
    data = PhotoDataModule(
        options.photos, crop=options.crop, batch_size=options.batch_size, num_workers=options.workers,
        levels=config.levels,
    )  # fmt: skip
    rng, photos = np.random.default_rng(0), batches(data)
    card = replace(
        card, net=config.as_dict(), multiple_of=student.multiple_of, minimum=student.minimum
    )
    with closing(StepProgress("steps", options.steps)) as progress:
        recent = 0.0
        try:
            for step in range(options.steps):
                batch = next(photos)
                draw = drawn(styles, described, rng, len(batch))
                masters = CoarseToFine(teacher, options.crop, step % 8)
                level = masters.level_of(batch)
                canvas = masters.canvas(batch, level, draw)
                window, below = masters.cut(batch, canvas, rng)
                with torch.no_grad():
                    wanted = masters.paint(window, below, level, draw).stylized.clamp(0, 255)
                pupils = CoarseToFine(student, options.crop)
                loss = difference(pupils.paint(window, below, level, draw).stylized, wanted)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                recent = 0.98 * recent + 0.02 * loss.item() if step else loss.item()
                progress.update(step + 1, f"difference {recent:.2f}")
                if step % SAVE_EVERY == SAVE_EVERY - 1:
                    save_net(options.output, student, card)
        finally:
            save_net(options.output, student, card)


def drawn(
    styles: TrainingStyles, described: Tensor | None, rng: np.random.Generator, count: int
) -> Draw:
    """The styles of a batch, those of paintings with their statistics."""
    if described is None:
        return styles.draw(rng, count, torch.device("cpu"))
    draw = styles.draw(rng, count, torch.device("cpu"), range(len(described)))
    assert draw.paintings is not None
    return draw._replace(statistics=described[draw.paintings.clamp(min=0)])


if __name__ == "__main__":
    main()
