"""Smaller numbers for an exported net: halves, or bytes."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import onnx

from fastnst.errors import FastnstError, did_you_mean
from fastnst.images.find import find_images
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import read_image
from fastnst.runtime.engine.levels import ground
from fastnst.runtime.engine.session import CANVAS, STYLE_WEIGHTS

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
CALIBRATION_PHOTOS = 16
"""Photos that the ranges of bytes are measured on."""
CALIBRATION_SIZE = 256
"""Their longer side."""


def check_precision(precision: str, data: Path | None) -> None:
    """Refuse what can't be made.

    Raises:
        FastnstError: There is no such precision, or it has no photos to be measured on.
    """
    if precision not in get_args(Precision):
        raise FastnstError(
            f"There is no precision {precision!r}.", did_you_mean(precision, get_args(Precision))
        )
    if precision != "fp32" and data is None:
        raise FastnstError(
            f"What {precision} does to a net is measured on photos.",
            "Give a folder of some with --data FOLDER.",
        )


def calibration_photos(folder: Path, multiple: int) -> list[Pixels]:
    """The first photos of a folder, small, their sides multiples of `multiple`.

    Raises:
        FastnstError: It has none that can be read.
    """
    found: list[Pixels] = []
    for path in find_images(folder):
        try:
            image = resize_long_edge(read_image(path).convert("RGB"), CALIBRATION_SIZE)
        except FastnstError:
            continue
        height, width = (side // multiple * multiple for side in (image.height, image.width))
        if min(height, width) >= 8 * multiple:
            found.append(np.asarray(image)[:height, :width])
        if len(found) == CALIBRATION_PHOTOS:
            break
    if not found:
        raise FastnstError(
            f"There is no photo to measure on in {folder}.", "Give another with --data."
        )
    return found


def lowered(
    model: onnx.ModelProto, precision: Precision, photos: Sequence[Pixels]
) -> onnx.ModelProto:
    """The net in another precision, its inputs and outputs still float32.

    Args:
        model: In float32.
        precision: fp16 halves the file, and is fast on GPUs; int8 quarters the convolutions, which are
            faster on CPUs, by ranges that are measured once (static quantisation, weights per channel).
        photos: To measure those on.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _no_log():
        warnings.simplefilter("ignore")  # About the libraries' insides.
        return _halves(model) if precision == "fp16" else _bytes(model, photos)


def _halves(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    lower: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    return lower


def _bytes(model: onnx.ModelProto, photos: Sequence[Pixels]) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_static

    inputs = {node.name: node.type.tensor_type.shape for node in model.graph.input}
    rows = inputs[STYLE_WEIGHTS].dim[0].dim_value if STYLE_WEIGHTS in inputs else 0

    def feeds() -> Iterator[dict[str, Any]]:
        for number in range(max(len(photos), rows)):
            photo = photos[number % len(photos)]
            feed = {"image": photo.transpose(2, 0, 1)[None].astype(np.float32)}
            if (
                CANVAS in inputs
            ):  # Half of the time the ground, else something that is painted already.
                under = photo if number % 2 else ground(*photo.shape[:2])
                feed[CANVAS] = under.transpose(2, 0, 1)[None].astype(np.float32)
            if rows:
                feed[STYLE_WEIGHTS] = np.eye(rows, dtype=np.float32)[number % rows]
            yield feed

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("float.onnx", "bytes.onnx")]
        onnx.save(model, paths[0])
        quantize_static(
            paths[0],
            paths[1],
            _Reader(feeds()),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
        )
        return onnx.load(paths[1])


class _Reader:
    """What onnxruntime asks for the next photo: one after the other, then None."""

    def __init__(self, feeds: Iterator[dict[str, Any]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """The quantiser warns by the root logger."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
