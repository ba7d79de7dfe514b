"""Going on with a training: whether its checkpoint suits the model, and its metrics so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.training.configuration import Layer, Training
from fastnst.training.optimizers import parameter_groups


def check_resume(training: Training, checkpoint: Path, base: Sequence[Layer]) -> None:
    """Refuse a checkpoint that does not suit the model, and rename the metrics so far.

    Args:
        training: The training that is to go on.
        checkpoint: The checkpoint to go on from.
        base: The configuration that it was begun with.

    Raises:
        FastnstError: The model differs, or has all its steps already.
        BadStyleFile: The checkpoint is damaged, or of another version.
    """
    run = training.run
    before = dict(training.parsed(base).model.items())
    now = dict(training.config.model.items())
    changed = [f"--model.{key}" for key in now if str(now[key]) != str(before.get(key))]
    if changed:
        raise FastnstError(
            f"A training that goes on keeps its model, but {', '.join(changed)} differs from {run}.",
            "Leave it out, or start anew under another --name.",
        )
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        step, weights = kept["global_step"], kept["state_dict"]
        groups = [len(g["params"]) for g in kept["optimizer_states"][0]["param_groups"]]
    except Exception as error:  # A damaged file can lead to any error of unpickling.
        raise BadStyleFile(
            f"The checkpoint {checkpoint} is damaged.", "Start anew under another --name."
        ) from error
    model = training.model
    net = {f"net.{name}": value.shape for name, value in model.net.state_dict().items()}
    ours = [len(group["params"]) for group in parameter_groups(model.net, model.optimizer)]
    if {name: value.shape for name, value in weights.items()} != net or groups != ours:
        raise BadStyleFile(
            f"The net in {checkpoint} is not the one that this version of fastnst trains.",
            "Go on with the version that began it, or start anew under another --name.",
        )
    if step >= training.trainer.max_steps:
        raise FastnstError(
            f"The training in {run} has its {training.trainer.max_steps} steps already.",
            "Give more with --steps N.",
        )
    metrics = run / "metrics.csv"
    if metrics.exists():  # Lightning's logger would overwrite it.
        metrics.replace(run / f"metrics-to-{step:06d}.csv")
