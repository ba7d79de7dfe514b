"""A net that paints batches of float arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.runtime.engine.devices import Device
from fastnst.runtime.engine.session import (
    UNPADDED,
    EngineFailure,
    Padding,
    check_signature,
    checked,
    open_session,
)
from fastnst.styles.mix import STATISTICS, RowWeights
from fastnst.styles.onnx_metadata import load_card

DEFAULT_MULTIPLE = 4
"""Divisor of the sides for a net without a card: nearly all halve the picture twice."""

Pictures: TypeAlias = npt.NDArray[Any]
"""A batch of pictures, RGB in 0..255: uint8 (N, H, W, 3), or float32 (N, 3, H, W)."""


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
        self,
        photos: Pictures,
        canvases: Pictures | None = None,
        *,
        rows: RowWeights,
        padding: Padding = UNPADDED,
    ) -> Pictures:
        """Paint a batch, in one run where the file takes a style for each picture.

        Args:
            photos: RGB in 0..255: float32 (N, 3, H, W), H and W as the net takes them; or uint8 (N, H, W, 3), which
                have such sides with the padding.
            canvases: Pictures that a net of several levels paints over, of the same shape.
            rows: Shares of the net's rows, and the statistics if it has a predictor, (rows,) for all pictures or
                (N, rows).
            padding: What is added around uint8 pictures, as a mirror shows them, and cut off again.

        Returns:
            RGB in 0..255, as the photos.

        Raises:
            FastnstError: Memory ran out.
            BadStyleFile: The net failed.
        """
        rows = np.broadcast_to(rows, (len(photos), rows.shape[-1]))
        groups = list(self._groups(rows))
        if len(groups) == 1:
            return self._run(photos, canvases, rows, padding)
        painted = np.empty_like(photos)
        for group in groups:
            over = None if canvases is None else canvases[group]
            painted[group] = self._run(photos[group], over, rows[group], padding)
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

    def _run(
        self, photos: Pictures, canvases: Pictures | None, rows: RowWeights, padding: Padding
    ) -> Pictures:
        """Run the net once; the rows are all alike unless it takes a style for each picture."""
        style = np.ascontiguousarray(rows) if self._signature.style_each else rows[0]
        pictures = (photos,) if canvases is None else (photos, canvases)
        try:
            # A file of one style has no input for it.
            parts = np.split(style, [self._signature.rows], axis=-1)
            feed = dict(zip(self._signature.inputs, (*pictures, *parts), strict=False))
            painted: Pictures = self._session.run(feed, padding)[0]
            return painted if photos.dtype == np.uint8 else checked(painted, photos.shape)
        except EngineFailure as error:
            height, width = photos.shape[1:3] if photos.dtype == np.uint8 else photos.shape[2:]
            height += padding.top + padding.bottom
            width += padding.left + padding.right
            if "alloc" in str(error).lower():
                raise FastnstError(
                    f"There is not enough memory to paint {width}x{height} px at once.",
                    "Give a smaller size: --size N",
                ) from error
            raise BadStyleFile(
                f"{self.path} failed on a picture of {width}x{height} px: {error}."
            ) from error
