"""Quantization of an exported net to fp16 or int8."""

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
from PIL import Image

from fastnst.errors import FastnstError, did_you_mean
from fastnst.images.find import find_images
from fastnst.images.pixels import Pixels, resize_long_edge
from fastnst.images.read import readable_images
from fastnst.runtime.engine.levels import ground
from fastnst.runtime.engine.painting_statistics import picture_statistics
from fastnst.runtime.engine.session import CANVAS, STATISTICS, STYLE_WEIGHTS

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]
"""Number format of a net's weights."""
CALIBRATION_PHOTOS = 16
"""Number of photos that the ranges of int8 are measured on."""
CALIBRATION_SIZE = 256
"""Longer side of these photos in pixels."""


def check_precision(precision: str, photos: Path | None) -> None:
    """Check that a net can be exported in a precision.

    Args:
        precision: Name of the precision.
        photos: Folder of photos to measure on, which fp16 and int8 need.

    Raises:
        FastnstError: There is no such precision, or it has no photos to be measured on.
    """
    if precision not in get_args(Precision):
        raise FastnstError(
            f"There is no precision {precision!r}.", did_you_mean(precision, get_args(Precision))
        )
    if precision != "fp32" and photos is None:
        raise FastnstError(
            f"The precision {precision} is measured on photos, and none were given.",
            "Give a folder of some with --calibration-photos FOLDER.",
        )


def read_calibration_photos(folder: Path, multiple: int) -> list[Pixels]:
    """Read the first photos of a folder, made small, with sides that are multiples of `multiple`.

    Raises:
        FastnstError: The folder has no photo that can be read.
    """
    found: list[Pixels] = []
    for photo in readable_images(find_images(folder)):
        image = resize_long_edge(photo, CALIBRATION_SIZE)
        height, width = (side // multiple * multiple for side in (image.height, image.width))
        if min(height, width) >= 8 * multiple:
            found.append(np.asarray(image)[:height, :width])
        if len(found) == CALIBRATION_PHOTOS:
            break
    if not found:
        raise FastnstError(
            f"There is no photo to measure on in {folder}.",
            "Give another with --calibration-photos.",
        )
    return found


def quantize(
    model: onnx.ModelProto, precision: Precision, photos: Sequence[Pixels]
) -> onnx.ModelProto:
    """Convert a net to another precision; its inputs and outputs stay float32.

    Args:
        model: Net in float32.
        precision: fp16 halves the file, and is fast on GPUs. int8 quarters the convolutions, which are faster on CPUs,
            by ranges that are measured once (static quantization, weights per channel).
        photos: Photos that the ranges are measured on.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), _no_log():
        warnings.simplefilter("ignore")  # The libraries warn about their own internals.
        return _to_fp16(model) if precision == "fp16" else _to_int8(model, photos)


def _to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    result: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True)
    return result


def _to_int8(model: onnx.ModelProto, photos: Sequence[Pixels]) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_static

    inputs = {node.name: node.type.tensor_type.shape for node in model.graph.input}
    rows = inputs[STYLE_WEIGHTS].dim[0].dim_value if STYLE_WEIGHTS in inputs else 0

    def feeds() -> Iterator[dict[str, Any]]:
        for number in range(max(len(photos), rows)):
            photo = photos[number % len(photos)]
            feed = {"image": photo.transpose(2, 0, 1)[None].astype(np.float32)}
            if CANVAS in inputs:
                # The first level has the ground, the others something that is painted already.
                canvas = photo if number % 2 else ground(*photo.shape[:2])
                feed[CANVAS] = canvas.transpose(2, 0, 1)[None].astype(np.float32)
            if rows:
                feed[STYLE_WEIGHTS] = np.eye(rows, dtype=np.float32)[number % rows]
            if STATISTICS in inputs:
                feed[STATISTICS] = picture_statistics(Image.fromarray(photo))
            yield feed

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("float32.onnx", "int8.onnx")]
        onnx.save(model, paths[0])
        quantize_static(
            paths[0],
            paths[1],
            _Reader(feeds()),
            per_channel=True,
            # Without VNNI (before AVX512) sums of 8 bit weights saturate; those of 7 bits do not.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
        )
        return onnx.load(paths[1])


class _Reader:
    """Reader of calibration data for onnxruntime: one feed after the other, then None."""

    def __init__(self, feeds: Iterator[dict[str, Any]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Silence the root logger, by which the quantizer warns."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
