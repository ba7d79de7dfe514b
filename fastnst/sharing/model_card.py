"""Page of a style on the Hugging Face hub, made from its card."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from fastnst.styles.card import StyleCard

TAGS = ("style-transfer", "neural-style-transfer", "onnx", "fastnst")
"""Words that a style is found by on the hub."""
FIGURES = {
    "size": "size in px",
    "photos": "photos",
    "views_style": "style",
    "views_content": "content",
    "repetition": "repetition",
    "checkerboard": "checkerboard",
    "border": "border",
    "flicker": "flicker",
    "total": "J",
    "milliseconds": "ms",
}
"""Figures of `fastnst evaluate` that the page shows, and their headings."""


def model_card(
    repo: str, file: str, card: StyleCard, *, sample: str, evaluation: Any, licence: str = ""
) -> str:
    """Return the page as Markdown with the metadata that the hub reads.

    Args:
        repo: Repository: `user/name`.
        file: Name of the .onnx file.
        card: Card of the file.
        sample: Name of a picture in the repository; empty for none.
        evaluation: Figures of `fastnst evaluate`; empty for none.
        licence: Licence of the net, by the hub's name of it; empty to leave it out.
    """
    return "\n".join([*_metadata(licence), *_text(repo, file, card, sample, evaluation)]) + "\n"


def _metadata(licence: str) -> Iterator[str]:
    yield "---"
    yield "library_name: fastnst"
    yield "pipeline_tag: image-to-image"
    if licence:
        yield f"license: {licence}"
    yield "tags:"
    yield from (f"- {tag}" for tag in TAGS)
    yield "---"


def _text(repo: str, file: str, card: StyleCard, sample: str, evaluation: Any) -> Iterator[str]:
    yield f"# {_plain(card.name)}"
    yield ""
    yield "A style for [fast neural style transfer](https://huggingface.co/models?other=fastnst), by fastnst."
    if sample:
        yield f"\n![Photos and their stylized results]({sample})"
    yield "\n## Use\n"
    yield f"```sh\nfastnst stylize photo.jpg --style hf:{repo}"
    if len(card.styles) > 1:
        name = shlex.quote(card.styles[-1].name)
        yield f"fastnst stylize photo.jpg --model hf:{repo} --style {name}"
    yield f"fastnst styles --add hf:{repo}\n```\n"
    yield f"`{file}` also runs in plain onnxruntime: input `image`, output `stylized`, float32 RGB (N, 3, H, W), 0..255,"
    yield f"height and width multiples of {card.multiple_of} and at least {card.minimum}."
    yield "\n## Paintings\n"
    yield from _table(
        ["style", "title", "artist", "year", "licence"],
        [
            [credit.name or card.name, credit.title, credit.artist, credit.year, credit.licence]
            for credit in card.styles
        ],
    )
    yield "\n## Training\n"
    net = ", ".join(f"{name} {value}" for name, value in sorted(card.net.items()))
    yield f"- Net: {_plain(net)}"
    yield f"- Steps: {card.steps}"
    if card.training_set:
        yield f"- Photos: {_plain(card.training_set)}"
    rows = list(_figures(evaluation, card.name))
    if rows:
        shown = [name for name in FIGURES if any(row.get(name) is not None for _, row in rows)]
        yield "\n## Figures of `fastnst evaluate`\n"
        yield from _table(
            ["style", *(FIGURES[name] for name in shown)],
            [[style, *(row.get(name) for name in shown)] for style, row in rows],
        )


def _figures(evaluation: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the figures of each style at each size."""
    if not isinstance(evaluation, dict):
        return
    for style, part in {name: evaluation, **evaluation}.items():
        for row in part.get("sizes", ()) if isinstance(part, dict) else ():
            yield str(style), row


def _table(header: list[str], rows: list[list[Any]]) -> Iterator[str]:
    for line in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(map(_cell, line))} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else _plain(str(value))


def _plain(text: str) -> str:
    """Return text that is neither markup nor the end of a cell."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return " ".join(text.split())
