"""Components of the page that Gradio has in another form."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from fastnst.errors import FastnstError
from fastnst.web.painting import USUAL_STROKE

C = TypeVar("C", bound="gr.components.Component")
P = ParamSpec("P")
R = TypeVar("R")


def as_uploaded(component: C) -> C:
    """Make an input hand over its file, or files, as they were uploaded.

    Gradio's own inputs decode pictures without limits, change some, and download what is at an address in the place
    of a file. A component that is changed so must be given new values alone, as Gradio makes others anew.
    """
    move = component.async_move_resource_to_block_cache

    async def local(path: str | Path | None) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("Addresses are not opened here. Upload the file.", print_exception=False)
        return await move(path)  # type: ignore[no-any-return]

    def path_of(payload: Any) -> Any:
        if payload is None:
            return None
        if (root := getattr(payload, "root", None)) is not None:
            return [path_of(part) for part in root]
        return (payload.get("path") if isinstance(payload, dict) else payload.path) or None

    component.async_move_resource_to_block_cache = local
    component.preprocess = path_of
    return component


def explained(root: Path) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator of calls that shows the page errors in plain sentences, without the folders of files.

    Args:
        root: Folder of all temporary files.
    """

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        @wraps(call)
        def shown(*args: P.args, **options: P.kwargs) -> R:
            try:
                return call(*args, **options)
            except FastnstError as error:
                raise gr.Error(in_words(error, root), print_exception=False) from error
            except OSError as error:  # Such as a full disk.
                text = f"The server can't work: {error.strerror or 'a file is missing'}."
                raise gr.Error(text, print_exception=False) from error

        return shown

    return decorate


def style_controls(name: str, styles: list[str]) -> tuple[gr.Dropdown, gr.Slider, gr.Slider]:
    """Add the controls of style, strength and stroke.

    Args:
        name: Name of the tab, for their ids.
        styles: Names of the styles.
    """
    style = gr.Dropdown(
        styles, value=next(iter(styles), None), label="Style", elem_id=f"{name}-style"
    )
    with gr.Row():
        strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", elem_id=f"{name}-strength")
        stroke = gr.Slider(0, 1, USUAL_STROKE, step=0.05, label="Stroke", elem_id=f"{name}-stroke")
    return style, strength, stroke


def in_words(error: Exception | str, root: Path) -> str:
    """Return an error's text with the names of temporary files in the place of their paths."""
    return re.sub(re.escape(str(root)) + r"[\\/](?:[\w.-]+[\\/])*", "", str(error))
