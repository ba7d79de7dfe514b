"""Studio: what all parts of the page share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr

from fastnst.runtime.engine.devices import Device
from fastnst.web.limits import Limits
from fastnst.web.sessions import Session, Sessions

PHOTOS = Path(__file__).parent / "assets" / "photos"
"""Folder of photos that a training may use where there are no others."""
EXAMPLE = PHOTOS / "astronaut.jpg"
"""Photo for those who have none at hand."""
SWEEP = (1800, 6 * 3600)
"""Seconds between two looks for temporary files that nobody took back, and the age from which on they go."""


@dataclass(frozen=True)
class Studio:
    """Belongings that all parts of the page share."""

    sessions: Sessions
    """Sessions of the visitors."""
    limits: Limits = field(default_factory=Limits)
    """Limits of what they may give."""
    device: Device = "auto"
    """Device that paints."""
    keeps: bool = False
    """True if visitors may keep styles on this machine: its owner alone may."""

    @property
    def root(self) -> Path:
        """Folder of all temporary files."""
        return self.sessions.root

    def session(self, request: gr.Request) -> Session:
        """Return the session of the visitor who calls."""
        return self.sessions.of(request.session_hash)

    def forget(self, request: gr.Request) -> None:
        """Forget the visitor who left."""
        self.sessions.end(request.session_hash)
