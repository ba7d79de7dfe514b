"""`train` as the command line has it: options of the configuration may follow the paintings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fastnst.training import train as job


def train(
    *paintings: Annotated[str | Path, Parameter(allow_leading_hyphen=True)],
    data: str | None = None,
    name: str | None = None,
    config: Annotated[Sequence[Path], Parameter(negative="")] = (),
    any: Path | None = None,
    init_from: str | None = None,
    unfreeze: Annotated[bool, Parameter(negative="")] = False,
    temporal: float | None = None,
    steps: int | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
) -> Path:
    """Train a net to paint in the style of a painting, or of several.

    Args:
        paintings: The painting to learn from, or several for one net that has all their styles. After them
            any other option of the configuration: `--model.objective.style_weight 30`, `--data.crop 192`,
            `--trainer.devices 2`. All of them, with their defaults and reasons, are in `configs/base.yaml`.
            A YAML file given with `--config` can list paintings too, with their names, titles, artists,
            years, licences, sizes and weights.
        data: A folder of photos, searched to any depth, or `hf:NAME` for a data set of the Hugging Face hub,
            streamed.
        name: The style's name; its run folder is `runs/NAME`.
        config: YAML files that change the defaults of `configs/base.yaml`, later ones over earlier ones.
        any: Folder of hundreds of paintings, out of which the net learns to paint like any painting.
        init_from: Learn the style on a trained net, in minutes: the name of a shipped gallery, or a
            .safetensors or .onnx file. Its scales and shifts alone are learnt, into a file of their own.
        unfreeze: Train all weights of that net.
        temporal: Weight of the temporal loss, which reduces flicker in videos.
        steps: Optimizer steps: 8,000, or 1,000 with `--init-from`, by default.
        resume: Go on from the run's last checkpoint, with its configuration.
    """
    words = [str(word) for word in paintings]
    first = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    return job.train(
        *words[:first], data=data, name=name, config=config, any=any, init_from=init_from, unfreeze=unfreeze,
        temporal=temporal, steps=steps, resume=resume, flags=words[first:],
    )  # fmt: skip
