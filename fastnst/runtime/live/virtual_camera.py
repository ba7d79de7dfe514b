"""A virtual camera, for video calls."""

from __future__ import annotations

from typing import Any

from fastnst.errors import FastnstError
from fastnst.system.installation import missing_extra


def virtual_camera(size: tuple[int, int]) -> Any:
    """A virtual camera that other programs see.

    Raises:
        MissingExtra: pyvirtualcam is not there.
        FastnstError: The system has no virtual camera.
    """
    try:
        import pyvirtualcam
    except ImportError as error:
        raise missing_extra("--virtual needs pyvirtualcam.", "virtual") from error
    try:
        return pyvirtualcam.Camera(*size, fps=30, print_fps=False)
    except RuntimeError as error:
        raise FastnstError(
            "There is no virtual camera on this system.",
            "On Linux: sudo modprobe v4l2loopback; on Windows and macOS install OBS, and start its virtual camera once.",
        ) from error
