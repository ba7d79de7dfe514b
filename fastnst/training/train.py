"""The job `train`: a painting and a folder of photos become a style."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from cyclopts import Parameter
from jsonargparse import ArgumentError
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from fastnst.errors import (
    BadStyleFile,
    CannotWrite,
    FastnstError,
    Interrupted,
    did_you_mean,
    first_line,
)
from fastnst.models import load_net
from fastnst.system.lock import lock_folder
from fastnst.system.package_data import bundled
from fastnst.system.torch_device import has_bfloat16, tune_malloc
from fastnst.training.callbacks import Finish, KeepWeights, SampleSheet, TrainingProgress
from fastnst.training.data.datamodule import Photos
from fastnst.training.module import StyleTransfer
from fastnst.training.nonfinite_guard import Guard
from fastnst.training.warm_start import find_start


def train(
    *paintings: Annotated[str | Path, Parameter(allow_leading_hyphen=True)],
    data: str | Path | None = None,
    name: str | None = None,
    config: Annotated[Sequence[str | Path], Parameter(negative="")] = (),
    start: Annotated[str | None, Parameter(name="--from")] = None,
    unfreeze: Annotated[bool, Parameter(negative="")] = False,
    stability: float | None = None,
    steps: int | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
) -> Path:
    """Train a net to paint in the style of a painting, or of several.

    Args:
        paintings: The picture to learn from, or several for one net that has all their styles, and after
            it any other parameters of the configuration: `--model.style_weight 30`, `--data.crop 192`,
            `--trainer.devices 2`. All of them, with their defaults and reasons, are in
            `configs/base.yaml`. A YAML file given with `--config` can list paintings too, with their
            names, titles, artists, years, licences, sizes and weights.
        data: A folder of photographs, searched to any depth, or `hf:NAME` for a data set of the
            Hugging Face hub, streamed.
        name: The style's name; its run folder is `runs/NAME`.
        config: YAML files that change the defaults of `configs/base.yaml`, the later ones winning.
        start: Learn the style on a trained net, in minutes: the name of a gallery that ships, or a
            .safetensors file. Its scales and shifts alone are learnt, into a file of their own.
        unfreeze: Of that net learn everything.
        stability: For videos: how much it counts that what is painted moves with what is shown.
        steps: Optimizer steps: 8,000, or 1,000 with `--from`, if nothing is said.
        resume: Go on from the run's last checkpoint, with its configuration.

    Returns:
        The weights and card, `runs/NAME/NAME.safetensors`.

    Raises:
        FastnstError: Something given is wrong, or another process trains in the run folder; the message says what.
        Interrupted: Ctrl-C; checkpoint and weights are written.
    """
    words = [str(word) for word in paintings]
    flags = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    pictures, options = words[:flags], words[flags:]
    name = name or (Path(pictures[0]).stem if len(pictures) == 1 else None)
    if not name and pictures:
        raise FastnstError(
            f"{len(pictures)} paintings were given, but no name for their net.",
            "Give one with --name.",
        )
    if not name:
        raise _no_painting()
    if name != Path(name).name or name.startswith("."):
        raise FastnstError(
            f"The name {name!r} is not a plain one.",
            "Give one without slashes, and no dot in front.",
        )
    if data == "":
        raise FastnstError("The folder given with --data is empty text.", "Give its name.")
    if any(word.startswith("--trainer.default_root_dir") for word in options):
        raise FastnstError(
            "The run folder can't be moved.", "It is runs/NAME in the current folder."
        )
    if steps is not None and steps < 1:
        raise FastnstError(f"The number of steps is {steps}.", "It must be 1 or more.")
    run = Path("runs") / name
    weights, checkpoint = kept(run)
    if resume and not checkpoint.is_file():
        raise FastnstError(
            f"There is no checkpoint {checkpoint} to go on from.", "Start without --resume."
        )
    if not resume and (checkpoint.exists() or weights.exists()):
        raise FastnstError(
            f"There is a training in {run} already.",
            "Go on with it with --resume, or give another --name.",
        )
    before = [bundled("configs") / "base.yaml"]
    if resume:
        before.append(run / "config.yaml")
    elif start:
        before.append(bundled("configs") / "from.yaml")
    args = [f"--config={file}" for file in [*before, *map(_config, config)]]
    args += [f"--model.name={name}", f"--trainer.default_root_dir={run}"]
    if len(pictures) == 1:
        args += [f"--model.painting.path={pictures[0]}"]
    elif pictures:
        args += [f"--model.paintings={json.dumps([{'path': path} for path in pictures])}"]
    args += [f"--data.source={data}"] if data else []
    args += [f"--trainer.max_steps={steps}"] if steps else []
    args += [] if stability is None else [f"--model.stability_weight={stability}"]
    if start:
        known, card = load_net(find_start(start))
        args += [
            f"--model.net.{key}={getattr(known.config, key)}"
            for key in ("name", "width", "blocks", "levels")
        ]
        if known.config.levels == 1:  # As it was trained, and not for large forms and small ones.
            each = card.loss.get("styles", [card.loss])[0]
            args += [f"--model.style_power={card.loss.get('style_power', 1)}"]
            args += (
                [f"--model.style_weight={each['style_weight']}"] if "style_weight" in each else []
            )
        args += [f"--model.start={start}", f"--model.learn={'all' if unfreeze else 'rows'}"]
    elif unfreeze:
        raise FastnstError("There is nothing to unfreeze.", "Say what to start from, with --from.")
    cli = _configured([*args, *options])
    _check(cli)
    # Of a training on several devices, each a process, the first holds the folder for all.
    first = all(os.environ.get(rank, "0") == "0" for rank in ("LOCAL_RANK", "NODE_RANK"))
    with lock_folder(run) if first else nullcontext():
        if resume:
            _check_resume(cli, run, checkpoint, before)
        _fit(cli, checkpoint if resume else None)
    _report_skipped(cli.datamodule)
    if cli.finish.interrupted:
        raise Interrupted(
            f"Stopped at step {cli.trainer.global_step} of {cli.trainer.max_steps}; {weights} is written.",
            f"Go on with: fastnst train --name {name} --resume",
        )
    return weights


class _Cli(LightningCLI):
    """Lightning's reader of YAML and flags, with what every training has."""

    run: Path
    finish: Finish

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.link_arguments("model.net.levels", "data.levels")

    def before_instantiate_classes(self) -> None:
        self.run = Path(self.config.trainer.default_root_dir)
        if self.config.trainer.precision is None:
            accelerator = self.config.trainer.accelerator
            self.config.trainer.precision = "bf16-mixed" if has_bfloat16(accelerator) else "32-true"

    def instantiate_trainer(self, **options: Any) -> pl.Trainer:
        # Here rather than among the defaults, so that the saved configuration can be read again.
        run, self.finish = self.run, Finish()
        options["callbacks"] = [
            *(self.config_init.trainer.callbacks or []),
            TrainingProgress(),
            SampleSheet(run / "samples"),
            KeepWeights(*kept(run)),
            Guard(),
            self.finish,
        ]
        options["logger"] = self.config_init.trainer.logger or [
            CSVLogger(run, name="", version=""),
            TensorBoardLogger(run, name="", version=""),
        ]
        return super().instantiate_trainer(**options)


def kept(run: Path) -> tuple[Path, Path]:
    """The weights, and the checkpoint to go on from, of a run."""
    return run / f"{run.name}.safetensors", run / "checkpoints" / "last.ckpt"


def _configured(args: ArgsType) -> _Cli:
    _quiet()
    tune_malloc()
    try:
        return _Cli(
            StyleTransfer,
            Photos,
            args=args,
            run=False,
            save_config_callback=SaveConfigCallback,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"exit_on_error": False},
        )
    except (ArgumentError, ImportError, MisconfigurationException, ValueError, TypeError) as error:
        lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
        raise FastnstError(f"The configuration can't be used: {' '.join(lines[:3])}") from error


def _check(cli: _Cli) -> None:
    if cli.model.paintings[0].path == Path():
        raise _no_painting()
    if cli.trainer.max_steps < 1:
        raise FastnstError(
            f"The number of steps is {cli.trainer.max_steps}.", "It must be 1 or more."
        )
    for painting in cli.model.paintings:
        if cli.model.net.config.levels > 1:
            painting.load_like(cli.datamodule.crop >> cli.model.far, cli.datamodule.crop)
        for stroke in cli.model.strokes:
            painting.load(stroke)
    cli.datamodule.setup("fit")


def _check_resume(cli: _Cli, run: Path, checkpoint: Path, before: list[Path]) -> None:
    """Refuse what the checkpoint can't go on with, and put the metrics so far out of the new ones' way."""
    was = cli.parser.parse_args([f"--config={file}" for file in before]).model.as_dict()
    now = cli.config.model.as_dict()
    changed = [f"--model.{key}" for key in now if str(now[key]) != str(was.get(key))]
    if changed:
        raise FastnstError(
            f"A training that goes on keeps its model, but {', '.join(changed)} differs from {run}.",
            "Leave it out, or start anew under another --name.",
        )
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        step, weights = kept["global_step"], kept["state_dict"]
        groups = [len(g["params"]) for g in kept["optimizer_states"][0]["param_groups"]]
    except Exception as error:  # Whatever unpickling a damaged file leads to.
        raise BadStyleFile(
            f"The checkpoint {checkpoint} is damaged.", "Start anew under another --name."
        ) from error
    net = {f"net.{name}": value.shape for name, value in cli.model.net.state_dict().items()}
    ours = [len(group["params"]) for group in cli.model.parameter_groups()]
    if {name: value.shape for name, value in weights.items()} != net or groups != ours:
        raise BadStyleFile(
            f"The net in {checkpoint} is not the one that this version of fastnst trains.",
            "Go on with the version that began it, or start anew under another --name.",
        )
    if step >= cli.trainer.max_steps:
        raise FastnstError(
            f"The training in {run} has its {cli.trainer.max_steps} steps already.",
            "Give more with --steps N.",
        )
    metrics = run / "metrics.csv"
    if metrics.exists():  # Lightning's logger would start it afresh.
        metrics.replace(run / f"metrics-to-{step:06d}.csv")


def _fit(cli: _Cli, checkpoint: Path | None) -> None:
    try:
        with _quiet_writers():
            cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=checkpoint)
    except OSError as error:
        if error.errno is None:  # From below the network: those of the file system have a number.
            raise FastnstError(
                f"The training stopped at step {cli.trainer.global_step}: {first_line(error)}.",
                f"Go on with: fastnst train --name {cli.run.name} --resume",
            ) from error
        raise CannotWrite(f"{cli.run} can't be written: {error.strerror}.") from error
    except FastnstError as error:
        if "Traceback" not in error.message:
            raise
        # From a process that loads photos: torch puts its traceback into the message.
        raise FastnstError(
            error.message.strip().splitlines()[-1].split("Error: ", 1)[-1]
        ) from error
    except SystemExit as error:
        # What Lightning makes of a Ctrl-C that the callback did not take: before the first step, or the second one.
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _quiet_writers() -> Iterator[None]:
    """On a full disk TensorBoard's thread prints a traceback; its error reaches the main thread anyway."""
    usual = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, OSError):
            usual(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = usual


def _config(file: str | Path) -> Path:
    """A YAML file by its path, or by its path in the folder of those that ship."""
    file = Path(file)
    if file.is_file():
        return file
    folder = bundled("configs")
    if (folder / file).is_file():
        return folder / file
    names = [str(path.relative_to(folder)) for path in folder.rglob("*.yaml")]
    raise FastnstError(f"There is no file {file}.", did_you_mean(str(file), names))


def _no_painting() -> FastnstError:
    return FastnstError(
        "No painting was given.", "Say: fastnst train PAINTING --data FOLDER --name NAME"
    )


def _report_skipped(photos: Photos) -> None:
    skipped = photos.skipped
    if skipped:
        counts = Counter(skipped.values())
        text = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        photo = "photo" if len(skipped) == 1 else "photos"
        print(f"Skipped {len(skipped)} {photo}: {text}.", file=sys.stderr)


def _quiet() -> None:
    """Turn off what the libraries say about themselves."""
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric|jsonargparse")
