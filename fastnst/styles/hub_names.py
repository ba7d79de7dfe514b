"""Names of styles of the Hugging Face hub, such as `hf:user/name`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from fastnst.errors import FastnstError

HUB = "hf:"
"""Beginning of names of the hub."""


@dataclass(frozen=True)
class HubName:
    """Name of a style on the hub: `hf:user/name`, `hf:user/name@revision`, `hf:user/name/file.onnx`."""

    repo: str
    """Repository: `user/name`."""
    file: str = ""
    """File in the repository; empty for its only .onnx file, or the one of its name."""
    revision: str | None = None
    """Branch, tag or commit; None for the newest one."""

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Read a name.

        Raises:
            FastnstError: It is not of the form above.
        """
        path, _, revision = text.removeprefix(HUB).partition("@")
        user, _, rest = path.partition("/")
        name, _, file = rest.partition("/")
        if (
            not text.startswith(HUB)
            or not user
            or not name
            or (file and not file.endswith(".onnx"))
        ):
            raise FastnstError(
                f"{text} is no style of the hub.", "Write hf:user/name, or hf:user/name@revision."
            )
        return cls(f"{user}/{name}", file, revision or None)

    def __str__(self) -> str:
        file = f"/{self.file}" if self.file else ""
        return f"{HUB}{self.repo}{file}" + (f"@{self.revision}" if self.revision else "")


def is_hub_name(style: object) -> bool:
    """Return whether a style, as text or as a path, names one of the hub."""
    return isinstance(style, str | os.PathLike) and str(style).startswith(HUB)
