"""`web` as the command line has it."""

from __future__ import annotations

import sys
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fastnst.errors import FastnstError
from fastnst.runtime.engine.devices import Device
from fastnst.system.installation import missing_extra
from fastnst.system.machine import keep_freed_memory

_FLAG = Parameter(negative="")


def web(
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    password: str = "",
    open_browser: Annotated[bool, Parameter(negative="--no-browser", show_default=False)] = True,
    api_only: Annotated[bool, _FLAG] = False,
    export: Path | None = None,
    ort: Path | None = None,
    device: Device = "auto",
    max_megabytes: float = 200,
    max_megapixels: float = 50,
    max_seconds: float = 600,
    max_waiting: int = 20,
) -> None:
    """Open a page in the browser that paints photos, videos and the camera, on this machine.

    Args:
        host: Address to listen on: 0.0.0.0 is the network that this machine is in, and wants a password.
        port: Port to listen on; 0 takes a free one.
        password: Password that visitors must give, with any user name.
        open_browser: Open the page in the browser.
        api_only: Offer no page, only the interface for programs.
        export: Write a page that needs no server into this new folder, and end: it paints in the visitor's browser.
        ort: Folder with the files of onnxruntime-web for --export; without it, npm takes them.
        device: Device that paints; auto is the fastest one.
        max_megabytes: Refuse larger uploads.
        max_megapixels: Refuse larger photos.
        max_seconds: Refuse longer videos.
        max_waiting: Number of visitors who may wait at a time.
    """
    if export is not None:
        from fastnst.web.export import export_page

        print(f"{export_page(export, ort)}  (any host of static files serves the folder)")
        return
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise missing_extra("`fastnst web` needs Gradio.", "web") from error
    from fastnst.web.limits import Limits
    from fastnst.web.server import LOOPBACK, application, listen, server

    if host not in LOOPBACK and not password:
        raise FastnstError(
            f"Whoever can reach {host} could use this machine.", "Set a password: --password WORD"
        )
    keep_freed_memory()
    limits = Limits(max_megabytes, max_megapixels, max_seconds, waiting=max_waiting)
    connection = listen(host, port)
    address = f"http://{'localhost' if host in LOOPBACK else host}:{connection.getsockname()[1]}"

    def ready() -> None:
        print(f"The page is at {address}  (Ctrl-C ends it)", file=sys.stderr)
        if open_browser and not api_only:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    with application(
        limits=limits, device=device, host=host, password=password, api_only=api_only
    ) as app:
        server(app, ready).run([connection])
