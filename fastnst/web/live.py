"""The tab of the camera: the page sends frames to a route of this server, and shows them painted."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import gradio as gr
import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from PIL import Image
from starlette.concurrency import run_in_threadpool

from fastnst.errors import FastnstError, first_line
from fastnst.images.pixels import Pixels
from fastnst.runtime.engine.kept_levels import KeptLevels
from fastnst.runtime.engine.stylizer import frames_at_once
from fastnst.web.components import in_words
from fastnst.web.painting import Choice, as_stroke, style_names
from fastnst.web.sessions import Session
from fastnst.web.studio import Studio

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("page.js", "live.js")
"""Scripts of the page."""
MOST_FRAME_BYTES = 2_000_000
MOST_FRAME_PIXELS = 1280 * 1280
FRAMES_EACH = 2
"""Frames that wait for each thread that paints; further ones are refused, so that none waits for long."""
FRAME_QUALITY = 85
"""Quality of the JPEG of a painted frame, 1..100."""


def build_live() -> None:
    """Add the tab's elements, which `live.js` brings to life."""
    gr.HTML((ASSETS / "live.html").read_text(encoding="utf-8"), elem_id="live", padding=True)


def add_routes(app: FastAPI, studio: Studio) -> None:
    """Add the scripts, the list of styles, and the route that paints frames."""
    painter = FramePainter(studio)

    @app.get("/{name}.js")
    def script(name: str) -> Response:
        if f"{name}.js" not in SCRIPTS:
            return PlainTextResponse("There is no such script.", 404)
        return FileResponse(ASSETS / f"{name}.js", media_type="text/javascript")

    @app.get("/live/styles")
    def styles(visitor: str = "") -> Response:
        return JSONResponse(style_names(studio.sessions.find(visitor)))

    @app.post("/live/frame")
    async def frame(
        request: Request,
        visitor: str,
        style: str,
        strength: float = 1.0,
        stroke: float | None = None,
    ) -> Response:
        session = studio.sessions.find(visitor)
        if session is None:
            return PlainTextResponse("The page is no longer connected. Load it again.", 403)
        body = bytearray()
        async for block in request.stream():
            body += block
            if len(body) > MOST_FRAME_BYTES:
                return PlainTextResponse("The frame is too large.", 413)
        choice = Choice(style, strength=strength, stroke=as_stroke(stroke))
        return await run_in_threadpool(painter.answer, bytes(body), choice, session)


class FramePainter:
    """Paints frames of all visitors, as many at a time as the machine can.

    Args:
        studio: What all parts of the page share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._at_once = frames_at_once("cpu")
        self._free = threading.BoundedSemaphore(self._at_once * FRAMES_EACH)
        self._painting = threading.BoundedSemaphore(self._at_once)

    def answer(self, jpeg: bytes, choice: Choice, session: Session) -> Response:
        """Paint a frame: JPEG in, JPEG out; 503 if too many wait, 400 with a sentence if it can't be painted.

        The header `Server-Timing` of the answer has the milliseconds of each part.
        """
        if not self._free.acquire(blocking=False):
            return PlainTextResponse("Busy.", 503)
        clock = _Clock()
        try:
            with session.working(), self._painting:
                clock.lap("wait")
                pixels = self._decoded(jpeg)
                clock.lap("decode")
                found = session.live
                if found is None or found[0] != choice:  # Else every frame would look for its file.
                    stylizer = choice.for_frames(session, self._studio.device, self._at_once)
                    session.live = found = choice, stylizer, KeptLevels()
                result = found[1](pixels, kept=found[2])
                clock.lap("net")
                painted = io.BytesIO()
                Image.fromarray(result).save(painted, "JPEG", quality=FRAME_QUALITY)
                clock.lap("encode")
        except FastnstError as error:
            return PlainTextResponse(in_words(error, self._studio.root), 400)
        finally:
            self._free.release()
        return Response(painted.getvalue(), media_type="image/jpeg", headers=clock.header)

    @staticmethod
    def _decoded(jpeg: bytes) -> Pixels:
        try:
            with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
                if image.width * image.height > MOST_FRAME_PIXELS:
                    raise FastnstError(
                        f"The frame has {image.width}x{image.height} px.", "Choose a smaller size."
                    )
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise FastnstError(f"The frame can't be read: {first_line(error)}.") from error


class _Clock:
    """Clock that tells the milliseconds of each part of an answer."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._laps: list[str] = []

    def lap(self, name: str) -> None:
        """End a part."""
        now = time.perf_counter()
        self._laps.append(f"{name};dur={1000 * (now - self._last):.1f}")
        self._last = now

    @property
    def header(self) -> dict[str, str]:
        """The header that browsers show."""
        return {"Server-Timing": ", ".join(self._laps)}
