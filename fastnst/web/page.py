"""The page: its tabs, its looks, and what it does when it opens and closes."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from fastnst.errors import FastnstError
from fastnst.web.api import add_api
from fastnst.web.components import explained
from fastnst.web.learn import LearnTab
from fastnst.web.live import SCRIPTS, build_live
from fastnst.web.many import ManyTab
from fastnst.web.painting import check_name
from fastnst.web.photo import PhotoTab
from fastnst.web.studio import SWEEP, Studio
from fastnst.web.training import can_train
from fastnst.web.video import VideoTab

FONTS = ("ui-sans-serif", "system-ui", "sans-serif")
MONOSPACED_FONTS = ("ui-monospace", "Consolas", "monospace")


def looks() -> dict[str, Any]:
    """Return the options of Gradio for the looks of the page: fonts of the system, and nothing from elsewhere."""
    return {
        "theme": gr.themes.Soft(font=FONTS, font_mono=MONOSPACED_FONTS),
        "css_paths": Path(__file__).parent / "assets" / "page.css",
        "head": "".join(f'<script type="module" src="{name}"></script>' for name in SCRIPTS),
        "footer_links": ["api", "settings"],
    }


def build_page(studio: Studio) -> gr.Blocks:
    """Return the page with all of its tabs."""
    with gr.Blocks(title="fastnst", analytics_enabled=False, delete_cache=SWEEP) as page:
        with gr.Tabs():
            with gr.Tab("Photo", id="photo"):
                photo = PhotoTab(studio)
            with gr.Tab("Live", id="live"):
                build_live()
            with gr.Tab("Video", id="video"):
                video = VideoTab(studio)
            with gr.Tab("Many", id="many"):
                many = ManyTab(studio)
            with gr.Tab("Learn", id="learn", visible=can_train()):
                learn = LearnTab(studio)
        visitor = gr.HTML(elem_id="visitor")
        choices = [video.style, many.style]
        photo.connect(choices)
        video.connect()
        many.connect()
        learn.connect([photo.style, *choices], photo.wall)
        shown = explained(studio.root)

        def open_page(request: gr.Request) -> tuple[Any, ...]:
            """Paint the first wall, and set what the link asks for."""
            asked = request.query_params
            name = f'<span data-name="{escape(request.session_hash or "")}"></span>'
            return (photo.wall_of_example(request), *linked(asked, studio, request), name)

        page.load(
            shown(open_page), None, [photo.wall, photo.style, photo.strength, photo.stroke, visitor],
            concurrency_id="preview", show_progress="minimal", show_progress_on=photo.wall, api_visibility="private",
        )  # fmt: skip
        with gr.Column(visible=False):
            add_api(studio)
        page.unload(studio.forget)
    page.queue(max_size=studio.limits.waiting, default_concurrency_limit=2)
    return page


def linked(asked: Any, studio: Studio, request: gr.Request) -> tuple[Any, Any, Any]:
    """Return the style, strength and stroke that a link asks for: `?style=great-wave&strength=0.7&stroke=0.2`.

    Raises:
        FastnstError: There is no such style, or a number is none from 0 to 1.
    """
    style: Any = gr.skip()
    if name := asked.get("style"):
        check_name(name, studio.session(request))
        style = name
    return style, _number(asked, "strength"), _number(asked, "stroke")


def _number(asked: Any, name: str) -> Any:
    if name not in asked:
        return gr.skip()
    try:
        number = float(asked[name])
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise FastnstError(
            f"The {name} of the link is {asked[name]!r}.", "It is a number from 0 to 1."
        )
    return number
