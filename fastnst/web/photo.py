"""The tab of photos: a photo, the wall of styles, and the painted photo beside it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.images.pixels import resize_long_edge
from fastnst.images.read import read_image
from fastnst.images.write import write_image
from fastnst.runtime.engine.painting_statistics import painting_statistics
from fastnst.styles.kept import keep_style
from fastnst.styles.painting import is_picture
from fastnst.web.components import as_uploaded, explained
from fastnst.web.painting import (
    SHOWN_SIZE,
    USUAL_STROKE,
    Choice,
    add_painting,
    as_stroke,
    paint_photo,
    paint_preview,
    paints_like_any,
    small_copy,
    style_names,
)
from fastnst.web.sessions import Session
from fastnst.web.studio import EXAMPLE, Studio
from fastnst.web.wall import paint_wall

SETTLE_SECONDS = 0.4
"""Seconds without a change after which a photo is painted at its full size."""
COLORS = [("the painting's", ""), ("the photo's", "luminance"), ("the photo's palette", "palette")]
"""Choices of colours, and their names on the command line."""
NONE = ("none", "")
HELLO = "Drop a photo, then click a style on the wall."
SHOWN_HEIGHT = 520
"""Height of the picture on the page in pixels, that the controls below are on the screen too."""


class PhotoTab:
    """Components of the tab, and what they do.

    Args:
        studio: What all parts of the page share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(equal_height=False, elem_id="photo-tab"):
            with gr.Column(scale=5, min_width=320):
                with gr.Row(elem_id="inputs"):
                    self.photo = as_uploaded(
                        gr.Image(
                            label="Photo", placeholder="Drop, paste or choose a photo",
                            sources=["upload", "webcam", "clipboard"], type="filepath", format="png",
                            height=240, scale=3, min_width=150, elem_id="photo", alt_text="Your photo", buttons=[],
                        )
                    )  # fmt: skip
                    self.painting = as_uploaded(
                        gr.Image(
                            label="Painting", placeholder="Any painting becomes a style",
                            sources=["upload", "clipboard"], type="filepath", visible=paints_like_any(),
                            height=240, scale=2, min_width=120, elem_id="painting", alt_text="Your painting", buttons=[],
                        )
                    )  # fmt: skip
                self.example = gr.Button("Try it on an example", size="sm", elem_id="example")
                self.wall = gr.Gallery(
                    label="Styles",
                    show_label=False,
                    columns=4,
                    height="auto",
                    object_fit="cover",
                    allow_preview=False,
                    buttons=[],
                    elem_id="wall",
                    interactive=False,
                )
                self.kept_name = gr.Textbox(
                    label="Keep the chosen painting's style for later visits and the command line",
                    placeholder="name",
                    submit_btn="Keep",
                    visible=False,
                    elem_id="kept-name",
                )
            with gr.Column(scale=7, min_width=320):
                self.result = gr.ImageSlider(
                    label="Before and after",
                    type="filepath",
                    format="jpeg",
                    interactive=False,
                    max_height=SHOWN_HEIGHT,
                    buttons=["fullscreen"],
                    elem_id="result",
                )
                self.status = gr.Markdown(HELLO, elem_id="status")
                self.download = gr.DownloadButton(
                    "Download at full size",
                    interactive=False,
                    variant="primary",
                    elem_id="download",
                )
                with gr.Row():
                    self.strength = gr.Slider(
                        0, 1, 1, step=0.05, label="Strength", elem_id="strength"
                    )
                    self.stroke = gr.Slider(
                        0, 1, USUAL_STROKE, step=0.05, label="Stroke", elem_id="stroke"
                    )
                with gr.Row():
                    self.style = gr.Dropdown(
                        style_names(), value=None, label="Style", elem_id="style"
                    )
                    self.other = gr.Dropdown(
                        [NONE, *((name, name) for name in style_names())],
                        value="", label="Mixed with", elem_id="other",
                    )  # fmt: skip
                    self.share = gr.Slider(
                        0, 1, 0.5, step=0.05, label="Share", visible=False, elem_id="share"
                    )  # fmt: skip
                self.color = gr.Radio(COLORS, value="", label="Colours", elem_id="color")
                with gr.Accordion(
                    "Where to paint: all over, or what you brush", open=False, elem_id="where"
                ):
                    self.editor = gr.ImageEditor(
                        label="Brush where to paint",
                        type="pil",
                        sources=[],
                        transforms=[],
                        layers=False,
                        brush=gr.Brush(colors=["#ff3b30"], color_mode="fixed"),
                        height=360,
                        elem_id="editor",
                    )
                    self.brush = gr.Button("Paint there", size="sm", elem_id="brush")
        self._followers = 0
        self._turn = gr.Textbox(visible=False)
        self._settled = gr.Textbox(visible=False)

    def connect(self, choices: list[gr.Dropdown]) -> None:
        """Make the components do what they are for.

        Args:
            choices: Choices of a style in other tabs, which follow the one here.
        """
        shown = explained(self._studio.root)
        controls = [self.style, self.other, self.share, self.strength, self.stroke, self.color]
        self.example.click(
            lambda: str(EXAMPLE), None, self.photo, queue=False, api_visibility="private"
        )
        self.photo.change(
            shown(self._begin), self.photo, [self.wall, self.status, self.editor, self.download, self._turn],
            show_progress="minimal", show_progress_on=self.wall, concurrency_id="preview", concurrency_limit=2,
            api_visibility="private",
        )  # fmt: skip
        self.brush.click(
            shown(self._set_mask),
            self.editor,
            self._turn,
            concurrency_id="preview",
            api_visibility="private",
        )
        self._followers = len(choices)
        outputs = [self.style, *choices, self.other, self.wall, self._turn, self.kept_name]
        self.painting.upload(
            shown(self._add_painting), self.painting, outputs, show_progress="minimal", show_progress_on=self.wall,
            concurrency_id="preview", api_visibility="private",
        )  # fmt: skip
        self.kept_name.submit(
            shown(self._keep), [self.style, self.kept_name], self.status, queue=False, api_visibility="private"
        )  # fmt: skip
        names = ", ".join(["name"] * len(choices))
        self.style.change(
            None, self.style, choices, js=f"(name) => {{ fastnst.choose(name); return [{names}]; }}"
        )
        self.other.change(
            None, self.other, self.share, js="(other) => ({__type__: 'update', visible: !!other})"
        )
        self.wall.select(_picked, None, self.style, queue=False, api_visibility="private")
        preview = gr.on(
            [each.change for each in (*controls, self._turn)],
            shown(self._preview), controls, [self.result, self.status],
            trigger_mode="always_last", show_progress="hidden", concurrency_id="preview", api_visibility="private",
        )  # fmt: skip
        preview.success(
            self._settle, None, self._settled, trigger_mode="multiple", concurrency_limit=None, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
        self._settled.change(
            shown(self._paint), controls, [self.result, self.status, self.download],
            trigger_mode="always_last", show_progress="full", show_progress_on=self.status,
            concurrency_id="paint", concurrency_limit=1, api_visibility="private",
        )  # fmt: skip

    def wall_of_example(self, request: gr.Request) -> list[tuple[str, str]]:
        """Return the wall before there is a photo."""
        session = self._studio.session(request)
        return paint_wall(read_image(EXAMPLE).convert("RGB"), session, self._studio.device)

    def _begin(self, upload: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Take a photo, and paint the wall."""
        session, studio = self._studio.session(request), self._studio
        ticket = session.ticket("photo", new=True)
        session.photo = session.small = session.mask = None
        nothing = gr.DownloadButton(value=None, interactive=False)
        if upload is None:
            return gr.skip(), HELLO, None, nothing, gr.skip()
        path = studio.sessions.take(session, upload, "photo")
        small = small_copy(path, studio.limits)
        session.photo, session.small = path, small
        tiles = paint_wall(small, session, studio.device)
        return tiles, "Click a style.", small, nothing, str(ticket)

    def _add_painting(self, upload: str | None, request: gr.Request) -> tuple[Any, ...]:
        """Make a painting a style, the chosen one in all tabs, and paint the wall with it."""
        session, studio = self._studio.session(request), self._studio
        name = add_painting(studio.sessions.take(session, upload, "upload"), session, studio.limits)
        names = style_names(session)
        photo = session.small or read_image(EXAMPLE).convert("RGB")
        return (
            *(gr.Dropdown(choices=names, value=name) for _ in range(1 + self._followers)),
            gr.Dropdown(choices=[NONE, *((each, each) for each in names)]),
            paint_wall(photo, session, studio.device),
            str(time.monotonic_ns()),
            gr.Textbox(visible=studio.keeps),
        )

    def _keep(self, style: str | None, name: str, request: gr.Request) -> str:
        """Keep the style of a painting under a name, for the command line and later visits too."""
        painting = self._studio.session(request).styles.get(style or "")
        if painting is None or not is_picture(painting.name):
            raise FastnstError("No painting of yours is chosen.", "Click one on the wall.")
        keep_style(name.strip(), painting, painting_statistics(painting))
        return f"{name.strip()} is kept: it is on the wall from the next visit on."

    def _set_mask(self, edited: dict[str, Any] | None, request: gr.Request) -> str:
        """Take what was brushed as the mask."""
        session = self._studio.session(request)
        session.mask = None
        layers = [] if edited is None else edited["layers"]
        brushed = [np.asarray(layer.convert("RGBA").getchannel("A")) for layer in layers]
        if brushed and (mask := np.maximum.reduce(brushed)).any():
            path = session.new_folder("mask") / "mask.png"
            write_image(path, Image.fromarray(mask).convert("RGB"))
            session.mask = path
        return str(time.monotonic_ns())

    def _preview(
        self, style: str | None, other: str, share: float, strength: float, stroke: float, color: str,
        request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Paint small."""
        session = self._studio.session(request)
        ticket = session.ticket("photo", new=True)
        if not style:
            return gr.skip(), gr.skip()
        if session.small is None:
            return gr.skip(), HELLO
        choice = _chosen(style, other, share, strength, stroke, color)
        painted = paint_preview(session.small, choice, session, self._studio.device, session.mask)
        session.check("photo", ticket)
        return _shown(session, session.small, painted), "Preview; the full size follows."

    def _settle(self, request: gr.Request) -> Any:
        """Wait until the visitor has stopped changing things."""
        session = self._studio.session(request)
        ticket = session.ticket("photo")
        time.sleep(SETTLE_SECONDS)
        return str(ticket) if session.ticket("photo") == ticket else gr.skip()

    def _paint(
        self, style: str | None, other: str, share: float, strength: float, stroke: float, color: str,
        request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:  # fmt: skip
        """Paint at full size."""
        session, studio = self._studio.session(request), self._studio
        ticket, photo = session.ticket("photo"), session.photo
        if photo is None or not style:
            return gr.skip(), gr.skip(), gr.skip()

        def on_share(part: float, note: str) -> None:
            session.check("photo", ticket)
            progress(part, desc="Painting at full size")

        choice = _chosen(style, other, share, strength, stroke, color)
        try:
            with session.working():
                result = paint_photo(
                    photo, choice, session, studio.limits, studio.device, mask=session.mask, on_share=on_share
                )  # fmt: skip
            session.check("photo", ticket)
        except FastnstError:
            if session.ticket("photo") == ticket:
                raise
            return gr.skip(), gr.skip(), gr.skip()
        if result.output is None:
            raise FastnstError("Nothing was painted.")
        before, after = (
            _fitting(read_image(path, max_pixels=studio.limits.pixels))
            for path in (photo, result.output)
        )
        note = f" {result.note}" if result.note else ""
        status = f"{result.output.name}, {result.width}x{result.height} px, {result.seconds:.1f} s.{note}"
        return (
            _shown(session, before, after),
            status.replace(f"{studio.root}", ""),
            gr.DownloadButton(value=str(result.output), interactive=True),
        )


def _chosen(
    style: str, other: str | None, share: float, strength: float, stroke: float, color: str
) -> Choice:
    """Return what the controls say."""
    return Choice(style, other or "", share, strength, as_stroke(stroke), color)


def _picked(event: gr.SelectData) -> str:
    """Return the name of the style that was clicked."""
    return str(event.value["caption"])


def _fitting(image: Image.Image) -> Image.Image:
    return resize_long_edge(image, SHOWN_SIZE) if max(image.size) > SHOWN_SIZE else image


def _shown(session: Session, before: Image.Image, after: Image.Image) -> tuple[str, str]:
    """Write two pictures for the page to show, and return their files."""
    folder = session.new_folder("shown")
    paths: list[Path] = [folder / "before.jpg", folder / "after.jpg"]
    for path, image in zip(paths, (before, after), strict=True):
        write_image(path, image, quality=88)
    return str(paths[0]), str(paths[1])
