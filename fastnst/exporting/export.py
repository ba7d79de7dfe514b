"""The job `export`: trained weights become an ONNX file, checked against torch before it is kept."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import onnx
import torch
from cyclopts import Parameter

from fastnst.errors import BadStyleFile, CannotWrite, FastnstError
from fastnst.exporting.parity import clamped, difference_to_torch
from fastnst.exporting.quantize import Precision, calibration_photos, check_precision, lowered
from fastnst.images.pixels import Pixels
from fastnst.models import StyleNet, load_net
from fastnst.runtime.engine.session import CANVAS, STYLE_WEIGHTS
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.card import CARD_KEY, StyleCard, with_current_names
from fastnst.styles.mix import RowWeights, StyleMix, parse_blend
from fastnst.system.atomic import atomic_write

EVALUATION = "evaluation.json"
"""Where `fastnst evaluate` keeps what it found, beside a run's weights."""
TOLERANCE = 1e-3 * 255
"""Largest difference to torch that an exported net may have, in units of 0..255."""
TRACED_SIZE = (128, 160)
"""Height and width that the net is exported with."""


@dataclass(frozen=True)
class Exported:
    """What `export` made."""

    path: Path
    """The ONNX file."""
    difference: float
    """Largest difference of the net in float32 to torch over all checked sizes, in units of 0..255."""
    lowered: float | None = None
    """Mean difference of a net of lower precision to it over photos, in units of 0..255."""

    def __str__(self) -> str:
        megabytes = self.path.stat().st_size / 1e6
        text = f"{self.path}  {megabytes:.1f} MB, largest difference to torch: {self.difference:.1e} of 255"
        if self.lowered is not None:
            text += f" in fp32, of which it differs by {self.lowered:.2f} of 255 in the mean"
        return text


def export(
    source: str | Path,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    style: str | None = None,
    strength: float = 1.0,
    stroke: Literal["fine", "medium", "bold"] | float | None = None,
    precision: Precision = "fp32",
    data: Path | None = None,
) -> Exported:
    """Write a trained style as ONNX: input `image`, output `stylized`, float32 RGB (N, 3, H, W), 0..255.

    Batch, height and width are dynamic; height and width are to be multiples of the card's
    `multiple_of`, and the output is clamped to 0..255. The card is stored in the metadata. A net of
    many styles has a further input, `style_weights` (rows,): how much of each row of its card; and one of
    several levels, before it, `canvas`, of the image's shape: what is painted over.

    Args:
        source: The .safetensors file that `train` wrote, or the run folder that it lies in.
        output: The .onnx file; None puts it beside the weights, under the name of the style if one is given.
        style: Of many styles, the one to write, or the blend, as a plain file of one input.
        strength: Of that style, from 0, the photo, to 1.
        stroke: Of that style: fine, bold, or a number between 0 and 1; nets of several levels paint any.
        precision: fp16 halves the file, for GPUs; int8 is faster on CPUs. The difference is shown.
        data: A folder of photos to measure on, for fp16 and int8.

    Returns:
        The file and how far it is from torch.

    Raises:
        BadStyleFile: The source holds no trained style.
        UnknownStyle: It has no style of that name.
        FastnstError: The exported net differs from torch by more than `TOLERANCE`; no file is left.
        CannotWrite: The folder or the disk does not take it.
    """
    check_precision(precision, data)
    weights = _weights(Path(source))
    name = "-".join(parse_blend(style)) if style else weights.stem
    ending = "" if precision == "fp32" else f"-{precision}"
    path = output or weights.with_name(f"{name}{ending}.onnx")
    if path.suffix != ".onnx":
        raise CannotWrite(
            f"The output {path} is no .onnx file.", "Give it a name that ends in .onnx."
        )
    net, card = load_net(weights)
    card = replace(card, evaluation=read_evaluation(weights.parent, card.steps))
    if style is not None or net.config.styles == 1:
        if stroke is not None and card.levels > 1:
            raise FastnstError(
                f"{weights.name} paints strokes of any size.", "Choose it when painting: --stroke"
            )
        rows = StyleMix(style, strength, stroke=stroke).for_net(weights, card).rows
        net, card = _of_one(net, card, name if style else card.name, rows)
    elif (strength, stroke) != (1.0, None):
        raise FastnstError(
            "Strength and stroke are chosen when painting with a file of many styles.",
            "Name one to write with --style.",
        )
    with atomic_write(path) as temporary:
        _write(net.lean(), card, temporary)
        difference, apart = difference_to_torch(net, temporary), None
        if not difference <= TOLERANCE:
            raise FastnstError(
                f"The exported net differs from torch by {difference:.3g} of 255, more than {TOLERANCE:.3g};"
                " nothing was written.",
                "Please report it, with the versions of torch and onnxruntime.",
            )
        if data is not None and precision != "fp32":
            photos = calibration_photos(data, net.multiple_of)
            apart = _lower(temporary, card, precision, photos)
    return Exported(path, difference, apart)


def _lower(path: Path, card: StyleCard, precision: Precision, photos: Sequence[Pixels]) -> float:
    """Put a net of lower precision in a file's place; their mean difference."""
    whole = Stylizer(path, device="cpu")
    before = [whole(photo) for photo in photos]
    model = lowered(onnx.load(path), precision, photos)
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
    lower = Stylizer(path, device="cpu")
    pairs = zip(before, map(lower, photos), strict=True)
    return float(np.mean([np.abs(a.astype(np.int16) - b).mean() for a, b in pairs]))


def _of_one(
    net: StyleNet, card: StyleCard, name: str, rows: RowWeights
) -> tuple[StyleNet, StyleCard]:
    """Return the net with one blend of its rows (levels, rows), and a card that credits what is in it."""
    mixture = torch.from_numpy(rows if card.levels > 1 else rows[0])
    each = max(len(card.strokes), card.levels)
    used = (
        style for k, style in enumerate(card.styles) if rows[..., k * each : (k + 1) * each].any()
    )
    folded = net.folded(mixture)
    return folded, replace(
        card,
        name=name,
        styles=tuple(replace(style, name="") for style in used),
        net=folded.config.as_dict(),
        strokes=(1.0,),
    )


def read_evaluation(run: Path, steps: int) -> dict[str, Any]:
    """What was measured of the weights of a run; nothing if it was of earlier ones, with other `steps`."""
    try:
        found: dict[str, Any] = with_current_names(json.loads((run / EVALUATION).read_text()))
    except (OSError, ValueError):
        return {}
    return found if found.get("steps") == steps else {}


def _weights(source: Path) -> Path:
    if not source.exists():
        raise BadStyleFile(f"There is no file or folder {source}.", "Give a run folder: runs/NAME")
    if not source.is_dir():
        return source
    found = sorted(source.glob("*.safetensors"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise BadStyleFile(
            f"The folder {source} should hold one .safetensors file, and holds: {names}.",
            "Give the file itself.",
        )
    return found[0]


def _write(net: StyleNet, card: StyleCard, path: Path) -> None:
    height, width = (
        net.multiple_of * torch.export.Dim(name, min=net.minimum // net.multiple_of)
        for name in ("rows", "columns")
    )
    image = torch.rand(2, 3, *TRACED_SIZE) * 255
    shapes: dict[str, Any] = {"image": {0: torch.export.Dim("batch"), 2: height, 3: width}}
    inputs = {"image": image}
    if card.levels > 1:
        inputs[CANVAS], shapes[CANVAS] = torch.rand_like(image) * 255, shapes["image"]
    if card.rows > 1:
        inputs[STYLE_WEIGHTS] = torch.full((card.rows,), 1 / card.rows)
        shapes[STYLE_WEIGHTS] = None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # The exporter's own, about its insides.
        program = torch.onnx.export(
            clamped(net).eval(),
            tuple(inputs.values()),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(inputs),
            output_names=["stylized"],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
