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
from fastnst.exporting.quantize import (
    Precision,
    check_precision,
    quantize,
    read_calibration_photos,
)
from fastnst.exporting.shrink import shrink
from fastnst.images.pixels import Pixels
from fastnst.models import StyleNet, load_net
from fastnst.runtime.engine.painting_statistics import painting_statistics
from fastnst.runtime.engine.session import CANVAS, STATISTICS, STYLE_WEIGHTS
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.styles.card import CARD_KEY, StyleCard, with_current_names
from fastnst.styles.mix import STATISTICS as STATISTICS_SIZE
from fastnst.styles.mix import NetStyle, StyleMix, parse_blend
from fastnst.styles.painting import short_name
from fastnst.system.atomic import atomic_write

EVALUATION = "evaluation.json"
"""Name of the file, beside a run's weights, that `fastnst evaluate` writes its figures to."""
TOLERANCE = 1e-3 * 255
"""Largest difference to torch that an exported net may have, in units of 0..255."""
TRACED_SIZE = (128, 160)
"""Height and width that the net is exported with."""


@dataclass(frozen=True)
class ExportResult:
    """Exported file, and its differences."""

    path: Path
    """The ONNX file."""
    difference: float
    """Largest difference of the net in float32 to torch over all checked sizes, in levels of 255."""
    quantization_error: float | None = None
    """Mean difference over photos of the net in lower precision to that in float32, in levels of 255; None for fp32."""

    def __str__(self) -> str:
        megabytes = self.path.stat().st_size / 1e6
        text = f"{self.path}  {megabytes:.1f} MB, largest difference to torch: {self.difference:.1e} of 255"
        if self.quantization_error is not None:
            text += f" in fp32, from which it differs by {self.quantization_error:.2f} of 255 in the mean"
        return text


def export(
    source: str | Path,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    style: str | None = None,
    strength: float = 1.0,
    stroke: Literal["fine", "medium", "bold"] | float | None = None,
    precision: Precision = "fp32",
    calibration_photos: Path | None = None,
) -> ExportResult:
    """Write a trained style as ONNX: input `image`, output `stylized`, float32 RGB (N, 3, H, W), 0..255.

    Batch, height and width are dynamic. Height and width must be multiples of the card's `multiple_of`. The output is
    clamped to 0..255. The card is stored in the metadata. A net of many styles has a further input, `style_weights`
    (rows,), the share of each row of its card. A net with a predictor has the input `statistics` (1920,) after that,
    which describes any painting. A net of several levels has the input `canvas` before that, of the
    image's shape: the image that the net paints over.

    Args:
        source: The .safetensors file that `train` wrote, its run folder, or an .onnx file of many styles.
        output: The .onnx file; by default beside the weights, under the name of the style if one is given.
        style: Style, painting or blend to write as a plain file of one input, from a net of many styles.
        strength: Strength of that style, from 0, the photo, to 1.
        stroke: Strokes of that style: fine, bold, or a number between 0 and 1; nets of several levels paint any.
        precision: fp16 halves the file, for GPUs; int8 is faster on CPUs. The difference is shown.
        calibration_photos: Folder of photos to measure fp16 and int8 on.

    Returns:
        The file and its difference to torch.

    Raises:
        BadStyleFile: The source holds no trained style.
        UnknownStyle: The source has no style of that name.
        FastnstError: The exported net differs from torch by more than `TOLERANCE`; no file is left.
        CannotWrite: The folder or the disk does not take the file.
    """
    check_precision(precision, calibration_photos)
    weights = _weights_file(Path(source))
    name = "-".join(short_name(each) for each in parse_blend(style)) if style else weights.stem
    suffix = "" if precision == "fp32" else f"-{precision}"
    path = output or weights.with_name(f"{name}{suffix}.onnx")
    if path.suffix != ".onnx":
        raise CannotWrite(
            f"The output {path} is no .onnx file.", "Give it a name that ends in .onnx."
        )
    if path.resolve() == weights.resolve():
        raise CannotWrite(f"{path} is read, and can't be replaced.", "Give another name with -o.")
    net, card = load_net(weights)
    if weights.suffix != ".onnx" or style is not None:  # Else the figures of all styles are kept.
        card = replace(card, evaluation=read_evaluation(weights.parent, card.steps))
    if style is not None or net.config.styles == 1:
        if stroke is not None and card.levels > 1:
            raise FastnstError(
                f"{weights.name} paints strokes of any size.", "Choose it when painting: --stroke"
            )
        mix = StyleMix(style, strength, stroke=stroke).for_net(weights, card, painting_statistics)
        net, card = _bake_blend(net, card, name if style else card.name, mix)
    elif (strength, stroke) != (1.0, None):
        raise FastnstError(
            "Strength and stroke are chosen when painting with a file of many styles.",
            "Name one to write with --style.",
        )
    with atomic_write(path) as temporary:
        _write(net.lean(), card, temporary)
        difference, quantization_error = difference_to_torch(net, temporary), None
        if not difference <= TOLERANCE:
            raise FastnstError(
                f"The exported net differs from torch by {difference:.3g} of 255, more than {TOLERANCE:.3g};"
                " nothing was written.",
                "Please report it, with the versions of torch and onnxruntime.",
            )
        if calibration_photos is not None and precision != "fp32":
            photos = read_calibration_photos(calibration_photos, net.multiple_of)
            quantization_error = _quantize_file(temporary, card, precision, photos)
    return ExportResult(path, difference, quantization_error)


def _quantize_file(
    path: Path, card: StyleCard, precision: Precision, photos: Sequence[Pixels]
) -> float:
    """Quantize the net of a file in place and return the mean difference over photos."""
    full = Stylizer(path, device="cpu")
    before = [full(photo) for photo in photos]
    model = quantize(onnx.load(path), precision, photos)
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
    quantized = Stylizer(path, device="cpu")
    pairs = zip(before, map(quantized, photos), strict=True)
    return float(np.mean([np.abs(a.astype(np.int16) - b).mean() for a, b in pairs]))


def _bake_blend(
    net: StyleNet, card: StyleCard, name: str, mix: NetStyle
) -> tuple[StyleNet, StyleCard]:
    """Return the net with one blend of its rows, and a card that credits the paintings in it."""
    rows = mix.rows
    mixture = torch.from_numpy(rows if card.levels > 1 else rows[0])
    statistics = torch.tensor(mix.statistics) if net.config.predicted else None
    per_style = max(len(card.strokes), card.levels)
    used = (
        style
        for k, style in enumerate(card.styles)
        if rows[..., k * per_style : (k + 1) * per_style].any()
    )
    folded = net.folded(mixture, statistics)
    return folded, replace(
        card,
        name=name,
        styles=tuple(replace(style, name="") for style in used),
        net=folded.config.as_dict(),
        strokes=(1.0,),
    )


def read_evaluation(run: Path, steps: int) -> dict[str, Any]:
    """Read the figures that `evaluate` wrote for a run; none if they are of earlier weights, with other `steps`."""
    try:
        values: dict[str, Any] = with_current_names(json.loads((run / EVALUATION).read_text()))
    except (OSError, ValueError):
        return {}
    return values if values.get("steps") == steps else {}


def _weights_file(source: Path) -> Path:
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
    if card.predicted:
        inputs[STATISTICS], shapes[STATISTICS] = torch.rand(STATISTICS_SIZE), None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # The exporter warns about its own internals.
        traced = torch.export.export(
            clamped(net).eval(),
            tuple(inputs.values()),
            dynamic_shapes=tuple(shapes.values()),
        )
        program = torch.onnx.export(
            traced,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(inputs),
            output_names=["stylized"],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    shrink(model.graph)
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.save(model, path)
