"""The command `push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def push(
    source: Path,
    repo: str,
    *,
    photo: Path | None = None,
    licence: str = "",
    private: Annotated[bool, Parameter(negative="")] = False,
    message: str = "",
) -> None:
    """Put a style on the Hugging Face hub, with a page made from its card.

    Parameters
    ----------
    source
        Run folder that `fastnst export` has written into, or an .onnx file.
    repo
        Repository: user/name. It is made if it is missing.
    photo
        Photo to show in the style on the page; without it, the newest sample sheet of the run.
    licence
        Licence of the net, by the hub's name of it: mit, cc-by-4.0. It must fit the painting's.
    private
        Make a new repository private.
    message
        Message of the commit.
    """
    from fastnst.sharing.push import push as run

    print(run(source, repo, photo=photo, licence=licence, private=private, message=message))
