"""The command `styles`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fastnst.cli.terminal import progress_bar, say
from fastnst.errors import CannotWrite


def styles(
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    sheet: Path | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    size: int = 320,
    fast: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """List the styles there are, with their paintings, or show them all on one photo.

    Parameters
    ----------
    json
        Print JSON.
    sheet
        A photo to paint in every style.
    output
        The sheet to write; without it, styles.png, if there is none yet.
    size
        Longer side of each of its paintings in pixels.
    fast
        Paint by the faster net, where a style has one.
    """
    if sheet is not None:
        from fastnst.runtime.photos.contact_sheet import write_contact_sheet

        if output is None:
            output = Path("styles.png")
            if output.exists():
                raise CannotWrite(
                    f"{output} is there already.", "Give a name with -o, this one to replace it."
                )
        with progress_bar() as progress:
            task = progress.add_task("Painting", total=None)

            def report(share: float, name: str) -> None:
                progress.update(task, completed=100 * share, total=100, description=name)

            whole = write_contact_sheet(sheet, output, size=size, fast=fast, report=report)
        print(f"{output}  {whole.width}x{whole.height}")
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
    """A line for each style, with the facts that tell them apart, and one for what holds of all."""
    from rich.cells import cell_len, set_cell_size
    from rich.console import Console

    told = [
        column
        for column in rows[0]
        if column == "name" or len(rows) == 1 or len({row[column] for row in rows}) > 1
    ]
    cells = [[column.replace("_", " ") for column in told]]
    cells += [[_word(row[column]) for column in told] for row in rows]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(told))]
    console = Console()
    if console.is_terminal and "title" in told:  # Names are there to be typed, titles may be cut.
        place, over = told.index("title"), sum(widths) + 2 * len(told) - 2 - console.width
        widths[place] -= min(max(0, over), widths[place] - len("title"))
    lines = ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in cells]
    if "fast" not in told and rows[0]["fast"]:
        lines += ["", "All of them have a net for real time too: --fast."]
    return lines


def _word(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else ""
    return "" if fact is None else str(fact)
