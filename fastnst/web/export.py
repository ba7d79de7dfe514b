"""The page without a server: a folder of static files that paints in the visitor's browser."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastnst.errors import BadStyleFile, CannotWrite, FastnstError
from fastnst.runtime.engine.level_painter import PADDING
from fastnst.runtime.engine.net_session import NetSession
from fastnst.runtime.engine.painting_statistics import STATISTICS_SIDE, statistics_net
from fastnst.styles.mix import STATISTICS, STROKE_RANGE
from fastnst.styles.registry import find_gallery, style_names

STATIC = Path(__file__).parent / "static"
ORT_PACKAGE = "onnxruntime-web@1.30.0"
ORT_FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    "ort.webgpu.min.mjs": "3dffff71811bc13a3a3d9591c57ca5ee5735b8f5f3eaf789510b02bb040ae3a0",
    "ort-wasm-simd-threaded.asyncify.mjs": "3d1c85995364bb643302fc6fd877a0c3ba5ae72401815e0f24828a53d9191e28",
    "ort-wasm-simd-threaded.asyncify.wasm": "39f9f0894d478800487ed9f7dbe92618498db320cf55c8e3d89adff8dce658da",
}
"""Files of onnxruntime-web that the page needs, with their SHA-256: for WebAssembly, then for WebGPU."""


def export_page(folder: Path, ort: Path | None = None) -> Path:
    """Write a static page that paints photos and the camera in the visitor's browser, by the net for real time.

    Args:
        folder: Folder to write, new or empty.
        ort: Folder with the files of onnxruntime-web; None takes them by `npm`.

    Returns:
        The page's file.

    Raises:
        CannotWrite: The folder has files, or can't be written.
        FastnstError: onnxruntime-web is not to be had, or is another version.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotWrite(f"{folder} is there already, and not empty.", "Give a new folder.")
    net = find_gallery(fast=True)
    facts = net_facts(net)
    try:
        with _onnxruntime_web(ort) as files:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "ort").mkdir()
            for file in files:
                shutil.copyfile(file, folder / "ort" / file.name)
        for file in STATIC.iterdir():
            shutil.copyfile(file, folder / file.name)
        shutil.copyfile(net, folder / "net.onnx")
        if facts["predicted"]:
            (folder / "painting.onnx").write_bytes(statistics_net(half=True).SerializeToString())
        (folder / "net.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{folder} can't be written: {error.strerror or error}.") from error
    return folder / "index.html"


def net_facts(net: Path) -> dict[str, Any]:
    """Return what the page must know of a net.

    Raises:
        BadStyleFile: It is no net of several levels with a card.
    """
    session = NetSession(net, device="cpu")
    card = session.card
    if card is None or card.levels == 1:
        raise BadStyleFile(
            f"{net} is no net that paints from coarse to fine.", "The page takes a gallery."
        )
    return {
        "styles": style_names(net, card),
        "rows": card.rows,
        "levels": card.levels,
        "base": card.base,
        "default_stroke": card.default_stroke,
        "stroke_range": STROKE_RANGE,
        "identity": card.identity,
        "multiple_of": card.multiple_of,
        "minimum": card.minimum,
        "padding": PADDING,
        "style_each": session.style_each,
        "predicted": card.predicted,
        "statistics": STATISTICS if card.predicted else 0,
        "painting_side": STATISTICS_SIDE,
    }


@contextmanager
def _onnxruntime_web(folder: Path | None) -> Iterator[list[Path]]:
    """Yield the files of onnxruntime-web, which are those of the one version."""
    if folder is not None:
        yield [_checked(folder / name) for name in ORT_FILES]
        return
    with tempfile.TemporaryDirectory() as temporary:
        try:
            done = subprocess.run(
                [shutil.which("npm") or "npm", "pack", "--silent", ORT_PACKAGE],
                cwd=temporary, check=True, capture_output=True, text=True,
            )  # fmt: skip
            with tarfile.open(Path(temporary, done.stdout.strip())) as archive:
                for name in ORT_FILES:  # By name: extractall knows no filter before Python 3.11.4.
                    part = archive.extractfile(f"package/dist/{name}")
                    Path(temporary, name).write_bytes(part.read() if part else b"")
        except (OSError, subprocess.CalledProcessError, tarfile.TarError, KeyError) as error:
            raise FastnstError(
                f"{ORT_PACKAGE}, which paints in the browser, can't be had by npm.",
                "Give the folder `dist` of that package: --ort FOLDER",
            ) from error
        yield [_checked(Path(temporary, name)) for name in ORT_FILES]


def _checked(file: Path) -> Path:
    """Return a file that has the hash that it should have."""
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        found = ""
    if found != ORT_FILES[file.name]:
        raise FastnstError(
            f"{file} is {'another file' if found else 'not there'}.",
            f"It must be that of {ORT_PACKAGE}.",
        )
    return file
