"""Who may ask for what, and what is left of it."""

import os
import re
from base64 import b64encode
from contextlib import suppress

import httpx
import pytest
from visitors import serving

from fastnst.errors import FastnstError
from fastnst.system.package_data import bundled
from fastnst.web.limits import Limits
from fastnst.web.server import listen

EVERYWHERE = "http://0.0.0.0"


@pytest.mark.slow
def test_files_outside_the_temporary_folder_are_never_served(address, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    here = bundled("checkpoints").parent
    for path in (
        secret, "/etc/passwd", here / "pyproject.toml", "pyproject.toml", "../../etc/passwd",
        f"{os.environ['GRADIO_TEMP_DIR']}/../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "file:///etc/passwd",
    ):  # fmt: skip
        for route in (
            "gradio_api/file=",
            "file=",
            "gradio_api/file/",
            "static/",
            "assets/",
            "gradio_api/stream/",
        ):
            answer = httpx.get(f"{address}/{route}{path}")
            assert answer.status_code in (400, 403, 404, 405, 422), (route, path)


@pytest.mark.parametrize(
    "path",
    ["file=http://192.0.2.1/a.png", "proxy=http://192.0.2.1/", "file=https%3A%2F%2F192.0.2.1/a"],
)
def test_nothing_is_fetched_from_elsewhere(address, path):
    answer = httpx.get(f"{address}/gradio_api/{path}")
    assert (answer.status_code, answer.text) == (403, "Nothing is fetched from elsewhere.")


def test_other_pages_of_the_browser_can_not_use_the_server(address):
    assert httpx.get(address, headers={"Origin": address}).status_code == 200
    for origin in ("http://example.com", "null", "http://localhost:1"):
        assert httpx.get(address, headers={"Origin": origin}).status_code == 403
    # A name of another owner's that leads to this machine.
    assert httpx.get(address, headers={"Host": "example.com"}).status_code == 400


def test_the_page_names_no_other_host_to_load_from(address):
    page = httpx.get(address).text
    loaded = re.findall(
        r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"(https?:)?//([^/\"]+)", page
    )
    assert loaded == []
    config = httpx.get(f"{address}/config").json()
    assert config["analytics_enabled"] is False
    assert "fonts.googleapis" not in page + httpx.get(f"{address}/theme.css").text


def test_uploads_are_bounded():
    with serving(limits=Limits(megabytes=1)) as address:
        upload = f"{address}/gradio_api/upload"
        assert httpx.post(upload, files={"files": ("a.png", bytes(900_000))}).status_code == 200
        assert httpx.post(upload, files={"files": ("a.png", bytes(1_100_000))}).status_code == 413
        answer = httpx.post(upload, files={"files": ("a.png", bytes(2_100_000))})
        assert (answer.status_code, answer.text) == (413, "More than 2 MB.")


def test_a_request_that_hides_its_size_ends_too():
    with serving(limits=Limits(megabytes=1)) as address:
        blocks = (bytes(100_000) for _ in range(100))
        with suppress(httpx.TransportError):  # It ended.
            answer = httpx.post(f"{address}/gradio_api/queue/join", content=blocks)
            assert answer.status_code >= 400


def test_names_of_uploads_can_not_leave_their_folder(address):
    for name in (
        "../../../evil.png",
        "/etc/evil.png",
        "..\\..\\evil.png",
        "a" * 400 + ".png",
        "\x00.png",
    ):
        answer = httpx.post(f"{address}/gradio_api/upload", files={"files": (name, b"x")})
        if answer.status_code == 200:
            (path,) = answer.json()
            assert os.path.realpath(path).startswith(os.environ["GRADIO_TEMP_DIR"])


def test_a_page_among_the_uploads_is_not_shown_as_one(address):
    files = {"files": ("page.html", b"<script>alert(1)</script>")}
    (path,) = httpx.post(f"{address}/gradio_api/upload", files=files).json()
    answer = httpx.get(f"{address}/gradio_api/file={path}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "html" not in answer.headers["content-type"]


@pytest.mark.slow
def test_the_password_opens_everything_and_nothing_else_does():
    with serving(password="grün") as address:
        for path in ("", "config", "gradio_api/info", "gradio_api/upload", "theme.css"):
            assert httpx.get(f"{address}/{path}").status_code == 401
            assert httpx.get(f"{address}/{path}", auth=("me", "wrong")).status_code == 401
            bad = {"Authorization": "Basic ?"}
            assert httpx.get(f"{address}/{path}", headers=bad).status_code == 401
        code = b64encode("anyone:grün".encode()).decode()
        right = {"Authorization": f"Basic {code}"}
        assert httpx.get(address, headers=right).status_code == 200


def test_temporary_files_go_with_the_server():
    with serving() as address:
        folder = os.environ["GRADIO_TEMP_DIR"]
        httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.png", b"x")})
        assert os.listdir(folder)
    assert not os.path.exists(folder)


def test_an_address_that_can_not_be_had_is_an_error():
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FastnstError, match=f"Nothing can listen on 127.0.0.1, port {port}: "):
            listen("127.0.0.1", port)
    with pytest.raises(FastnstError, match="port 99999"):
        listen("127.0.0.1", 99999)
