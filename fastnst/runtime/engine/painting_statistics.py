"""The statistics of a painting, which nets with a predictor take as its style: by VGG-16, in onnxruntime."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from fastnst.errors import BadStyleFile, UnreadableImage
from fastnst.runtime.engine.session import open_session
from fastnst.styles.kept import kept_styles, read_kept_style
from fastnst.styles.painting import read_painting, scaled_like
from fastnst.system.package_data import bundled

if TYPE_CHECKING:
    import onnx

    from fastnst.runtime.engine.session import Session
    from fastnst.system.progress import Progress

STATISTICS_SIDE = 320
"""Side in pixels of a square as large as a painting whose statistics are taken."""
WEIGHTS = bundled("checkpoints") / "vgg16.safetensors"
KEPT = 256
"""Paintings whose statistics are kept in memory."""
OXFORD_MEAN = (123.68, 116.779, 103.939)
BLOCKS = (2, 2, 3, 3)
"""Convolutions of the first four blocks; the last one of each is a style layer."""

PaintingStatistics: TypeAlias = npt.NDArray[np.float32]
"""Means, then standard deviations, of the channels of relu1_2, relu2_2, relu3_3 and relu4_3 (1920,)."""
DescribedPaintings: TypeAlias = dict[tuple[str, int, int], PaintingStatistics]
"""Statistics of files as they were: by path, time of change in nanoseconds, and size in bytes."""
_described: DescribedPaintings = {}


def painting_statistics(painting: str | Path) -> PaintingStatistics:
    """Compute the statistics of a painting, or recall them.

    Args:
        painting: The picture file, or the name that its style is kept under.

    Raises:
        UnreadableImage: The file can't be read.
        BadStyleFile: The kept style is damaged.
        FastnstError: The painting is too small, or has no style to learn.
    """
    kept = kept_styles().get(str(painting))
    if kept is not None:
        return read_kept_style(kept)
    key = _as_it_is(painting)
    return _described[key] if key in _described else _computed(*key)


def describe_paintings(
    paintings: Iterable[str | Path], report: Progress | None = None
) -> DescribedPaintings:
    """Compute the statistics of many paintings, for this process and for others, see `take_described`.

    Args:
        paintings: Files.
        report: Called after each with the share that is done, 0..1, and a note: "12 of 30 paintings".

    Raises:
        UnreadableImage: A file can't be read.
        FastnstError: A painting is too small, or has no style to learn.
    """
    keys, described = list(map(_as_it_is, paintings)), DescribedPaintings()
    for number, key in enumerate(keys, start=1):
        described[key] = painting_statistics(key[0])
        if report:
            report(number / len(keys), f"{number} of {len(keys)} paintings")
    take_described(described)
    return described


def take_described(described: DescribedPaintings) -> None:
    """Keep statistics that another process computed, for as long as this one runs and the paintings stay as they are."""
    _described.update(described)


def _as_it_is(painting: str | Path) -> tuple[str, int, int]:
    path = os.path.abspath(painting)
    try:
        found = os.stat(path)
    except OSError as error:
        raise UnreadableImage(f"There is no painting {path}.", "Check the path.") from error
    return path, found.st_mtime_ns, found.st_size


@lru_cache(KEPT)
def _computed(path: str, _changed: int, _size: int) -> PaintingStatistics:
    """Compute the statistics of a file as it was at a time."""
    result = picture_statistics(read_painting(path))
    result.setflags(write=False)
    return result


def picture_statistics(picture: Image.Image) -> PaintingStatistics:
    """Compute the statistics of a picture, RGB."""
    scaled = scaled_like(picture, STATISTICS_SIDE)
    batch = np.asarray(scaled, np.float32).transpose(2, 0, 1)[None]
    result: PaintingStatistics = _session().run({"painting": np.ascontiguousarray(batch)})[0]
    return result


@cache
def _session() -> Session:
    return open_session(WEIGHTS, "cpu", statistics_net().SerializeToString())


def statistics_net(*, half: bool = False) -> onnx.ModelProto:
    """Return VGG-16 up to relu4_3 with the statistics of its style layers: the weights that the training has too.

    It takes `painting` (1, 3, H, W), RGB in 0..255, and returns `statistics` (1920,).

    Args:
        half: Whether to store the weights as they are, in half the bytes, and convert them in each run.

    Raises:
        BadStyleFile: The weights can't be read.
    """
    from onnx import TensorProto, helper, numpy_helper

    weights = _read_safetensors(WEIGHTS)
    node = helper.make_node
    mean = np.array(OXFORD_MEAN, np.float32).reshape(1, 3, 1, 1)
    tensors = [
        numpy_helper.from_array(mean, "mean"),
        numpy_helper.from_array(np.array([2, 3]), "sides"),
    ]
    nodes = [node("Sub", ["painting", "mean"], ["x"])]
    position, x, means, deviations = 0, "x", [], []
    for block, depth in enumerate(BLOCKS):
        for _ in range(depth):
            parts = []
            for part in ("weight", "bias"):
                name = f"features.{position}.{part}"
                stored = weights[name] if half else weights[name].astype(np.float32)
                tensors.append(numpy_helper.from_array(stored, name))
                if half:
                    nodes.append(node("Cast", [name], [f"{name}.float"], to=TensorProto.FLOAT))
                parts.append(f"{name}.float" if half else name)
            nodes += [
                node("Conv", [x, *parts], [f"conv{position}"], kernel_shape=[3, 3], pads=[1] * 4),
                node("Relu", [f"conv{position}"], [f"relu{position}"]),
            ]
            x, position = f"relu{position}", position + 2
        nodes += [
            node("ReduceMean", [x, "sides"], [f"mean{block}"], keepdims=1),
            node("Sub", [x, f"mean{block}"], [f"off{block}"]),
            node("Mul", [f"off{block}", f"off{block}"], [f"squares{block}"]),
            node("ReduceMean", [f"squares{block}", "sides"], [f"var{block}"], keepdims=1),
            node("Sqrt", [f"var{block}"], [f"deviation{block}"]),
        ]
        means.append(f"mean{block}")
        deviations.append(f"deviation{block}")
        pooled = f"pool{block}"
        nodes.append(node("MaxPool", [x], [pooled], kernel_shape=[2, 2], strides=[2, 2]))
        x, position = pooled, position + 1
    nodes += [
        node("Concat", [*means, *deviations], ["joined"], axis=1),
        node("Flatten", ["joined"], ["row"]),
        node("Squeeze", ["row"], ["statistics"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "painting_statistics",
        [value("painting", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [value("statistics", TensorProto.FLOAT, [None])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def _read_safetensors(path: Path) -> dict[str, npt.NDArray[np.float16]]:
    """Read the half-precision tensors of a safetensors file: a length, a header in JSON, and their bytes."""
    try:
        data = path.read_bytes()
        first = 8 + int.from_bytes(data[:8], "little")
        header: dict[str, Any] = json.loads(data[8:first])
        header.pop("__metadata__", None)
        return {
            name: np.frombuffer(
                data[first + entry["data_offsets"][0] : first + entry["data_offsets"][1]],
                np.float16,
            ).reshape(entry["shape"])
            for name, entry in header.items()
        }
    except (OSError, ValueError, KeyError) as error:
        raise BadStyleFile(
            f"{path} can't be read, so no style can be predicted: {error}.",
            "Install fastnst again.",
        ) from error
