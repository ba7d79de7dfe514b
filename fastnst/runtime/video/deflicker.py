"""Videos that hold still where the scene does: what was painted goes along with what moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.errors import missing_extra
from fastnst.images.read import Pixels

HOLD = 0.9
"""How much of a frame is the one before, brought along, where that can be trusted."""
FLOW_SIDE = 320
"""Pixels of the longer side that motion is looked for at: enough for what moves, and 3 ms."""
FLOW_LEAST = 32
"""Pixels of the other side, at least: the flow ends the process where there are fewer."""
SURE, LOST = 4.0, 16.0
"""Levels of 255 that a pixel brought along may be off the one that is there: up to the first it is
trusted, from the second on not at all, since something else has come into view."""
CUT = 0.3
"""Share that can be trusted, under which a frame is another scene's."""
STILL = 0.2
"""Pixels of motion that are taken for none, so that what stands still is not sampled anew and blurred."""
CELL = 8
"""Pixels a side of the cells that contrast is taken of, with their neighbours: 3x3."""
MOST_GAIN = 1.6
"""Contrast that is given back, at most: the mean of strokes that are not in one place has less."""

Floats: TypeAlias = npt.NDArray[np.float32]


class Steady:
    """Paints the frames of one video, one after the other.

    The painting of the frame before is moved along the optical flow (Kroeger et al. 2016, DIS) of the
    frames, and kept where the frames agree, as Ruder et al. 2016 begin from it; the rest is the new
    painting. What this takes from the contrast of the strokes is given back.

    Example:
        >>> steady = Steady(Stylizer("great-wave", fast=True))
        >>> painted = [steady(frame) for frame in frames]
    """

    def __init__(self, paint: Callable[[Pixels], Pixels]) -> None:
        """Begin a video.

        Args:
            paint: A frame, uint8 RGB (H, W, 3), to its painting, which may have another size.

        Raises:
            MissingExtra: OpenCV is not there.
        """
        self._cv = opencv("--steady")
        self._paint = paint
        self._flow = self._cv.DISOpticalFlow_create(self._cv.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: tuple[npt.NDArray[np.uint8], Pixels] | None = None

    def __call__(self, frame: Pixels) -> Pixels:
        """Paint the next frame; one of another scene or another size begins anew."""
        cv = self._cv
        painted = self._paint(frame)
        height, width = frame.shape[:2]
        share = min(1.0, FLOW_SIDE / max(height, width))
        size = (max(FLOW_LEAST, round(width * share)), max(FLOW_LEAST, round(height * share)))
        small = cv.resize(cv.cvtColor(frame, cv.COLOR_RGB2GRAY), size, interpolation=cv.INTER_AREA)
        last, self._last = self._last, (small, painted)
        if last is None or last[0].shape != small.shape or last[1].shape != painted.shape:
            return painted
        flow = self._flow.calc(small, last[0], None)
        trust = self._trust(flow, small, last[0])
        if trust.mean() < CUT:
            return painted
        brought = self._moved(last[1], flow)
        kept = cv.resize(HOLD * trust, painted.shape[1::-1])
        mixed = cv.blendLinear(brought, painted, kept, 1 - kept)
        self._last = (small, mixed)
        return self._with_contrast_of(painted, mixed)

    def _trust(
        self, flow: Floats, now: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8]
    ) -> Floats:
        """How surely each pixel was there before, 0..1."""
        cv = self._cv
        height, width = now.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = x + flow[..., 0], y + flow[..., 1]
        brought = cv.remap(before, x, y, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
        off = cv.blur(cv.absdiff(brought, now).astype(np.float32), (5, 5))
        trust: Floats = np.clip((LOST - off) / (LOST - SURE), 0, 1)
        trust[(x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)] = 0
        return trust

    def _moved(self, painted: Pixels, flow: Floats) -> Pixels:
        """What was painted, along the flow."""
        cv = self._cv
        height, width = painted.shape[:2]
        flow = flow * np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
        far = np.maximum(np.abs(flow[..., 0]), np.abs(flow[..., 1]))
        flow *= np.clip(far / STILL - 1, 0, 1)[..., None]
        where = cv.resize(flow, (width, height))
        where[..., 0] += np.arange(width, dtype=np.float32)
        where[..., 1] += np.arange(height, dtype=np.float32)[:, None]
        moved: Pixels = cv.remap(
            painted, where, None, cv.INTER_CUBIC, borderMode=cv.BORDER_REPLICATE
        )
        return moved

    def _with_contrast_of(self, painted: Pixels, mixed: Pixels) -> Pixels:
        """The mixture with as much local contrast as the painting has, as far as that is allowed."""
        cv = self._cv
        height, width = painted.shape[:2]
        size = (max(1, width // CELL), max(1, height // CELL))

        def mean(pixels: Any) -> Floats:
            cells: Floats = cv.blur(cv.resize(pixels, size, interpolation=cv.INTER_AREA), (3, 3))
            return cells

        def deviation(pixels: Pixels) -> Floats:
            grey = cv.cvtColor(pixels, cv.COLOR_RGB2GRAY).astype(np.float32)
            # (Two levels of noise are no contrast.)
            found: Floats = np.sqrt(np.maximum(mean(grey * grey) - mean(grey) ** 2, 0) + 4)
            return found

        gain = np.clip(deviation(painted) / deviation(mixed), 1, MOST_GAIN)
        more = cv.resize(cv.merge([gain - 1] * 3), (width, height))
        detail = cv.subtract(mixed, cv.resize(mean(mixed), (width, height)), dtype=cv.CV_32F)
        result: Pixels = cv.add(mixed, cv.multiply(detail, more), dtype=cv.CV_8U)
        return result


def opencv(wanted_by: str) -> Any:
    """The module, imported when it is needed.

    Raises:
        MissingExtra: It is not there.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra(f"{wanted_by} needs OpenCV.", "webcam") from error
    return cv2
