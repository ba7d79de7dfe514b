"""The way that fastnst was installed, and the command that installs an extra of it in the same way."""

from __future__ import annotations

import json
import shlex

from fastnst.errors import MissingExtra


def install_command(extra: str) -> str:
    """The command that installs an extra from where fastnst itself came from.

    pip notes the address of what it installed from elsewhere than a registry (PEP 610, `direct_url.json`).

    Args:
        extra: Name of the extra in pyproject.toml.
    """
    # A tenth of the start of the command line.
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        noted = distribution("fastnst").read_text("direct_url.json")
    except PackageNotFoundError:  # Run from its source folder.
        return f"pip install {shlex.quote(f'.[{extra}]')}"
    if noted is None:
        return f"pip install {shlex.quote(f'fastnst[{extra}]')}"
    origin = json.loads(noted)
    address = urlsplit(origin["url"])
    if "vcs_info" in origin or address.scheme != "file":
        vcs = f"{origin['vcs_info']['vcs']}+" if "vcs_info" in origin else ""
        return f"pip install {shlex.quote(f'fastnst[{extra}] @ {vcs}' + origin['url'])}"
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"pip install {editable}{shlex.quote(f'{unquote(address.path)}[{extra}]')}"


def installed_version() -> str:
    """The version of fastnst, such as "1.0.0"; "unknown" where it runs from its source folder and was never installed."""
    # A tenth of the start of the command line.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fastnst")
    except PackageNotFoundError:
        return "unknown"


def missing_extra(message: str, extra: str, instead: str = "") -> MissingExtra:
    """Return the error for a package that is not installed.

    Args:
        message: Sentence on what needs the package.
        extra: Name of the extra in pyproject.toml that brings it.
        instead: Sentence on another way.
    """
    return MissingExtra(message, f"Install it with: {install_command(extra)} {instead}".strip())
