"""The command `styles`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fastnst.cli.terminal import progress_bar, say


def styles(
    *,
    json: Annotated[bool, Parameter(negative="")] = False,
    sheet: Path | None = None,
    output: Annotated[Path, Parameter(alias="-o")] = Path("styles.png"),
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
        The sheet to write.
    size
        Longer side of each of its paintings in pixels.
    fast
        Paint by the faster net, where a style has one.
    """
    if sheet is not None:
        from fastnst.runtime.photos.contact_sheet import style_sheet

        with progress_bar() as progress:
            task = progress.add_task("Painting", total=None)

            def report(name: str, number: int, total: int) -> None:
                progress.update(task, completed=number, total=total)

            whole = style_sheet(sheet, output, size=size, fast=fast, report=report)
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
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(
            column.replace("_", " "),
            justify="right" if column == "size_mb" else "left",
            # Names are there to be typed.
            min_width=max(len(row["name"]) for row in rows) if column == "name" else None,
        )
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    Console().print(table)
