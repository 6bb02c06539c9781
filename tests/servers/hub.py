"""A loopback Hub: the read side of the dataset API that huggingface_hub and datasets use, from files in memory."""

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

COMMIT = "1f" * 20


Response = tuple[int, bytes, dict[str, str]]
Query = Mapping[str, list[str]]


@dataclass
class Hub:
    """Datasets by `ORG/NAME`, each a mapping of path to content, all at one commit. `seen` lists what was asked."""

    datasets: Mapping[str, Mapping[str, bytes]]
    revisions: tuple[str, ...] = ("main", "v1", COMMIT)
    licence: str | None = "cc-by-4.0"
    url: str = ""
    seen: list[str] = field(default_factory=list)


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
