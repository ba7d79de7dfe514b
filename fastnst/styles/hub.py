"""Styles of the Hugging Face hub: found, downloaded once and checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from fastnst.errors import FastnstError, UnknownStyle, did_you_mean, first_line
from fastnst.styles.hub_names import HubName
from fastnst.styles.onnx_check import MAX_FILE_BYTES, check_onnx
from fastnst.system.installation import installed_version, missing_extra

LOG_IN = "Log in with: hf auth login"


def fetch_style(text: str | os.PathLike[str]) -> Path:
    """Return the .onnx file of a style of the hub, from the hub's own cache where it is there already.

    Args:
        text: Name, see `HubName`.

    Raises:
        UnknownStyle: There is no such repository, revision or file.
        BadStyleFile: The file is larger than a style net, or holds what a style net does not need.
        MissingExtra: huggingface_hub is not installed.
        FastnstError: There is no connection, and no copy in the cache; or the hub refuses.
    """
    name = HubName.parse(Path(text).as_posix() if isinstance(text, os.PathLike) else text)
    hub = import_hub()
    with explained_hub(hub, name):
        try:
            path = _download(hub, name)
        except (hub.errors.OfflineModeIsEnabled, *_unreachable()):
            path = _cached(hub, name)
    check_onnx(path)
    return path


def _download(hub: Any, name: HubName) -> Path:
    """Ask for the files of a repository and their sizes, and download one of them."""
    api = hub.HfApi(library_name="fastnst", library_version=installed_version())
    info = api.model_info(name.repo, revision=name.revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    file = _choose(name, [path for path in sizes if path.endswith(".onnx")])
    if sizes[file] > MAX_FILE_BYTES:
        raise FastnstError(
            f"{file} of {name} has {sizes[file] / 1e6:,.0f} MB; style nets have {MAX_FILE_BYTES / 1e6:.0f} MB at most.",
            "If you trust it, download it, and give it by --model.",
        )
    return Path(api.hf_hub_download(name.repo, file, revision=name.revision))


def _cached(hub: Any, name: HubName) -> Path:
    """Return the file from the cache, without a connection."""
    folder = Path(
        hub.snapshot_download(
            name.repo, revision=name.revision, allow_patterns=["*.onnx"], local_files_only=True
        )
    )
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*.onnx")]
    return folder / _choose(name, files)


def _choose(name: HubName, files: list[str]) -> str:
    """Return the file of a repository that is meant.

    Raises:
        UnknownStyle: There is none, or several.
    """
    wanted = name.file or f"{name.repo.rpartition('/')[2]}.onnx"
    if wanted in files:
        return wanted
    if name.file or len(files) != 1:
        what = f"no file {name.file}" if name.file else f"{len(files)} .onnx files"
        hint = did_you_mean(name.file, files) or "It may hold a style of another program."
        if not name.file and files:
            hint = f"Name one: hf:{name.repo}/{sorted(files)[0]}"
        raise UnknownStyle(f"hf:{name.repo} has {what}.", hint)
    return files[0]


def import_hub() -> Any:
    """Import huggingface_hub.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise missing_extra("Styles of the hub need huggingface_hub.", "hub") from error
    return huggingface_hub


def _unreachable() -> tuple[type[Exception], ...]:
    """Return the errors of a connection that can't be made, by whichever library huggingface_hub makes it."""
    kinds: list[type[Exception]] = [ConnectionError]
    for library in ("httpx", "httpx2"):
        with suppress(ImportError):
            kinds.append(import_module(library).TransportError)
    return tuple(kinds)


@contextmanager
def explained_hub(hub: Any, name: HubName, *, cached: bool = True) -> Iterator[None]:
    """Say what the hub refused in one sentence, and what to do in another.

    Args:
        hub: The module.
        name: What is asked for.
        cached: Whether a copy in the cache would do.

    Raises:
        UnknownStyle: There is no such repository, revision or file.
        FastnstError: Another error of the hub or of the connection.
    """
    errors = hub.errors
    try:
        yield
    except errors.GatedRepoError as error:
        raise FastnstError(
            f"The owner of hf:{name.repo} gives it to those alone who asked for it.",
            f"Ask on its page, https://huggingface.co/{name.repo}. {LOG_IN}",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UnknownStyle(f"hf:{name.repo} has no revision {name.revision!r}.") from error
    except errors.RepositoryNotFoundError as error:
        raise UnknownStyle(
            f"There is no hf:{name.repo} on the hub, or it is private and not yours.", LOG_IN
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, *_unreachable()) as error:
        raise FastnstError(
            f"The hub can't be reached{f', and {name} is not in its cache' if cached else ''}.",
            f"Connect to the internet (without HF_HUB_OFFLINE){', or give a file by --model' if cached else ''}.",
        ) from error
    except errors.LocalTokenNotFoundError as error:
        raise FastnstError("You are not logged in to the hub.", LOG_IN) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 0)
        if status in (401, 403):
            raise FastnstError(
                f"The hub does not let you use hf:{name.repo}.",
                f"It needs a token that may write there. {LOG_IN}",
            ) from error
        raise FastnstError(f"The hub answered {first_line(error)}.", "Try again later.") from error
    except RuntimeError as error:  # Of an upload that failed half-way.
        raise FastnstError(
            f"The hub did not take it: {first_line(error)}.", "Try again."
        ) from error
    except (errors.HFValidationError, ValueError) as error:
        raise FastnstError(f"{name}: {first_line(error)}.", "Write hf:user/name.") from error
