"""The job `push`: a trained style goes to the Hugging Face hub."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile
from fastnst.runtime.engine.stylizer import Stylizer
from fastnst.sharing.model_card import model_card
from fastnst.styles.card import with_current_names
from fastnst.styles.hub import explained_hub, import_hub
from fastnst.styles.hub_names import HUB, HubName
from fastnst.styles.onnx_check import check_onnx
from fastnst.styles.onnx_metadata import read_card

SAMPLE_SIZE = 512
"""Longer side in pixels of a sample that is painted for the page."""


@dataclass(frozen=True)
class PushResult:
    """Result of a push."""

    url: str
    """Address of the page."""
    files: tuple[str, ...]
    """Names of the files."""
    revision: str
    """The commit, to pin the style by: `hf:user/name@COMMIT`."""

    def __str__(self) -> str:
        return f"{self.url}  {', '.join(self.files)}  commit {self.revision}"


def push(
    source: str | Path,
    repo: str,
    *,
    photo: str | Path | None = None,
    licence: str = "",
    private: bool = False,
    message: str = "",
) -> PushResult:
    """Put a style on the Hugging Face hub: its .onnx file, its weights, and a page made from its card.

    Args:
        source: Run folder that `fastnst export` has written an .onnx file into, or such a file.
        repo: Repository: `user/name`. It is made if it is missing.
        photo: Photo to show in the style on the page; without it, the newest sample sheet of the run.
        licence: Licence of the net, by the hub's name of it: `mit`, `cc-by-4.0`. It must fit the painting's.
        private: Make a new repository private.
        message: Message of the commit.

    Raises:
        BadStyleFile: There is no .onnx file of fastnst's, or one that the hub's users could not fetch.
        FastnstError: There is no token that may write, or no connection.
    """
    hub, name = import_hub(), HubName.parse(f"{HUB}{repo.removeprefix(HUB)}")
    source = Path(source)
    onnx = _onnx_file(source)
    card = read_card(onnx)
    if card is None:
        raise BadStyleFile(f"{onnx} has no card.", "Give a file that `fastnst export` wrote.")
    check_onnx(onnx)
    evaluation: Any = card.evaluation
    figures = onnx.with_name("evaluation.json")
    if not evaluation and figures.is_file():
        evaluation = with_current_names(json.loads(figures.read_text()))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shutil.copy(onnx, folder / onnx.name)
        weights = onnx.with_suffix(".safetensors")
        if weights.is_file():
            shutil.copy(weights, folder / weights.name)
        sample = _sample(folder, onnx, photo)
        page = model_card(
            name.repo, onnx.name, card, sample=sample, evaluation=evaluation, licence=licence
        )
        (folder / "README.md").write_text(page, encoding="utf-8")
        with explained_hub(hub, name, cached=False):
            api = hub.HfApi(library_name="fastnst")
            api.create_repo(name.repo, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=name.repo,
                folder_path=folder,
                commit_message=message or f"Upload the style {card.name}",
            )
        files = tuple(sorted(path.name for path in folder.iterdir()))
    return PushResult(f"{api.endpoint}/{name.repo}", files, commit.oid)


def _onnx_file(source: Path) -> Path:
    """Return the .onnx file of a run folder, or the file itself.

    Raises:
        BadStyleFile: There is none.
    """
    if source.is_file() and source.suffix == ".onnx":
        return source
    files = sorted(source.glob("*.onnx"), key=lambda path: (len(path.stem), path.stem))
    if not files:
        raise BadStyleFile(
            f"There is no .onnx file in {source}.", f"Write it first: fastnst export {source}"
        )
    return files[0]


def _sample(folder: Path, onnx: Path, photo: str | Path | None) -> str:
    """Put a sample into a folder, and return its name; empty if there is none.

    Raises:
        FastnstError: The photo can't be read or painted.
    """
    if photo is not None:
        target = folder / "sample.jpg"
        Stylizer(onnx)(photo, size=SAMPLE_SIZE).convert("RGB").save(target, quality=92)
        return target.name
    sheets = sorted(onnx.parent.rglob("step-*.png"))
    if not sheets:
        return ""
    target = folder / "samples.png"
    shutil.copy(sheets[-1], target)
    return target.name
