"""The interface for programs: Gradio's own client, or plain HTTP, paints a photo."""

from __future__ import annotations

import gradio as gr

from fastnst.web.components import as_uploaded, explained
from fastnst.web.painting import Choice, paint_photo, style_names
from fastnst.web.studio import SWEEP, Studio


def add_api(studio: Studio) -> None:
    """Add the calls `/paint` and `/styles` to the page that is being built."""
    shown = explained(studio.root)
    photo = as_uploaded(gr.File(label="photo"))
    style, other = gr.Textbox(label="style"), gr.Textbox("", label="other")
    share, strength = gr.Number(0.5, label="share"), gr.Number(1.0, label="strength")
    stroke, color = gr.Number(None, label="stroke"), gr.Textbox("", label="keep_color")
    painted, names = gr.File(label="painted"), gr.JSON(label="names")

    def paint(
        request: gr.Request,
        photo: str,
        style: str,
        strength: float | None = 1.0,
        stroke: float | None = None,
        keep_color: str = "",
        other: str = "",
        share: float | None = 0.5,
    ) -> str:
        """Paint a photo at its full size, as `fastnst stylize` does.

        Args:
            request: The visitor's.
            photo: The photo.
            style: Name of a style.
            strength: From 0, the photo, to 1.
            stroke: Size of the strokes, from 0 to 1; none for the default.
            keep_color: `luminance` or `palette`; empty for the painting's colours.
            other: Name of a second style to mix in.
            share: Share of the second style, from 0 to 1.
        """
        session = studio.session(request)
        choice = Choice(
            style, other or "", 0.5 if share is None else share, 1.0 if strength is None else strength,
            stroke, keep_color or "",
        )  # fmt: skip
        with session.working():
            path = studio.sessions.take(session, photo, "api")
            return str(paint_photo(path, choice, session, studio.limits, studio.device).output)

    gr.Button().click(
        shown(paint), [photo, style, strength, stroke, color, other, share], painted,
        api_name="paint", concurrency_id="paint", concurrency_limit=1,
    )  # fmt: skip
    gr.Button().click(lambda: style_names(), None, names, api_name="styles", queue=False)


def build_api(studio: Studio) -> gr.Blocks:
    """Return the calls without a page."""
    with gr.Blocks(title="fastnst", analytics_enabled=False, delete_cache=SWEEP) as blocks:
        gr.Markdown("This server has no page: it paints for programs, see `/gradio_api/info`.")
        with gr.Column(visible=False):
            add_api(studio)
        blocks.unload(studio.forget)
    blocks.queue(max_size=studio.limits.waiting)
    return blocks
