"""A net whose instance norms are given their statistics, so that tiles of a picture are painted like the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.norm_graphs import FOUND, measuring_graph, with_fixed_norms
from fastnst.runtime.engine.receptive_field import NORM, receptive_field
from fastnst.runtime.engine.session import STYLE_WEIGHTS, Session, open_session

if TYPE_CHECKING:
    pass

Floats: TypeAlias = npt.NDArray[np.float32]
Box: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom and right of a part of a picture, in pixels."""
Statistics: TypeAlias = dict[str, Floats]
"""Mean and variance of the channels that go into each norm: `mean_0` (C,), `var_0` (C,), `mean_1`, ..."""

ACTIVATIONS_HELD = 7
"""Estimated number of activations of the largest size that are in memory at once."""


class FixedNormsNet:
    """A net in two forms: one measures the statistics of its norms, one paints with given statistics.

    Args:
        path: The .onnx file.
        device: Where to run; `auto` takes the fastest that can load the net.

    Raises:
        FastnstError: The net has parts that tiles can't be cut for.
    """

    def __init__(self, path: Path, device: Device = "auto") -> None:
        import onnx

        self._path, self._device = path, device
        self._model = onnx.load(path)
        graph = self._model.graph
        self.norms = sum(node.op_type == NORM for node in graph.node)
        """Number of norms."""
        self.radius, largest = receptive_field(graph, path)
        """Largest distance, in pixels, from an output pixel to an input pixel that it depends on."""
        self.bytes_per_pixel = ACTIVATIONS_HELD * largest
        """Estimated memory for painting, in bytes for each pixel."""
        self._inputs = {
            node.name: [dim.dim_value for dim in node.type.tensor_type.shape.dim]
            for node in graph.input
        }
        self._painter: Session | None = None
        self._measurers: dict[int | None, Session] = {}

    def measure(
        self, windows: Callable[[], Iterable[tuple[Floats, Box]]], rows: Floats
    ) -> Statistics:
        """Measure the statistics over all tiles, one norm after the other, as each depends on those before it.

        Args:
            windows: Returns all tiles, each time that it is called: the window around a tile, float32 RGB
                (1, 3, H, W) in 0..255, or (1, 6, H, W) with the canvas after the photo; and the tile in it.
            rows: Shares of the rows (rows,).
        """
        given: Statistics = {}
        for number in range(self.norms):
            given |= self._over_all(windows(), rows, number, given)
        return given

    def estimate(self, batches: Iterable[tuple[Floats, Box]], rows: Floats) -> Statistics:
        """Measure the statistics of all norms at once, in a fraction of the time of `measure`.

        The norms of a batch are given the statistics of that batch, so each is to be spread over the picture.

        Args:
            batches: Batches of windows, float32 RGB (N, 3, H, W) or (N, 6, H, W) as for `measure`; and the tile
                within each of them.
            rows: Shares of the rows (rows,).
        """
        return self._over_all(batches, rows, None, {}) if self.norms else {}

    def _over_all(
        self,
        windows: Iterable[tuple[Floats, Box]],
        rows: Floats,
        number: int | None,
        given: Statistics,
    ) -> Statistics:
        """Measure the statistics of one norm, or of all of each batch, and put those of the parts together."""
        session = self._measurer(number)
        names = [node.name.removeprefix(FOUND) for node in session.outputs]
        count, found = 0, dict.fromkeys(names, np.zeros(1))
        for window, tile in windows:
            feed = self._feed(window, rows) | given | {"tile": np.array(tile, np.int64)}
            values = session.run({node.name: feed[node.name] for node in session.inputs})
            part = {name: v.astype(np.float64) for name, v in zip(names, values, strict=True)}
            pixels = len(window) * (tile[2] - tile[0]) * (tile[3] - tile[1])
            count += pixels
            share = pixels / count
            # Means and variances of parts to those of the whole, Chan et al. 1983.
            for mean, var in zip(names[::2], names[1::2], strict=True):
                off = part[mean] - found[mean]
                found[var] = found[var] + share * (part[var] - found[var])
                found[var] += share * (1 - share) * off**2
                found[mean] = found[mean] + share * off
        return {name: values.astype(np.float32) for name, values in found.items()}

    def paint(self, window: Floats, rows: Floats, given: Statistics) -> Floats:
        """Paint with given statistics.

        Args:
            window: Float32 RGB (1, 3, H, W) in 0..255, or (1, 6, H, W) with the canvas after the photo.
            rows: Shares of the rows (rows,).
            given: What `measure` returned.

        Returns:
            Float32 RGB (1, 3, H, W); values may lie outside 0..255.
        """
        if self._painter is None:
            model = with_fixed_norms(self._model).SerializeToString()
            self._painter = open_session(self._path, self._device, model)
        result: Floats = self._painter.run(self._feed(window, rows) | given)[0]
        return result

    def release(self) -> None:
        """Give the memory of the last runs back."""
        for session in (self._painter, *self._measurers.values()):
            if session is not None:
                session.release()

    def _measurer(self, number: int | None) -> Session:
        """Return the net up to a norm, or with all norms, see `measuring_graph`."""
        if number not in self._measurers:
            # A mean that is rounded is wrong by the same amount all over the picture.
            self._measurers[number] = open_session(
                self._path, self._device, measuring_graph(self._model, number), precise=True
            )
        return self._measurers[number]

    def _feed(self, window: Floats, rows: Floats) -> dict[str, Any]:
        pictures = [window[:, channel : channel + 3] for channel in range(0, window.shape[1], 3)]
        shape = self._inputs.get(STYLE_WEIGHTS, [len(rows)])
        if len(shape) == 2:
            rows = np.broadcast_to(rows, (len(window), len(rows)))
        parts = map(np.ascontiguousarray, np.split(rows, shape[-1:], axis=-1))
        return dict(zip(self._inputs, (*pictures, *parts), strict=False))
