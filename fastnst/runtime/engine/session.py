"""Sessions that run nets: what every engine's have, opening them on a device, and checking that they hold a style net."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import BadStyleFile, DeviceUnavailable, FastnstError
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.devices import ENGINES, Device, engine_of

STYLE_WEIGHTS = "style_weights"
"""Last input of a file of many rows of scales and shifts: the share of each row, (N, rows) for a style for each
picture of a batch, or (rows,) in files of earlier versions."""
STATISTICS = "statistics"
"""Last input of a net with a predictor: the statistics of the painting whose style is predicted (1920,)."""
CANVAS = "canvas"
"""Second input of a net of several levels: the picture that is painted over, of the shape of `image`."""


Feed: TypeAlias = Mapping[str, npt.NDArray[Any]]
"""An array for each input, by its name."""


class Padding(NamedTuple):
    """Pixels around a picture."""

    top: int
    left: int
    bottom: int
    right: int


UNPADDED = Padding(0, 0, 0, 0)


class EngineFailure(FastnstError):
    """Reason of an engine that could not load or run a net, in its words."""


class Port(Protocol):
    """Input or output of a net."""

    @property
    def name(self) -> str:
        """Name in the file."""

    @property
    def type(self) -> str:
        """Type of the elements, as onnxruntime writes it: `tensor(float)`."""

    @property
    def shape(self) -> list[Any]:
        """Length of each side; a name or None for one that is dynamic."""


class Session(Protocol):
    """A net that is loaded, in some engine. Several threads may run it at once."""

    device: Device
    """Device that runs it."""
    inputs: Sequence[Port]
    """Inputs, in the order of the file."""
    outputs: Sequence[Port]
    """Outputs, in the order of the file."""

    def run(self, feed: Feed, padding: Padding = UNPADDED) -> list[npt.NDArray[Any]]:
        """Run the net once.

        Args:
            feed: An array for each input, by its name. Pictures are float32 (N, 3, H, W), as in the file, or pixels:
                uint8 (N, H, W, 3).
            padding: What is added around pixels, as a mirror shows them, and cut off again.

        Returns:
            All outputs, in the order of the file; of pixels the first one alone, as pixels.

        Raises:
            EngineFailure: It failed, or memory ran out.
        """

    def release(self) -> None:
        """Give the memory of the last runs back, which is else kept for the next."""


def on_pixels(
    run: Callable[[Feed], list[npt.NDArray[Any]]], feed: Feed, padding: Padding
) -> list[npt.NDArray[Any]]:
    """Run a net that takes floats, on pixels where they are given; see `Session.run`.

    Raises:
        EngineFailure: See `checked`.
    """
    photos = next(iter(feed.values()))
    if photos.dtype != np.uint8:
        return run(feed)
    floats = {
        name: _as_floats(values, padding) if values.dtype == np.uint8 else values
        for name, values in feed.items()
    }
    shape = next(iter(floats.values())).shape
    painted = checked(run(floats)[0], shape)
    del floats
    height, width = photos.shape[1:3]
    rows, columns = (
        slice(padding.top, padding.top + height),
        slice(padding.left, padding.left + width),
    )
    pixels = np.empty(photos.shape, np.uint8)
    for channel in range(3):  # Without a copy of this size on the way.
        np.rint(painted[:, channel, rows, columns], out=pixels[..., channel], casting="unsafe")
    return [pixels]


def _as_floats(pixels: Pixels, padding: Padding) -> npt.NDArray[np.float32]:
    """Return pixels as float32 (N, 3, H, W), padded."""
    top, left, bottom, right = padding
    padded = np.pad(pixels, [(0, 0), (top, bottom), (left, right), (0, 0)], "reflect")
    return np.ascontiguousarray(padded.transpose(0, 3, 1, 2), dtype=np.float32)


def checked(painted: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return what a net painted in floats, in 0..255.

    Raises:
        EngineFailure: It is no picture of this shape (N, 3, H, W), or has values that are no numbers.
    """
    # Two passes without a copy: either is no number if one of the values is none.
    low, high = (painted.min(), painted.max()) if painted.size else (0.0, 0.0)
    if painted.shape != shape or not np.isfinite([low, high]).all():
        raise EngineFailure(
            f"it is no style net, as it makes {list(painted.shape)} of {list(shape)},"
            " or values that are no numbers"
        )
    # Files that fastnst wrote give nothing else.
    return painted if low >= 0 and high <= 255 else np.clip(painted, 0, 255)


class Signature(NamedTuple):
    """Inputs and output of a style net."""

    inputs: list[str]
    """Names of the inputs, in order."""
    fixed_size: tuple[int, int] | None
    """Height and width in pixels; None where they are dynamic."""
    rows: int
    """Rows of scales and shifts, whose shares are given."""
    style_each: bool
    """True if each picture of a batch is given a style."""
    one_picture: bool
    """True if a batch holds one picture only."""


def open_session(
    path: Path,
    device: Device,
    model: bytes | None = None,
    *,
    threads: int | None = None,
    precise: bool = False,
) -> Session:
    """Open a session.

    Args:
        path: The .onnx file.
        device: `auto` takes the fastest that can load the file.
        model: Bytes of a model to load in place of the file.
        threads: Threads of the processor; None for one a core.
        precise: Whether to calculate in float32, where the engine would take a shorter type for speed.

    Raises:
        BadStyleFile: The file can't be loaded.
        DeviceUnavailable: The device was asked for by name and is not there.
        MissingExtra: The device's engine is not installed.
    """
    if device == "auto":
        candidates = [name for name in ENGINES if engine_of(name).is_fast(name)]
    elif device in ENGINES:
        engine_of(device).check(device)
        candidates = [device]
    else:
        raise DeviceUnavailable(
            f"There is no device {device!r}.", f"Choose from: auto, {', '.join(ENGINES)}."
        )
    for name in candidates:
        try:
            session = engine_of(name).open(model or path, name, threads=threads, precise=precise)
        except EngineFailure as error:
            if name == candidates[-1]:
                raise BadStyleFile(
                    f"{path} can't be loaded as an ONNX net: {error}.",
                    "Give a style that `fastnst export` wrote, or see `fastnst styles`.",
                ) from error
            continue
        if session is not None:
            return session
    raise DeviceUnavailable(
        f"The device {device!r} could not be started.",
        "Check its driver, or run on the processor: --device cpu",
    )


def check_signature(
    session: Session,
    path: Path,
    rows: int,
    *,
    canvas: bool = False,
    statistics: int = 0,
) -> Signature:
    """Check that a session is a style net's, and return its inputs and output.

    Args:
        session: Of the file.
        path: The file, for errors.
        rows: Number of rows of scales and shifts, as the card has it.
        canvas: Whether the card is that of a net of several levels.
        statistics: Numbers that a painting is described by; 0 for a net without a predictor.

    Raises:
        BadStyleFile: The inputs or outputs are others.
    """
    inputs, outputs = session.inputs, session.outputs
    image = inputs[0] if inputs else None
    further = [(CANVAS, image.shape)] if canvas and image is not None else []
    shapes = {node.name: node.shape for node in inputs}
    style_each = rows > 1 and len(shapes.get(STYLE_WEIGHTS, ())) == 2
    if rows > 1 and image is not None:
        further.append((STYLE_WEIGHTS, [image.shape[0], rows] if style_each else [rows]))
    if statistics and image is not None:
        further.append((STATISTICS, [image.shape[0], statistics] if style_each else [statistics]))
    if (
        image is None
        or [(node.name, node.shape) for node in inputs[1:]] != further
        or any(node.type != "tensor(float)" for node in (*inputs, *outputs[:1]))
        or len(image.shape) != 4
        or image.shape[1] != 3
        or not outputs
        or (len(outputs[0].shape) != 4 or outputs[0].shape[1] not in (3, None))
    ):
        taken = ", ".join(f"{node.name} {node.type} {node.shape}" for node in inputs) or "nothing"
        raise BadStyleFile(
            f"{path} is no style net: it takes {taken}.",
            "A style net takes one float image of shape (N, 3, H, W) and gives one back.",
        )
    count, _, height, width = image.shape
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    names = [node.name for node in inputs]
    return Signature(names, fixed, rows, style_each, isinstance(count, int))
