"""The job `train`: a painting and a folder of photos become a style."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fastnst.errors import CannotWrite, FastnstError, Interrupted, first_line
from fastnst.models import load_net
from fastnst.system.lock import lock_folder
from fastnst.system.package_data import bundled
from fastnst.training.configuration import Layer, Training, configure, find_config, run_files
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.module import StyleTransfer
from fastnst.training.paintings import Painting
from fastnst.training.resume import check_resume
from fastnst.training.warm_start import find_weights


def train(
    *paintings: str | Path | Painting,
    data: str | Path | None = None,
    name: str | None = None,
    config: Sequence[str | Path | Mapping[str, Any]] = (),
    any: str | Path | None = None,
    init_from: str | Path | None = None,
    unfreeze: bool = False,
    temporal: float | None = None,
    steps: int | None = None,
    resume: bool = False,
    flags: Sequence[str] = (),
) -> Path:
    """Train a net to paint in the style of a painting, or of several.

    Args:
        paintings: The painting to learn from, or several for one net that has all their styles.
        data: A folder of photos, searched to any depth, or `hf:NAME` for a data set of the Hugging Face hub,
            streamed.
        name: The style's name; its run folder is `runs/NAME`.
        config: Changes of `configs/base.yaml`, later ones over earlier ones: YAML files, or mappings with the
            same names, `{"model": {"objective": {"style_weight": 10}}}`, whose groups may be dataclasses.
        any: A folder of hundreds of paintings, out of which the net learns to paint like any painting.
        init_from: A trained net to start from: the name of a shipped gallery, or a .safetensors or .onnx
            file. Scales and shifts alone are learnt, into a file of their own.
        unfreeze: Train all weights of that net.
        temporal: Weight of the temporal regularizer, which reduces flicker in videos.
        steps: Optimizer steps; 8,000, or 1,000 with `init_from`, if None.
        resume: Go on from the run's last checkpoint, with its configuration.
        flags: Words of a command line that change the configuration last: `--data.crop=192`.

    Returns:
        The weights and card, `runs/NAME/NAME.safetensors`.

    Raises:
        FastnstError: Something given is wrong, or another process trains in the run folder; the message says what.
        Interrupted: Ctrl-C; checkpoint and weights are written.
    """
    given = [each if isinstance(each, Painting) else {"path": str(each)} for each in paintings]
    if name is None and len(paintings) == 1:
        name = _name_of(paintings[0])
    run = _run_folder(name, len(paintings) + (any is not None))
    if data == "":
        raise FastnstError("The folder given with --data is empty text.", "Give its name.")
    if steps is not None and steps < 1:
        raise FastnstError(f"The number of steps is {steps}.", "It must be 1 or more.")
    if unfreeze and init_from is None:
        raise FastnstError(
            "There is nothing to unfreeze.", "Give a net to start from, with --init-from."
        )
    weights, checkpoint = run_files(run)
    if resume and not checkpoint.is_file():
        raise FastnstError(
            f"There is no checkpoint {checkpoint} to go on from.",
            f"Give another --name, or remove {run}."
            if weights.exists()
            else "Start without --resume.",
        )
    if not resume and (checkpoint.exists() or weights.exists()):
        raise FastnstError(
            f"There is a training in {run} already.",
            "Go on with it with --resume, or give another --name."
            if checkpoint.exists()
            # It was killed between its first weights and its first checkpoint, say.
            else f"It can't go on, for lack of a checkpoint: give another --name, or remove {run}.",
        )
    base: list[Layer] = [bundled("configs") / "base.yaml"]
    if resume:
        base.append(run / "config.yaml")
    elif init_from is not None:
        base.append(bundled("configs") / "init_from.yaml")
    model: dict[str, Any] = {"name": run.name}
    if len(given) == 1:
        model["painting"] = given[0]
    elif given:
        model["paintings"] = given
    if any is not None:
        model["any"] = {"folder": str(any)}
    if temporal is not None:
        model["regularizers"] = {"temporal": temporal}
    if init_from is not None:
        model |= _like(str(init_from)) | {"trainable": "all" if unfreeze else "norms"}
    values = {
        "model": model,
        "data": {"source": str(data)} if data is not None else {},
        "trainer": {"default_root_dir": str(run), **({"max_steps": steps} if steps else {})},
    }
    changes = [each if isinstance(each, Mapping) else find_config(each) for each in config]
    training = configure([*base, *changes, values], flags)
    _check(training, run)
    # With several devices, each a process, the first one locks the folder for all.
    first = all(os.environ.get(rank, "0") == "0" for rank in ("LOCAL_RANK", "NODE_RANK"))
    with lock_folder(run) if first else nullcontext():
        if resume:
            check_resume(training, checkpoint, base)
        _fit(training, checkpoint if resume else None)
    _report_skipped(training.datamodule)
    if training.stop.interrupted:
        done, steps = training.trainer.global_step, training.trainer.max_steps
        raise Interrupted(
            f"Stopped at step {done} of {steps}; {weights} is written.",
            f"Go on with: fastnst train --name {name} --resume",
        )
    return weights


def _name_of(painting: str | Path | Painting) -> str:
    if isinstance(painting, Painting):
        return painting.name or painting.file.stem
    return Path(painting).stem


def _run_folder(name: str | None, paintings: int) -> Path:
    """The run folder of a name.

    Raises:
        FastnstError: The name is missing, or is not that of a folder.
    """
    if not name and paintings:
        raise FastnstError(
            f"{paintings} paintings were given, but no name for their net.",
            "Give one with --name.",
        )
    if not name:
        raise FastnstError(
            "No painting was given.", "Say: fastnst train PAINTING --data FOLDER --name NAME"
        )
    if name != Path(name).name or name.startswith("."):
        raise FastnstError(
            f"The name {name!r} is not a plain one.",
            "Give one without slashes, and no dot in front.",
        )
    return Path("runs") / name


def _like(init_from: str) -> dict[str, Any]:
    """The model's values that a trained net to start from asks for."""
    net, card = load_net(find_weights(init_from))
    values: dict[str, Any] = {
        "init_from": init_from,
        "net": {key: getattr(net.config, key) for key in ("name", "width", "blocks", "levels")},
    }
    style = card.loss.get("styles", [card.loss])[0]
    if net.config.levels == 1:  # With its own objective, not that for large and small forms.
        values["objective"] = {
            "style_power": card.loss.get("style_power", 1.0),
            "content_focus": card.loss.get("content_focus", 0.0),
        }
        if "style_weight" in style:
            values["objective"]["style_weight"] = style["style_weight"]
        return values
    values["base"] = card.base
    if "far_style" in card.loss:
        # The card has the weight at the coarsest level, one halving from the whole.
        whole = style["style_weight"] / card.loss["far_style"]
        same = ("style_power", "content_focus", "far_style", "view_weights")
        kept = {key: card.loss[key] for key in same if key in card.loss}
        values["objective"] = {"style_weight": whole, **kept}
    return values


def _check(training: Training, run: Path) -> None:
    """Refuse before anything is written what can't be trained."""
    if training.run != run:
        raise FastnstError(
            "The run folder can't be moved.", "It is runs/NAME in the current folder."
        )
    if training.trainer.max_steps < 1:
        raise FastnstError(
            f"The number of steps is {training.trainer.max_steps}.", "It must be 1 or more."
        )
    model: StyleTransfer = training.model
    model.styles.load(model.base or training.datamodule.crop, 2.0**model.objective.lowest)
    training.datamodule.setup("fit")


def _fit(training: Training, checkpoint: Path | None) -> None:
    """Run the trainer, with its errors in one sentence."""
    try:
        with _quiet_writers():
            training.trainer.fit(training.model, training.datamodule, ckpt_path=checkpoint)
    except OSError as error:
        if error.errno is None:  # Errors of the network have no number, those of the disk have.
            raise FastnstError(
                f"The training stopped at step {training.trainer.global_step}: {first_line(error)}.",
                f"Go on with: fastnst train --name {training.run.name} --resume",
            ) from error
        raise CannotWrite(f"{training.run} can't be written: {error.strerror}.") from error
    except FastnstError as error:
        if "Traceback" not in error.message:
            raise
        # Raised in a process that loads photos: torch puts the traceback into the message.
        raise FastnstError(
            error.message.strip().splitlines()[-1].split("Error: ", 1)[-1]
        ) from error
    except SystemExit as error:
        # Lightning turns a Ctrl-C that `GracefulStop` does not handle into this: one before the first step, or
        # a second one.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _quiet_writers() -> Iterator[None]:
    """Silence the traceback of TensorBoard's thread on a full disk; its error reaches the main thread too."""
    usual = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, OSError):
            usual(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = usual


def _report_skipped(photos: PhotoDataModule) -> None:
    skipped = photos.skipped
    if skipped:
        counts = Counter(skipped.values())
        text = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        photo = "photo" if len(skipped) == 1 else "photos"
        print(f"Skipped {len(skipped)} {photo}: {text}.", file=sys.stderr)
