"""A loopback Hub: what of its API huggingface_hub and datasets use to read files and to open pull requests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "1f" * 20


Response = tuple[int, bytes, dict[str, str]]
Query = Mapping[str, list[str]]


@dataclass
class Hub:
    """Datasets by `ORG/NAME`, each a mapping of path to content, all at one commit. `seen` lists what was asked.
    `models` are repositories of the other kind; `pull_requests` holds the files of each one opened, which needs `token`
    where that is set."""

    datasets: Mapping[str, Mapping[str, bytes]]
    revisions: tuple[str, ...] = ("main", "v1", COMMIT)
    licence: str | None = "cc-by-4.0"
    url: str = ""
    seen: list[str] = field(default_factory=list)
    models: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    pull_requests: list[dict[str, bytes]] = field(default_factory=list)
    token: str | None = None


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` on a free loopback port; set HF_ENDPOINT to `hub.url` in the process that asks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_POST = do_GET  # noqa: N815

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            url = urlsplit(self.path)
            hub.seen.append(f"{self.command} {unquote(url.path)}")
            if self.command == "POST" and ("/preupload/" in url.path or "/commit/" in url.path):
                trusted = hub.token is None or self.headers.get("Authorization") == f"Bearer {hub.token}"
                status, content, headers = write(hub, unquote(url.path), body) if trusted else _error(401, "GatedRepo")
            else:
                status, content, headers = answer(hub, unquote(url.path), parse_qs(url.query), body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(hub: Hub, path: str, query: Query, body: bytes) -> Response:
    """Status, content and headers for one request."""
    for name, files in hub.datasets.items():
        api, resolve = f"/api/datasets/{name}", f"/datasets/{name}/resolve/"
        if path == api or path.startswith(api + "/"):
            return _api(hub, name, path.removeprefix(api).lstrip("/"), query, body)
        if path.startswith(resolve):
            return _file(hub, files, path.removeprefix(resolve))
    return _error(404, "RepoNotFound")


def _api(hub: Hub, name: str, rest: str, query: Query, body: bytes) -> Response:
    verb, _, rest = rest.partition("/")
    revision, _, folder = rest.partition("/")
    files = hub.datasets[name]
    if verb and revision not in hub.revisions:
        return _error(404, "RevisionNotFound")
    if verb in ("", "revision"):
        card = {"license": hub.licence} if hub.licence else {}
        siblings = [{"rfilename": path} for path in files]
        info = {"id": name, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0}
        return _json({**info, "lastModified": "2025-05-01T10:00:00.000Z", "cardData": card, "siblings": siblings})
    if verb == "tree":
        found = _tree(files, folder, recursive="true" in [value.lower() for value in query.get("recursive", [])])
        return _json(found) if found else _error(404, "EntryNotFound")
    if verb == "paths-info":
        asked = parse_qs(body.decode()).get("paths", []) if body[:1] != b"{" else json.loads(body)["paths"]
        return _json([_entry(path, files[path]) for path in asked if path in files])
    return _error(404, "EntryNotFound")


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


def write(hub: Hub, path: str, body: bytes) -> Response:
    """The two steps of a commit: by which road each file goes (all by the plain one), then the pull request itself."""
    kind, name, verb = _write_request(path)
    if name not in (hub.datasets if kind == "datasets" else hub.models):
        return _error(404, "RepoNotFound")
    if verb == "preupload":
        asked = [file["path"] for file in json.loads(body)["files"]]
        return _json({"files": [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in asked]})
    lines = [json.loads(line) for line in body.splitlines() if line.strip()]
    files = [line["value"] for line in lines if line["key"] == "file"]
    hub.pull_requests.append({file["path"]: base64.b64decode(file["content"]) for file in files})
    address = f"{hub.url}/{'datasets/' if kind == 'datasets' else ''}{name}"
    number = len(hub.pull_requests)
    return _json(
        {
            "commitUrl": f"{address}/commit/{COMMIT}",
            "commitOid": COMMIT,
            "hookOutput": "",
            "pullRequestUrl": f"{address}/discussions/{number}",
            "success": True,
        }
    )


def _write_request(path: str) -> tuple[str, str, str]:
    """Kind of repository, its name and the verb of `/api/KIND/ORG/NAME/VERB/REVISION`."""
    kind, organisation, name, verb = path.removeprefix("/api/").split("/")[:4]
    return kind, f"{organisation}/{name}", verb


def _file(hub: Hub, files: Mapping[str, bytes], rest: str) -> Response:
    revision, _, path = rest.partition("/")
    if revision not in hub.revisions:
        return _error(404, "RevisionNotFound")
    if path not in files:
        return _error(404, "EntryNotFound")
    headers = {"ETag": f'"{_oid(files[path])}"', "X-Repo-Commit": COMMIT, "Content-Type": "application/octet-stream"}
    return 200, files[path], headers


def _entry(path: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}


def _oid(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _json(value: object) -> Response:
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}


def _error(status: int, code: str) -> Response:
    return status, json.dumps({"error": code}).encode(), {"X-Error-Code": code, "Content-Type": "application/json"}
