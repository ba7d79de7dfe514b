"""A server that speaks the routes of the Hugging Face hub that are used: repositories, commits, large files, downloads."""

import base64
import hashlib
import json
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TOKEN = "hf_of_the_tests"


class Hub:
    """State of the server: of each repository its commits, oldest first, as a hash and the files."""

    def __init__(self):
        self.commits = {}
        self.large = {}
        self.gated = set()
        self.requests = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def log_message(self, *_):
                pass

            def handle_request(self):
                hub.requests.append((self.command, self.path))
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                with suppress(BrokenPipeError):
                    hub.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = handle_request  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def add(self, repo, **files):
        """Commit files, whose names have _ for a dot."""
        self.commit(repo, {name.replace("_", "."): data for name, data in files.items()})

    def commit(self, repo, files):
        commits = self.commits.setdefault(repo, [])
        files = {**(commits[-1][1] if commits else {}), **files}
        sha = hashlib.sha1(f"{repo} {len(commits)}".encode()).hexdigest()
        commits.append((sha, files))
        return sha

    def find(self, repo, revision):
        commits = self.commits[repo]
        if revision in (None, "main"):
            return commits[-1]
        return next((commit for commit in commits if commit[0] == revision), None)

    def answer(self, request):
        def reply(status, value=b"", **headers):
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            request.send_response(status)
            headers.setdefault("Content-Length", len(data))
            for name, text in headers.items():
                request.send_header(name.replace("_", "-"), str(text))
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(data)

        path = request.path.partition("?")[0]
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        repo = r"/(?P<repo>[\w.-]+/[\w.-]+)"
        if path == "/api/repos/create":
            if not known:
                return reply(401, {"error": "Unauthorized"})
            values = json.loads(request.body)
            name = "/".join(filter(None, [values.get("organization"), values["name"]]))
            if name in self.commits:
                return reply(409, {"error": "there", "url": f"{self.url}/{name}"})
            self.commit(name, {".gitattributes": b""})
            return reply(200, {"url": f"{self.url}/{name}", "name": name})
        if path == "/api/validate-yaml":
            return reply(200, {"errors": [], "warnings": []})
        if match := re.fullmatch(f"/api/models{repo}/preupload/main", path):
            files = json.loads(request.body)["files"]
            kinds = {
                file["path"]: "lfs"
                if file["path"].endswith((".onnx", ".safetensors"))
                else "regular"
                for file in files
            }
            files = [
                {"path": p, "uploadMode": kind, "shouldIgnore": False, "oid": None}
                for p, kind in kinds.items()
            ]
            return reply(200, {"files": files})
        if match := re.fullmatch(rf"{repo}\.git/info/lfs/objects/batch", path):
            objects = []
            for each in json.loads(request.body)["objects"]:
                upload = {"href": f"{self.url}/large/{each['oid']}", "header": {}}
                objects.append({**each, "actions": {"upload": upload}})
            return reply(200, {"transfer": "basic", "objects": objects})
        if match := re.fullmatch(r"/large/(\w+)", path):
            self.large[match[1]] = request.body
            return reply(200)
        if match := re.fullmatch(f"/api/models{repo}/commit/main", path):
            files = {}
            for line in map(json.loads, request.body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    data = self.large[value["oid"]]
                    assert hashlib.sha256(data).hexdigest() == value["oid"]
                    files[value["path"]] = data
            sha = self.commit(match["repo"], files)
            url = f"{self.url}/{match['repo']}/commit/{sha}"
            return reply(200, {"success": True, "commitOid": sha, "commitUrl": url})
        match = re.fullmatch(
            f"/api/models{repo}(/revision/(?P<revision>.+))?", path
        ) or re.fullmatch(f"{repo}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", path)
        if match is None:
            return reply(404, {"error": f"no route {path}"})
        if match["repo"] in self.gated:
            return reply(403, {"error": "gated"}, X_Error_Code="GatedRepo")
        if match["repo"] not in self.commits:
            return reply(401, {"error": "not found"}, X_Error_Code="RepoNotFound")
        commit = self.find(match["repo"], match["revision"])
        if commit is None:
            return reply(404, {"error": "not found"}, X_Error_Code="RevisionNotFound")
        sha, files = commit
        if "file" not in match.groupdict():
            siblings = [
                {"rfilename": p, "size": len(data), "blobId": "0"} for p, data in files.items()
            ]
            return reply(200, {"id": match["repo"], "sha": sha, "siblings": siblings})
        if match["file"] not in files:
            return reply(404, {"error": "not found"}, X_Error_Code="EntryNotFound")
        data = files[match["file"]]
        tag = hashlib.sha256(data).hexdigest()
        return reply(200, data, ETag=f'"{tag}"', X_Repo_Commit=sha, Content_Length=len(data))


@pytest.fixture
def hub(tmp_path_factory, monkeypatch):
    """A hub of its own, with an empty cache, for huggingface_hub in this process."""
    constants = pytest.importorskip("huggingface_hub.constants")
    home = tmp_path_factory.mktemp("hub")
    hub = Hub()
    thread = threading.Thread(target=hub.server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield hub
    if thread.is_alive():
        hub.server.shutdown()
        thread.join()
    hub.server.server_close()
