"""A net that paints batches of float arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.session import EngineFailure, check_signature, open_session
from fastnst.styles.mix import STATISTICS, RowWeights
from fastnst.styles.onnx_metadata import load_card

DEFAULT_MULTIPLE = 4
"""Divisor of the sides for a net without a card: nearly all halve the picture twice."""

FloatBatch: TypeAlias = npt.NDArray[np.float32]


class NetSession:
    """A style net, loaded. Several threads may run it at once.

    Args:
        path: The .onnx file.
        device: Where to run; `auto` takes the fastest that can load the net.
        threads: Threads of the processor; None for one a core.

    Raises:
        BadStyleFile: The file is no style net.
        DeviceUnavailable: The device was asked for by name and is not there.
        MissingExtra: The device's engine is not installed.
    """

    def __init__(self, path: Path, *, device: Device = "auto", threads: int | None = None) -> None:
        self.path = path
        """The .onnx file."""
        self._session = open_session(path, device, threads=threads)
        self.device = self._session.device
        """Device that runs it."""
        self.card = load_card(path)
        """Card of the file; None for a file that fastnst did not write."""
        rows, levels = (self.card.rows, self.card.levels) if self.card else (1, 1)
        self._signature = check_signature(
            self._session,
            path,
            rows,
            canvas=levels > 1,
            statistics=STATISTICS if self.card and self.card.predicted else 0,
        )
        self.fixed_size = self._signature.fixed_size
        """Height and width in pixels of the only size that the net takes; None for one that takes any."""
        self.multiple_of = self.card.multiple_of if self.card else DEFAULT_MULTIPLE
        """Divisor of the sides that the net takes."""
        self.minimum = self.card.minimum if self.card else DEFAULT_MULTIPLE
        """Least side that the net takes."""

    @property
    def style_each(self) -> bool:
        """Return whether each picture of a batch is given a style."""
        return self._signature.style_each

    @property
    def note(self) -> str:
        """Warning to show before the net is used; empty for most nets."""
        if self.fixed_size is None:
            return ""
        height, width = self.fixed_size
        return f"{self.path.name} paints at {width}x{height} px only, so that is the size of what it gives."

    def run(
        self, photos: FloatBatch, canvases: FloatBatch | None = None, *, rows: RowWeights
    ) -> FloatBatch:
        """Paint a batch, without padding, in one run where the file takes a style for each picture.

        Args:
            photos: Float32 RGB (N, 3, H, W) in 0..255, H and W as the net takes them.
            canvases: Pictures that a net of several levels paints over, of the same shape.
            rows: Shares of the net's rows, and the statistics if it has a predictor, (rows,) for all pictures or
                (N, rows).

        Returns:
            Float32 RGB (N, 3, H, W) in 0..255.

        Raises:
            FastnstError: Memory ran out.
            BadStyleFile: The net failed.
        """
        rows = np.broadcast_to(rows, (len(photos), rows.shape[-1]))
        groups = list(self._groups(rows))
        if len(groups) == 1:
            return self._run(photos, canvases, rows)
        painted = np.empty_like(photos)
        for group in groups:
            over = None if canvases is None else canvases[group]
            painted[group] = self._run(photos[group], over, rows[group])
        return painted

    def release(self) -> None:
        """Give the memory of the last runs back."""
        self._session.release()

    def _groups(self, rows: RowWeights) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the numbers of the pictures that can be painted in one run."""
        if self._signature.one_picture:
            yield from np.arange(len(rows))[:, None]
        elif self._signature.style_each or len(rows) == 1:
            yield np.arange(len(rows))
        else:
            _, group_of = np.unique(rows, axis=0, return_inverse=True)
            group_of = group_of.reshape(-1)
            for group in range(group_of.max() + 1):
                yield np.flatnonzero(group_of == group)

    def _run(self, photos: FloatBatch, canvases: FloatBatch | None, rows: RowWeights) -> FloatBatch:
        """Run the net once; the rows are all alike unless it takes a style for each picture."""
        style = np.ascontiguousarray(rows) if self._signature.style_each else rows[0]
        pictures = (photos,) if canvases is None else (photos, canvases)
        try:
            # A file of one style has no input for it.
            parts = np.split(style, [self._signature.rows], axis=-1)
            feed = dict(zip(self._signature.inputs, (*pictures, *parts), strict=False))
            painted = self._session.run(feed)[0]
        except EngineFailure as error:
            height, width = photos.shape[2:]
            if "alloc" in str(error).lower():
                raise FastnstError(
                    f"There is not enough memory to paint {width}x{height} px at once.",
                    "Give a smaller size: --size N",
                ) from error
            raise BadStyleFile(
                f"{self.path} failed on a picture of {width}x{height} px: {error}."
            ) from error
        # Two passes without a copy: either is no number if one of the values is none.
        low, high = (painted.min(), painted.max()) if painted.size else (0.0, 0.0)
        if painted.shape != photos.shape or not np.isfinite([low, high]).all():
            raise BadStyleFile(
                f"{self.path} is no style net: it made {list(painted.shape)} of {list(photos.shape)},"
                " or values that are no numbers."
            )
        result: FloatBatch = painted
        if low < 0 or high > 255:  # Not of files that fastnst wrote.
            result = np.clip(painted, 0, 255)
        return result
