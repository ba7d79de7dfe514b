"""The tab of many files: photos and videos or a zip in, a zip of the painted ones out."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from fastnst.errors import FastnstError, Interrupted
from fastnst.images.find import find_images
from fastnst.images.formats import IMAGE_EXTENSIONS
from fastnst.runtime.batch.files import StylizeResult
from fastnst.runtime.batch.stylize import stylize
from fastnst.runtime.video.options import VIDEO_EXTENSIONS
from fastnst.web.components import as_uploaded, explained, in_words, style_controls
from fastnst.web.painting import QUALITY, Choice, as_stroke, style_names
from fastnst.web.sessions import Session
from fastnst.web.studio import Studio


class ManyTab:
    """Components of the tab, and what they do.

    Args:
        studio: What all parts of the page share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                self.files = as_uploaded(
                    gr.File(
                        label="Photos and videos, or a zip of them",
                        file_count="multiple",
                        file_types=[".zip", *sorted(IMAGE_EXTENSIONS | VIDEO_EXTENSIONS)],
                        height=220,
                        elem_id="many",
                    )
                )
                self.style, self.strength, self.stroke = style_controls("many", style_names())
                with gr.Row():
                    self.paint = gr.Button("Paint all", variant="primary", elem_id="many-paint")
                    self.stop = gr.Button("Stop", variant="stop", elem_id="many-stop")
            with gr.Column(scale=7, min_width=320):
                self.status = gr.Markdown(
                    "Drop photos, videos, or a zip of them.", elem_id="many-status"
                )
                self.download = gr.DownloadButton(
                    "Download the zip",
                    interactive=False,
                    variant="primary",
                    elem_id="many-download",
                )

    def connect(self) -> None:
        """Make the components do what they are for."""
        shown = explained(self._studio.root)
        self.paint.click(
            shown(self._paint), [self.files, self.style, self.strength, self.stroke],
            [self.status, self.download], show_progress="full", show_progress_on=self.status,
            concurrency_id="video", concurrency_limit=1, api_visibility="private",
        )  # fmt: skip
        self.stop.click(self._stop, queue=False, api_visibility="private")

    def _paint(
        self, uploads: list[str] | None, style: str | None, strength: float, stroke: float,
        request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:  # fmt: skip
        """Paint all files."""
        session, studio = self._studio.session(request), self._studio
        if not uploads:
            raise FastnstError("There is no file yet.", "Drop photos, videos, or a zip of them.")
        ticket = session.ticket("many", new=True)
        stylizer = Choice(style or "", strength=strength, stroke=as_stroke(stroke)).stylizer(
            session, studio.device
        )
        folder, painted = session.new_folder("many"), session.new_folder("painted")
        results: list[StylizeResult] = []
        refused: list[str] = []
        at, total = 0, 1

        def report(result: StylizeResult, number: int, of: int) -> None:
            nonlocal at
            session.check("many", ticket)
            results.append(result)
            at += 1

        def on_share(share: float, note: str) -> None:
            session.check("many", ticket)
            progress((at + share) / total, desc=f"{at + 1} of {total}")

        with session.working():
            self._collect(uploads, folder, session)
            files = list(self._allowed(folder, refused))
            total = len(files)
            try:
                for file in files:
                    progress(at / total, desc=f"{at + 1} of {total}")
                    stylize(
                        [file], painted / file.parent.relative_to(folder), style=stylizer, quality=QUALITY,
                        max_megapixels=studio.limits.megapixels, report=report, on_share=on_share,
                    )  # fmt: skip
            except Interrupted:
                refused.append(f"Stopped after {len(results)} of {total} files.")
            outputs = [result.output for result in results if result.output is not None]
            archive = painted / "painted.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
                for path in outputs:
                    opened.write(path, path.relative_to(painted))
        refused += [result.error for result in results if result.error]
        refused += [result.note for result in results if result.note]
        lines = [f"{len(outputs)} painted.", *(in_words(text, studio.root) for text in refused)]
        status = "\n".join(f"- {_as_text(line)}" for line in lines)
        if not outputs:
            return status, gr.DownloadButton(value=None, interactive=False)
        return status, gr.DownloadButton(value=str(archive), interactive=True)

    def _collect(self, uploads: list[str], folder: Path, session: Session) -> None:
        """Bring all files into one folder: those of zips too, each zip in a folder of its name."""
        self._studio.limits.check_count(len(uploads))
        for number, upload in enumerate(uploads):
            path = self._studio.sessions.take(session, upload, "upload")
            if path.suffix.lower() == ".zip":
                self._studio.limits.unpack(path, folder / path.stem if len(uploads) > 1 else folder)
                continue
            target = folder / path.name
            if target.exists():
                target = target.with_stem(f"{target.stem}-{number + 1}")
            path.rename(target)
        self._studio.limits.check_count(len(_files(folder)))

    def _allowed(self, folder: Path, refused: list[str]) -> Iterator[Path]:
        """Yield the files within the limits, and note why others are not."""
        limits = self._studio.limits
        for path in _files(folder):
            is_video = path.suffix.lower() in VIDEO_EXTENSIONS
            try:
                (limits.check_video if is_video else limits.check_photo)(path)
            except FastnstError as error:
                refused.append(str(error))
            else:
                yield path

    def _stop(self, request: gr.Request) -> None:
        """End the painting after the tile or frame at hand."""
        self._studio.session(request).ticket("many", new=True)


def _files(folder: Path) -> list[Path]:
    return find_images(folder, also=VIDEO_EXTENSIONS)


def _as_text(line: str) -> str:
    """Return a line of Markdown that shows a text as it is."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>()#+-!|&" else char for char in line)
