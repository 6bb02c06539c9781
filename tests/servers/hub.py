"""A loopback Hub: what of its API huggingface_hub and datasets use to read files and to open pull requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from . import lfs, pulls, xet
from .exchange import COMMIT, Request, Response, as_json, refusal


@dataclass
class Hub:
    """Datasets by `ORG/NAME`, each a mapping of path to content, all at one commit. `seen` lists what was asked,
    `told` what of it carried `token`. `models` are repositories of the other kind; `pull_requests` holds the files of
    each one opened, which needs `token` where that is set. Large files go by LFS or by Xet to hosts of their own, as
    the client likes. `merge`, where given, takes the files of each pull request in at once. `failing` maps a part of a
    request (`PUT /storage`) to the status such requests get."""

    datasets: Mapping[str, Mapping[str, bytes]]
    revisions: tuple[str, ...] = ("main", "v1", COMMIT)
    licence: str | None = "cc-by-4.0"
    url: str = ""
    seen: list[str] = field(default_factory=list)
    models: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    pull_requests: list[dict[str, bytes]] = field(default_factory=list)
    merge: dict[str, bytes] | None = None
    token: str | None = None
    told: list[str] = field(default_factory=list)
    failing: Mapping[str, int] = field(default_factory=dict)
    storage: lfs.Storage = field(default_factory=lfs.Storage)
    cas: xet.Xet = field(init=False)

    def __post_init__(self) -> None:
        self.cas = xet.Xet(self.storage)


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` on a free loopback port; set HF_ENDPOINT to `hub.url` in the process that asks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            request = Request(self.command, unquote(url.path), parse_qs(url.query), bearer, body)
            hub.seen.append(str(request))
            if hub.token and hub.token.encode() in f"{self.path} {self.headers}".encode() + body:
                hub.told.append(str(request))
            status, content, headers = answer(hub, request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    hub.storage.url = f"http://localhost:{server.server_port}/storage"
    hub.cas.url = f"http://localhost:{server.server_port}/xet"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(hub: Hub, request: Request) -> Response:
    """Status, content and headers for one request."""
    failed = [status for part, status in hub.failing.items() if part in str(request)]
    if failed:
        return refusal(failed[0], "Failing")
    if request.path.startswith("/storage/"):
        return lfs.store(hub.storage, request)
    if request.path.startswith("/xet/"):
        return xet.take(hub.cas, request)
    if request.path == "/api/validate-yaml":
        return _card(json.loads(request.body)["content"])
    if pulls.is_write(request):
        trusted = hub.token is None or request.bearer == hub.token
        return pulls.write(hub, request) if trusted else refusal(401, "GatedRepo")
    return read(hub, request)


def _card(text: str) -> Response:
    """What the Hub says of a card before it takes one: its header is YAML with a licence in small letters."""
    header = yaml.safe_load(text.split("---")[1]) if text.startswith("---\n") else {}
    licence = str(header.get("license", ""))
    wrong = [] if licence and licence == licence.lower() else [{"message": '"license" must be one of its ids'}]
    return (400 if wrong else 200, *as_json({"errors": wrong, "warnings": []})[1:])


def read(hub: Hub, request: Request) -> Response:
    """What a dataset is, and its files."""
    path = request.path
    for name, files in hub.datasets.items():
        api, resolve = f"/api/datasets/{name}", f"/datasets/{name}/resolve/"
        if path == api or path.startswith(api + "/"):
            return _api(hub, name, path.removeprefix(api).lstrip("/"), request)
        if path.startswith(resolve):
            return _file(hub, files, path.removeprefix(resolve))
    return refusal(404, "RepoNotFound")


def _api(hub: Hub, name: str, rest: str, request: Request) -> Response:
    verb, _, rest = rest.partition("/")
    revision, _, folder = rest.partition("/")
    files = hub.datasets[name]
    if verb and revision not in hub.revisions:
        return refusal(404, "RevisionNotFound")
    if verb in ("", "revision"):
        card = {"license": hub.licence} if hub.licence else {}
        siblings = [{"rfilename": path} for path in files]
        info = {"id": name, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0}
        return as_json({**info, "lastModified": "2025-05-01T10:00:00.000Z", "cardData": card, "siblings": siblings})
    if verb == "tree":
        found = _tree(
            files, folder, recursive="true" in [value.lower() for value in request.query.get("recursive", [])]
        )
        return as_json(found) if found else refusal(404, "EntryNotFound")
    if verb == "paths-info":
        body = request.body
        asked = parse_qs(body.decode()).get("paths", []) if body[:1] != b"{" else json.loads(body)["paths"]
        return as_json([_entry(path, files[path]) for path in asked if path in files])
    return refusal(404, "EntryNotFound")


def _tree(files: Mapping[str, bytes], folder: str, *, recursive: bool) -> list[dict[str, object]]:
    """What lies in `folder`: its files and folders, with `recursive` those of its folders too."""
    base = f"{folder}/" if folder else ""
    inside = {path: content for path, content in files.items() if path.startswith(base)}
    folders = {
        str(parent) for path in inside for parent in PurePosixPath(path).parents if str(parent) not in (".", folder)
    }
    entries = [_entry(path, content) for path, content in inside.items()]
    entries += [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in sorted(folders)]
    return [entry for entry in entries if recursive or "/" not in str(entry["path"]).removeprefix(base)]


def _file(hub: Hub, files: Mapping[str, bytes], rest: str) -> Response:
    revision, _, path = rest.partition("/")
    if revision not in hub.revisions:
        return refusal(404, "RevisionNotFound")
    if path not in files:
        return refusal(404, "EntryNotFound")
    content = files[path]
    headers = {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": COMMIT, "Content-Type": "application/octet-stream"}
    if not lfs.by_lfs(path, len(content)):
        return 200, content, headers
    oid = lfs.sha256(content)
    hub.storage.objects[oid] = content
    linked = {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content)), "Location": hub.storage.address(oid)}
    return 302, b"", headers | linked


def _entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
    if lfs.by_lfs(path, len(content)):
        entry["lfs"] = {"oid": lfs.sha256(content), "size": len(content), "pointerSize": 134}
    return entry


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
