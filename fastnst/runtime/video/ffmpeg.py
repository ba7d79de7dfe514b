"""FFmpeg, by PyAV: to be imported from here alone.

PyAV brings an X library of its own, which OpenCV, where it is loaded after it, takes for its windows and then hangs
in the first one (PyAV's issues 978 and 1050). So OpenCV goes first, where it is there.
"""

from contextlib import suppress
from typing import Any

with suppress(ImportError):
    import cv2  # noqa: F401

import av
from av.video.reformatter import ColorRange, Colorspace

__all__ = ["TITLES_IN_ANY_ENCODING", "ColorRange", "Colorspace", "av", "reason"]

TITLES_IN_ANY_ENCODING: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "ignore"}
)
"""Arguments of `av.open` for files whose titles may be no UTF-8; PyAV 19 reads them as they are."""


def reason(error: Exception) -> str:
    """Return FFmpeg's message in lower case and without a full stop, to end a sentence with."""
    return str(getattr(error, "strerror", "") or error).strip().rstrip(".").lower()
