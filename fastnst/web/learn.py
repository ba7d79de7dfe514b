"""The tab of training: a painting and photos become a style of the visitor's own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr

from fastnst.errors import FastnstError
from fastnst.images.find import find_images
from fastnst.images.formats import IMAGE_EXTENSIONS
from fastnst.web.components import as_uploaded, explained
from fastnst.web.limits import plain_name
from fastnst.web.painting import free_name, style_names
from fastnst.web.sessions import Session
from fastnst.web.studio import PHOTOS, Studio
from fastnst.web.training import Learner
from fastnst.web.wall import paint_wall

HELLO = (
    "Drop a painting, and press *Learn*. The net begins with the style that it guesses, and comes nearer to the painting"
    " for five minutes. Stop at any time; what is learnt is kept.\n\nWithout photos of yours it looks at the {count} that"
    " come with fastnst, which is few: 200 or more of your own, of the kind that you will paint, make a better style."
)
STEPS_PER_MINUTE = 60
"""Steps that two cores do in a minute, about: the learning rate falls over so many."""
LEAST_PHOTOS = 8
"""Photos that a visitor gives, if any."""
MINUTES = 5
MOST_MINUTES = 600


class LearnTab:
    """Components of the tab, and what they do.

    Args:
        studio: What all parts of the page share.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                self.painting = as_uploaded(
                    gr.Image(
                        label="Painting", sources=["upload", "clipboard"], type="filepath", height=240,
                        elem_id="learn-painting", alt_text="Your painting", buttons=[],
                    )
                )  # fmt: skip
                self.photos = as_uploaded(
                    gr.File(
                        label="Your photos, or a zip of them (optional)", file_count="multiple", height=180,
                        file_types=[".zip", *sorted(IMAGE_EXTENSIONS)], elem_id="learn-photos",
                    )
                )  # fmt: skip
                with gr.Row():
                    self.name = gr.Textbox(
                        label="Name of the style",
                        placeholder="the painting's",
                        elem_id="learn-name",
                    )
                    self.minutes = gr.Number(
                        MINUTES,
                        label="Minutes",
                        minimum=0.1,
                        maximum=MOST_MINUTES,
                        elem_id="learn-minutes",
                    )
                with gr.Row():
                    self.learn = gr.Button("Learn", variant="primary", elem_id="learn-start")
                    self.stop = gr.Button("Stop", variant="stop", elem_id="learn-stop")
            with gr.Column(scale=7, min_width=320):
                self.status = gr.Markdown(
                    HELLO.format(count=len(find_images(PHOTOS))), elem_id="learn-status"
                )
                self.samples = gr.Image(
                    label="Photos above, painted below", type="filepath", interactive=False, buttons=["fullscreen"],
                    elem_id="learn-samples", alt_text="Photos, and the same painted",
                )  # fmt: skip
                self.download = gr.DownloadButton(
                    "Download the style (.onnx)",
                    interactive=False,
                    variant="primary",
                    elem_id="learn-download",
                )

    def connect(self, choices: list[gr.Dropdown], wall: gr.Gallery) -> None:
        """Make the components do what they are for.

        Args:
            choices: Lists of styles, which the new one joins.
            wall: The wall, which it joins too.
        """
        shown = explained(self._studio.root)
        self.learn.click(
            self._shown_learn, [self.painting, self.photos, self.name, self.minutes],
            [self.status, self.samples, self.download],
            concurrency_id="learn", concurrency_limit=1, show_progress="minimal", api_visibility="private",
        ).success(
            shown(self._styles), None, [*choices, wall], concurrency_id="preview", api_visibility="private"
        )  # fmt: skip
        self.stop.click(self._stop, queue=False, api_visibility="private")

    def _shown_learn(
        self, painting: str | None, photos: list[str] | None, name: str, minutes: float, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Learn, with errors in plain sentences."""
        work = self._learn(painting, photos, name, minutes, request)
        following = explained(self._studio.root)(lambda: next(work, None))
        try:
            while (state := following()) is not None:
                yield state
        finally:
            work.close()

    def _learn(
        self, painting: str | None, photos: list[str] | None, name: str, minutes: float, request: gr.Request
    ) -> Generator[tuple[Any, ...], None, None]:  # fmt: skip
        session, studio = self._studio.session(request), self._studio
        source = studio.sessions.take(session, painting, "painting")
        studio.limits.check_photo(source)
        given_name = plain_name(name).replace(" ", "-").replace(".", "-") if name else ""
        if given_name in style_names(session):
            raise FastnstError(f"There is a style {given_name} already.", "Give another name.")
        name = given_name or free_name(source.stem, session)
        folder = Path(mkdtemp(prefix="learn-", dir=session.folder))
        given = folder / "photos" if photos else PHOTOS
        if photos:
            self._collect(photos, given, session)
        minutes = min(minutes or MINUTES, MOST_MINUTES)
        steps = max(1, round(minutes * STEPS_PER_MINUTE))
        learner = Learner(source, given, name, folder, steps=steps, minutes=minutes)
        session.learner = learner
        sheet: Path | None = None
        try:
            with session.working():
                for moment in learner.watch():
                    new = moment.samples if moment.samples != sheet else None
                    sheet = moment.samples
                    yield moment.line, str(new) if new else gr.skip(), gr.skip()
                yield "Writing the style", gr.skip(), gr.skip()
                session.styles[name] = learner.export()
        finally:
            learner.kill()
            session.learner = None
        early = "Ended early; what was learnt is kept. " if learner.stopped else ""
        yield (
            f"{early}{name} is on the wall, until you leave the page.",
            gr.skip(),
            gr.DownloadButton(value=str(session.styles[name]), interactive=True),
        )

    def _collect(self, photos: list[str], folder: Path, session: Session) -> None:
        """Bring the photos into one folder."""
        limits = self._studio.limits
        limits.check_count(len(photos))
        folder.mkdir()
        for number, upload in enumerate(photos):
            path = self._studio.sessions.take(session, upload, "upload")
            if path.suffix.lower() == ".zip":
                limits.unpack(path, folder / f"zip-{number}")
            else:
                path.rename(folder / f"{number}-{path.name}")
        for path in find_images(folder):
            try:
                limits.check_photo(path)
            except FastnstError:
                path.unlink()
        if len(find_images(folder)) < LEAST_PHOTOS:
            raise FastnstError(
                f"There are fewer than {LEAST_PHOTOS} photos.", "200 or more are good."
            )

    def _styles(self, request: gr.Request) -> list[Any]:
        """Return the lists of styles, and the wall, with the visitor's own."""
        session = self._studio.session(request)
        names = gr.Dropdown(choices=style_names(session))
        photo = session.small
        wall = gr.skip() if photo is None else paint_wall(photo, session, self._studio.device)
        return [names, names, names, wall]

    def _stop(self, request: gr.Request) -> None:
        """End the training after the step at hand."""
        learner = self._studio.session(request).learner
        if learner is not None:
            learner.stop()
