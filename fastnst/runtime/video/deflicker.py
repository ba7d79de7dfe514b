"""Deflickering: each painted frame is blended with the one before, warped along the optical flow."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnst.images.pixels import Pixels
from fastnst.system.installation import missing_extra

BLEND = 0.9
"""Weight of the previous painting, warped, where the flow is reliable."""
FLOW_LONG_EDGE = 320
"""Pixels of the longer side of the frames that the flow is computed from: 3 ms a frame."""
FLOW_MIN_EDGE = 32
"""Least pixels of their other side: OpenCV ends the process where there are fewer."""
TRUST_BELOW, DISTRUST_ABOVE = 4.0, 16.0
"""Difference, in levels of 255, between a frame and the previous one, warped: the flow is reliable below the first,
and of no use above the second, where something else has come into view."""
SCENE_CUT_SHARE = 0.3
"""Mean reliability of the flow below which a frame begins another scene."""
STILL_PIXELS = 0.2
"""Motion in pixels that counts as none, so that what stands still is not blurred by sampling it anew."""
CELL_PIXELS = 8
"""Side of the cells that local contrast is measured in, each with its eight neighbours."""
MAX_GAIN = 1.6
"""Largest factor by which contrast is restored: the mean of strokes in different places has less than each."""

Floats: TypeAlias = npt.NDArray[np.float32]


class Deflicker:
    """Reduces flicker between the painted frames of one video.

    The previous painting is warped along the optical flow (DIS, Kroeger et al. 2016) of the frames, and kept where
    they agree, as in the initialization of Ruder et al. 2016; the rest is the new painting. The contrast that
    strokes lose by it is restored.

    Raises:
        MissingExtra: OpenCV is not installed.

    Example:
        >>> deflicker = Deflicker()
        >>> results = [deflicker(frame, stylizer(frame)) for frame in frames]
    """

    def __init__(self) -> None:
        self._cv = opencv("--deflicker")
        self._flow = self._cv.DISOpticalFlow_create(self._cv.DISOPTICAL_FLOW_PRESET_FAST)
        self._last: tuple[npt.NDArray[np.uint8], Pixels] | None = None

    def __call__(self, frame: Pixels, painted: Pixels) -> Pixels:
        """Blend the painting of the next frame with the one before.

        After a scene cut, or a change of size, the painting is returned as it is.

        Args:
            frame: uint8 RGB (H, W, 3).
            painted: Its painting, uint8 RGB, of any size.

        Returns:
            uint8 RGB of the painting's size.
        """
        cv = self._cv
        height, width = frame.shape[:2]
        share = min(1.0, FLOW_LONG_EDGE / max(height, width))
        size = (
            max(FLOW_MIN_EDGE, round(width * share)),
            max(FLOW_MIN_EDGE, round(height * share)),
        )
        small = cv.resize(cv.cvtColor(frame, cv.COLOR_RGB2GRAY), size, interpolation=cv.INTER_AREA)
        last, self._last = self._last, (small, painted)
        if last is None or last[0].shape != small.shape or last[1].shape != painted.shape:
            return painted
        flow = self._flow.calc(small, last[0], None)
        trust = self._trust(flow, small, last[0])
        if trust.mean() < SCENE_CUT_SHARE:
            return painted
        kept = cv.resize(BLEND * trust, painted.shape[1::-1])
        blended = cv.blendLinear(self._warped(last[1], flow), painted, kept, 1 - kept)
        self._last = (small, blended)
        return self._with_contrast_of(painted, blended)

    def _trust(
        self, flow: Floats, now: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8]
    ) -> Floats:
        """Return the reliability of the flow at each pixel, 0..1."""
        cv = self._cv
        height, width = now.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = x + flow[..., 0], y + flow[..., 1]
        warped = cv.remap(before, x, y, cv.INTER_LINEAR, borderMode=cv.BORDER_REPLICATE)
        off = cv.blur(cv.absdiff(warped, now).astype(np.float32), (5, 5))
        trust: Floats = np.clip((DISTRUST_ABOVE - off) / (DISTRUST_ABOVE - TRUST_BELOW), 0, 1)
        trust[(x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)] = 0
        return trust

    def _warped(self, painted: Pixels, flow: Floats) -> Pixels:
        """Warp the previous painting along the flow."""
        cv = self._cv
        height, width = painted.shape[:2]
        flow = flow * np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
        far = np.maximum(np.abs(flow[..., 0]), np.abs(flow[..., 1]))
        flow *= np.clip(far / STILL_PIXELS - 1, 0, 1)[..., None]
        where = cv.resize(flow, (width, height))
        where[..., 0] += np.arange(width, dtype=np.float32)
        where[..., 1] += np.arange(height, dtype=np.float32)[:, None]
        moved: Pixels = cv.remap(
            painted, where, None, cv.INTER_CUBIC, borderMode=cv.BORDER_REPLICATE
        )
        return moved

    def _with_contrast_of(self, painted: Pixels, blended: Pixels) -> Pixels:
        """Give the blend the local contrast of the painting, as far as `MAX_GAIN` allows."""
        cv = self._cv
        height, width = painted.shape[:2]
        size = (max(1, width // CELL_PIXELS), max(1, height // CELL_PIXELS))

        def mean(pixels: Any) -> Floats:
            cells: Floats = cv.blur(cv.resize(pixels, size, interpolation=cv.INTER_AREA), (3, 3))
            return cells

        def deviation(pixels: Pixels) -> Floats:
            grey = cv.cvtColor(pixels, cv.COLOR_RGB2GRAY).astype(np.float32)
            # Two levels of noise are no contrast.
            found: Floats = np.sqrt(np.maximum(mean(grey * grey) - mean(grey) ** 2, 0) + 4)
            return found

        gain = np.clip(deviation(painted) / deviation(blended), 1, MAX_GAIN)
        more = cv.resize(cv.merge([gain - 1] * 3), (width, height))
        detail = cv.subtract(blended, cv.resize(mean(blended), (width, height)), dtype=cv.CV_32F)
        result: Pixels = cv.add(blended, cv.multiply(detail, more), dtype=cv.CV_8U)
        return result


def opencv(wanted_by: str) -> Any:
    """Import OpenCV.

    Args:
        wanted_by: What needs it, to begin the error with.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise missing_extra(f"{wanted_by} needs OpenCV.", "webcam") from error
    return cv2
