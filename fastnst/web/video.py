"""The tab of videos: the first frame at once, then the whole, with its sound."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from fastnst.images.pixels import resize_long_edge
from fastnst.images.write import write_image
from fastnst.runtime.video.options import VIDEO_EXTENSIONS, VideoOptions
from fastnst.web.components import as_uploaded, explained, style_controls
from fastnst.web.painting import Choice, as_stroke, paint_preview, paint_video, style_names
from fastnst.web.studio import Studio

FRAME_SIZE = 640
"""Longer side of the first frame in pixels."""
HELLO = "Drop a video, and choose a style."


class VideoTab:
    """Components of the tab, and what they do.

    Args:
        studio: What all parts of the page share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                self.video = as_uploaded(
                    gr.File(
                        label="Video",
                        file_types=sorted(VIDEO_EXTENSIONS),
                        height=140,
                        elem_id="video",
                    )
                )
                self.style, self.strength, self.stroke = style_controls("video", style_names())
                with gr.Row():
                    self.start = gr.Number(0, label="From second", minimum=0, elem_id="video-from")
                    self.end = gr.Number(
                        0, label="To second (0: the end)", minimum=0, elem_id="video-to"
                    )
                self.deflicker = gr.Checkbox(label="Less flicker (slower)", elem_id="video-calm")
                with gr.Row():
                    self.paint = gr.Button(
                        "Paint the video", variant="primary", elem_id="video-paint"
                    )
                    self.stop = gr.Button("Stop", variant="stop", elem_id="video-stop")
            with gr.Column(scale=7, min_width=320):
                self.frame = gr.Image(
                    label="First frame", type="filepath", interactive=False, buttons=[],
                    height=300, elem_id="video-frame", alt_text="First frame, painted",
                )  # fmt: skip
                self.status = gr.Markdown(HELLO, elem_id="video-status")
                self.result = gr.Video(
                    label="Painted",
                    interactive=False,
                    buttons=[],
                    height=300,
                    elem_id="video-result",
                )
                self.download = gr.DownloadButton(
                    "Download", interactive=False, variant="primary", elem_id="video-download"
                )

    def connect(self) -> None:
        """Make the components do what they are for."""
        shown = explained(self._studio.root)
        controls = [self.style, self.strength, self.stroke]
        self.video.change(
            shown(self._begin), self.video, self.status, concurrency_id="preview", api_visibility="private"
        ).success(
            shown(self._first_frame), controls, self.frame, concurrency_id="preview", api_visibility="private"
        )  # fmt: skip
        gr.on(
            [each.change for each in controls], shown(self._first_frame), controls, self.frame,
            trigger_mode="always_last", show_progress="hidden", concurrency_id="preview", api_visibility="private",
        )  # fmt: skip
        self.paint.click(
            shown(self._paint), [*controls, self.start, self.end, self.deflicker],
            [self.result, self.status, self.download],
            show_progress="full", show_progress_on=self.status, concurrency_id="video", concurrency_limit=1,
            api_visibility="private",
        )  # fmt: skip
        self.stop.click(self._stop, queue=False, api_visibility="private")

    def _begin(self, upload: str | None, request: gr.Request) -> str:
        """Take a video, and stop painting another."""
        session, studio = self._studio.session(request), self._studio
        session.ticket("video", new=True)
        session.video = session.frame = None
        if upload is None:
            return HELLO
        path = studio.sessions.take(session, upload, "video")
        studio.limits.check_video(path)
        session.frame, session.video = first_frame(path), path
        return f"{path.name}: choose a style, and paint."

    def _first_frame(
        self, style: str | None, strength: float, stroke: float, request: gr.Request
    ) -> Any:
        """Paint the first frame, small."""
        session = self._studio.session(request)
        if session.frame is None or not style:
            return gr.skip() if session.frame else None
        choice = Choice(style, strength=strength, stroke=as_stroke(stroke))
        painted = paint_preview(session.frame, choice, session, self._studio.device)
        path = session.new_folder("frame") / "frame.jpg"
        write_image(path, painted, quality=90)
        return str(path)

    def _paint(
        self, style: str | None, strength: float, stroke: float, start: float | None, end: float | None,
        deflicker: bool, request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:  # fmt: skip
        """Paint the video."""
        session, studio = self._studio.session(request), self._studio
        if session.video is None:
            return gr.skip(), HELLO, gr.skip()
        ticket, began = session.ticket("video", new=True), time.monotonic()

        def on_share(share: float, note: str) -> None:
            left = (time.monotonic() - began) * (1 - share) / share if share else 0
            text = f", {left // 60:.0f}:{left % 60:02.0f} left" if share else ""
            progress(share, desc=f"{note}{text}")

        options = VideoOptions(start=start or 0.0, end=end or None, deflicker=deflicker)
        choice = Choice(style or "", strength=strength, stroke=as_stroke(stroke))
        with session.working():
            result = paint_video(
                session.video, choice, session, studio.limits, studio.device, options=options,
                stop=lambda: session.ticket("video") != ticket, on_share=on_share,
            )  # fmt: skip
        assert result.output is not None
        stopped = "Stopped: " if result.stopped else ""
        note = (
            f" {result.note.replace(f'{result.input}', result.input.name)}" if result.note else ""
        )
        status = (
            f"{stopped}{result.output.name}, {result.frames} frames of {result.width}x{result.height} px,"
            f" {result.seconds:.1f} s.{note}"
        )
        return (
            str(result.output),
            status,
            gr.DownloadButton(value=str(result.output), interactive=True),
        )

    def _stop(self, request: gr.Request) -> None:
        """End the painting after the frame at hand."""
        self._studio.session(request).ticket("video", new=True)


def first_frame(path: Path) -> Image.Image | None:
    """Return the first frame of a video, no larger than `FRAME_SIZE`; None if there is none."""
    from fastnst.runtime.video.decode import frames  # Photos don't need FFmpeg.

    for pixels, _ in frames(path):
        image = Image.fromarray(pixels)
        return resize_long_edge(image, FRAME_SIZE) if max(image.size) > FRAME_SIZE else image
    return None
