"""The configuration of a training: YAML files, typed values and flags, over one another, for Lightning."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import pytorch_lightning as pl
from jsonargparse import ArgumentError, Namespace
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from fastnst.errors import FastnstError, did_you_mean
from fastnst.system.machine import keep_freed_memory
from fastnst.system.package_data import bundled
from fastnst.system.torch_device import has_bfloat16
from fastnst.training.callbacks import GracefulStop, SampleSheet, SaveWeights, TrainingProgress
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.module import StyleTransfer
from fastnst.training.nonfinite_guard import NonFiniteGuard

Layer: TypeAlias = Path | Mapping[str, Any]
"""A part of a configuration: a YAML file, or values by name as such a file has them."""


def run_files(run: Path) -> tuple[Path, Path]:
    """The weights of a run folder, and the checkpoint to resume from."""
    return run / f"{run.name}.safetensors", run / "checkpoints" / "last.ckpt"


def find_config(file: str | Path) -> Path:
    """A YAML file by its path, or by its path in the folder of shipped ones.

    Raises:
        FastnstError: There is no such file.
    """
    file = Path(file)
    if file.is_file():
        return file
    folder = bundled("configs")
    if (folder / file).is_file():
        return folder / file
    names = [str(path.relative_to(folder)) for path in folder.rglob("*.yaml")]
    raise FastnstError(f"There is no file {file}.", did_you_mean(str(file), names))


def configure(layers: Sequence[Layer], flags: Sequence[str] = ()) -> Training:
    """Build model, photos and trainer.

    Args:
        layers: Parts of the configuration, later ones over earlier ones.
        flags: Words of a command line over all of them: `--model.objective.style_weight 30`.

    Raises:
        FastnstError: A name or a value is not allowed.
    """
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric|jsonargparse")
    keep_freed_memory(2**30)
    return Training(layers, flags)


class Training(LightningCLI):
    """Model, photos and trainer, as Lightning builds them of a configuration."""

    run: Path
    """The run folder."""
    stop: GracefulStop

    def __init__(self, layers: Sequence[Layer], flags: Sequence[str]) -> None:
        self._layers, self._flags = layers, flags
        try:
            super().__init__(
                StyleTransfer,
                PhotoDataModule,
                run=False,
                save_config_callback=SaveConfigCallback,
                save_config_kwargs={"overwrite": True},
                parser_kwargs={"exit_on_error": False},
            )
        except (ArgumentError, ImportError, MisconfigurationException, ValueError, TypeError) as e:
            raise self._in_one_sentence(e) from e

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Cut the photos for the levels of the net."""
        parser.link_arguments("model.net.levels", "data.levels")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Take the layers and flags in place of the process's own words."""
        self.config = self.parsed(self._layers, self._flags)

    def parsed(self, layers: Sequence[Layer], flags: Sequence[str] = ()) -> Namespace:
        """The values of layers and flags over the defaults."""
        config = self.parser.get_defaults()
        for layer in layers:
            before = config
            if isinstance(layer, Path):
                config = self.parser.parse_args([f"--config={layer}"], namespace=before)
            else:
                config = self.parser.parse_object(_plain(layer), cfg_base=before)
            _keep_regularizers(before, config)
        if flags:
            before = config
            config = self.parser.parse_args([*flags], namespace=before)
            _keep_regularizers(before, config)
        return config

    def before_instantiate_classes(self) -> None:
        """Choose the precision that suits the machine."""
        self.run = Path(self.config.trainer.default_root_dir)
        if self.config.trainer.precision is None:
            accelerator = self.config.trainer.accelerator
            self.config.trainer.precision = "bf16-mixed" if has_bfloat16(accelerator) else "32-true"

    def instantiate_trainer(self, **options: Any) -> pl.Trainer:
        """Add the callbacks and loggers of every training."""
        # Here rather than among the defaults, so that the saved configuration can be read again.
        run, self.stop = self.run, GracefulStop()
        options["callbacks"] = [
            *(self.config_init.trainer.callbacks or []),
            TrainingProgress(),
            SampleSheet(run / "samples"),
            SaveWeights(*run_files(run)),
            NonFiniteGuard(),
            self.stop,
        ]
        options["logger"] = self.config_init.trainer.logger or [
            CSVLogger(run, name="", version=""),
            TensorBoardLogger(run, name="", version=""),
        ]
        return super().instantiate_trainer(**options)

    def _in_one_sentence(self, error: Exception) -> FastnstError:
        text = str(error)
        unknown = re.search(
            r"Unrecognized arguments: --([\w.]+)|(?:Group '([\w.]+)' does not accept o|O)ption '([\w.]+)'", text
        )  # fmt: skip
        if unknown:
            name = unknown[1] or ".".join(part for part in unknown.groups()[1:] if part)
            names = [key for key, _ in self.parser.get_defaults().items()]
            return FastnstError(
                f"The configuration has no option --{name}.", did_you_mean(name, names)
            )
        lines = [line.strip(" -") for line in text.splitlines() if line.strip()]
        return FastnstError(f"The configuration can't be used: {' '.join(lines[:3])}")


def _keep_regularizers(before: Namespace, config: Namespace) -> None:
    """Change only the weights that are named; elsewhere a mapping replaces the one before it."""
    config.model.regularizers = {**before.model.regularizers, **config.model.regularizers}


def _plain(value: Any) -> Any:
    """Values as a YAML file has them: dataclasses become mappings, paths become text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, PurePath) else value
