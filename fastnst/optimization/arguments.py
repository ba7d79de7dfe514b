"""Arguments of `optimize`: their checks, the output's name, and the settings that go into the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from fastnst.errors import CannotWrite, FastnstError, did_you_mean
from fastnst.images.formats import WRITABLE_EXTENSIONS, check_writable
from fastnst.images.write import check_absent
from fastnst.optimization.descend import Optimizer

Precision: TypeAlias = Literal["auto", "bf16", "fp32"]
"""Number format of the loss network; `auto` is bf16 where the machine has it in hardware."""
NO_SETTINGS = frozenset({"output", "save_every", "log", "device", "progress", "on_share"})
"""Arguments that do not change the picture."""


def parse_layers(words: Sequence[str]) -> dict[str, float]:
    """Return layers and weights of words like `relu1_1:0.5` and `relu1_1,relu2_1`.

    Raises:
        FastnstError: A weight is no number.
    """
    layers: dict[str, float] = {}
    for word in ",".join(words).split(","):
        name, _, number = word.strip().partition(":")
        try:
            layers[name] = float(number or 1)
        except ValueError:
            raise FastnstError(
                f"The weight of the layer {name} is {number!r}.", "Write it as relu1_1:0.5."
            ) from None
    return layers


def check_arguments(
    *,
    optimizer: str,
    precision: str,
    learning_rate: float | None,
    ema_decay: float | None,
    **counts: int | None,
) -> None:
    """Check names and ranges; counts must be 1 or more where they are given.

    Raises:
        FastnstError: There is no such name, or a number is out of its range.
    """
    for name, count in counts.items():
        if count is not None and count < 1:
            option = name.replace("_", "-")
            raise FastnstError(f"--{option} is {count}.", "It must be 1 or more.")
    for name, given, allowed in (
        ("optimizer", optimizer, get_args(Optimizer)),
        ("precision", precision, get_args(Precision)),
    ):
        if given not in allowed:
            raise FastnstError(f"There is no {name} {given!r}.", did_you_mean(given, allowed))
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise FastnstError(f"The learning rate is {learning_rate:g}.", "It must be above 0.")
    if ema_decay is not None and not 0 <= ema_decay < 1:
        raise FastnstError(
            f"The decay of the average is {ema_decay:g}.", "It must be 0 or more and below 1."
        )


def output_path(content: Path, style: Sequence[str | Path], output: Path | None) -> Path:
    """Return the path of the picture: the given one, or NAME-STYLE.EXT beside the photo.

    Raises:
        CannotWrite: The format can't be written, an unnamed output exists, or the output is an input too.
    """
    if output is None:
        name = Path(style[0]).stem if style else "masked"
        suffix = content.suffix if content.suffix.lower() in WRITABLE_EXTENSIONS else ".png"
        output = content.with_name(f"{content.stem}-{name}{suffix}")
        check_absent(output)
    check_writable(output)
    if output.resolve() in {Path(path).resolve() for path in (content, *style)}:
        raise CannotWrite(
            f"{output} is read, so it can't be the output too.", "Give another name with -o."
        )
    return output


def settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that change the picture, as plain values; files are names without their folders."""

    def plain(value: Any) -> Any:
        if isinstance(value, Path):
            return value.name
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    files = {"content": Path(arguments["content"]), "style": [Path(p) for p in arguments["style"]]}
    return {
        key: plain(value) for key, value in {**arguments, **files}.items() if key not in NO_SETTINGS
    }
