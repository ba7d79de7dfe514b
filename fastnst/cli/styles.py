"""The command `styles`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fastnst.cli.terminal import progress_bar, say
from fastnst.errors import FastnstError


def styles(
    *paintings: Path,
    json: Annotated[bool, Parameter(negative="")] = False,
    contact_sheet: Annotated[Path | None, Parameter(alias="--sheet")] = None,
    add: str | None = None,
    name: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    size: int = 320,
    fast: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List all styles with their paintings, paint one photo in all of them, or keep a style of any painting or the hub.

    Parameters
    ----------
    paintings
        Paintings whose styles the contact sheet shows, in place of all that are listed.
    json
        Print JSON.
    contact_sheet
        Photo to paint in every style.
    add
        Painting whose style to keep, under --name, for --style; or a style of the Hugging Face hub to keep in
        the first folder of styles: hf:user/name.
    name
        Name to keep it under; without it, the file's.
    output
        Contact sheet to write; without it, styles.png, unless that exists.
    size
        Longer side of each image of the sheet in pixels.
    fast
        Paint by the faster net, where a style has one.
    """
    if add is not None:
        if add.startswith("hf:"):
            from fastnst.sharing.add import add_style
            from fastnst.styles.onnx_metadata import read_card
            from fastnst.styles.registry import style_names

            path = add_style(add, name=name or "")
            names = style_names(path, read_card(path))
            others = f", or one of {len(names) - 3} others: fastnst styles" if names[3:] else ""
            print(f"{path}  Use it by: --style {' or '.join(names[:3])}{others}")
            return
        from fastnst.runtime.engine.painting_statistics import painting_statistics
        from fastnst.styles.kept import keep_style
        from fastnst.styles.registry import list_styles

        painting = Path(add)
        name = name or painting.stem
        if name in list_styles():
            raise FastnstError(f"There is a style {name} already.", "Give another --name.")
        kept = keep_style(name, painting, painting_statistics(painting))
        print(f"{kept}  Paint like it: fastnst stylize PHOTO --style {name}")
        return
    if paintings and contact_sheet is None:
        raise FastnstError(
            f"{paintings[0]} is given, but no photo to paint like it.",
            "Say: fastnst styles --sheet PHOTO PAINTING..., or keep its style: --add PAINTING",
        )
    if contact_sheet is not None:
        from fastnst.images.write import check_absent
        from fastnst.runtime.photos.contact_sheet import write_contact_sheet

        if output is None:
            output = Path("styles.png")
            check_absent(output)
        with progress_bar() as progress:
            task = progress.add_task("Painting", total=None)

            def report(share: float, name: str) -> None:
                progress.update(task, completed=100 * share, total=100, description=name)

            sheet = write_contact_sheet(
                contact_sheet,
                output,
                styles=list(map(str, paintings)),
                size=size,
                fast=fast,
                report=report,
            )
        print(f"{output}  {sheet.width}x{sheet.height}")
        return
    from fastnst.runtime.photos.contact_sheet import describe_styles

    rows = describe_styles()
    if json:
        print(jsonlib.dumps(rows, indent=2))
        return
    if not rows:
        say("No styles were found. Train one with: fastnst train PAINTING --data FOLDER")
        return
    for line in _table(rows):
        print(line)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Return a line for each style with the facts that differ, and one for a fact that all share."""
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console

    shown = [
        column
        for column in rows[0]
        if column == "name" or len(rows) == 1 or len({row[column] for row in rows}) > 1
    ]
    cells = [[column.replace("_", " ") for column in shown]]
    cells += [[_word(row[column]) for column in shown] for row in rows]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(shown))]
    console = Console()
    # Names are typed, so titles are cut.
    if console.is_terminal and "title" in shown:
        place, over = shown.index("title"), sum(widths) + 2 * len(shown) - 2 - console.width
        widths[place] -= min(max(0, over), widths[place] - len("title"))
    lines = ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in cells]
    if "fast" not in shown and rows[0]["fast"]:
        lines += ["", "All of them also have a net for real time: --fast."]
    return lines


def _word(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else ""
    return "" if fact is None else str(fact)
