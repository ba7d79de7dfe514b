"""The server of the page: who may ask for what, and its start and end."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastnst.errors import FastnstError
from fastnst.runtime.engine.devices import Device
from fastnst.web.api import build_api
from fastnst.web.limits import Limits
from fastnst.web.live import add_routes
from fastnst.web.page import build_page, looks
from fastnst.web.sessions import Sessions
from fastnst.web.studio import Studio

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of the machine itself."""
SLACK_BYTES = 1_000_000
"""Bytes of a request beside the file that it brings."""

END_SECONDS = 2
"""Seconds that pages which are open get at the end of the server."""


@dataclass(frozen=True)
class Doorkeeper:
    """Middleware that turns away who may not come in.

    It takes requests for the names of this server alone, so that no other page that the visitor has open can use
    it, wants the password if there is one, and ends requests that are too large.
    """

    app: ASGIApp
    """The application behind it."""
    hosts: frozenset[str]
    """Names that the server has; empty for any."""
    password: str
    """Password, for any user name; empty for none."""
    most_bytes: int
    """Bytes of a request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most_bytes:  # One that did not say so before.
                return {"type": "http.disconnect"}
            return message

        await self.app(scope, counted, send)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        if self.hosts and urlsplit(f"//{host}").hostname not in self.hosts:
            return PlainTextResponse("This server has another name.", 400)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("Another page may not use this server.", 403)
        if self.password and not self._knows(headers.get("authorization", "")):
            ask = {"WWW-Authenticate": 'Basic realm="fastnst", charset="UTF-8"'}
            return PlainTextResponse("The password is missing or wrong.", 401, ask)
        path = unquote(scope["path"])
        if "proxy=" in path or ("file=" in path and "://" in path):
            return PlainTextResponse("Nothing is fetched from elsewhere.", 403)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self.most_bytes:
            return PlainTextResponse(f"More than {self.most_bytes // 1_000_000} MB.", 413)
        return None

    def _knows(self, authorization: str) -> bool:
        kind, _, code = authorization.partition(" ")
        try:
            given = b64decode(code).partition(b":")[2]
        except ValueError:
            return False
        return kind.lower() == "basic" and secrets.compare_digest(given, self.password.encode())


@contextmanager
def application(
    *,
    limits: Limits | None = None,
    device: Device = "auto",
    host: str = "127.0.0.1",
    password: str = "",
    api_only: bool = False,
) -> Iterator[FastAPI]:
    """Yield the application, with a folder of temporary files of its own, which goes with it.

    Args:
        limits: Limits of what visitors may give.
        device: Device that paints.
        host: Address that the server listens on.
        password: Password, for any user name; empty for none.
        api_only: Whether to leave out the page, and offer the interface for programs alone.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="fastnst-web-", ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        # Where Gradio puts uploads, and looks for what it may show.
        os.environ["GRADIO_TEMP_DIR"] = os.environ["GRADIO_EXAMPLES_CACHE"] = str(root)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        sessions = Sessions(root)
        studio = Studio(sessions, limits, device, keeps=host in LOOPBACK)
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        app.add_middleware(
            Doorkeeper,
            hosts=LOOPBACK if host in LOOPBACK else frozenset(),
            password=password,
            most_bytes=limits.bytes + SLACK_BYTES,
        )
        if not api_only:
            add_routes(app, studio)
        gr.mount_gradio_app(
            app, build_api(studio) if api_only else build_page(studio), path="/", server_name=host, max_file_size=limits.bytes,
            run_history=False, show_error=True, ssr_mode=False, mcp_server=False, enable_monitoring=False,
            pwa=False, **looks(),
        )  # fmt: skip
        try:
            yield app
        finally:
            sessions.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Args:
        host: Name or number of the address.
        port: Port; 0 for a free one.

    Raises:
        FastnstError: The address can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connection = socket.socket(family)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        connection.bind((host, port))
    except (OSError, OverflowError) as error:
        connection.close()
        reason = getattr(error, "strerror", None) or error
        raise FastnstError(
            f"Nothing can listen on {host}, port {port}: {reason}.",
            "Give another --port, or --port 0 for a free one.",
        ) from error
    return connection


def server(app: ASGIApp, ready: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """Return a server of the application, whose `run` takes the socket of `listen` and ends at a signal.

    Args:
        app: The application.
        ready: Called once requests are answered.
    """

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    return Server(
        uvicorn.Config(
            app, log_level="critical", access_log=False, timeout_graceful_shutdown=END_SECONDS, server_header=False
        )
    )  # fmt: skip
