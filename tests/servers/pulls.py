"""How a pull request comes to a loopback Hub: which road each file goes, the large ones, then the commit."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from . import lfs, xet
from .exchange import COMMIT, Request, Response, as_json, refusal

if TYPE_CHECKING:
    from .hub import Hub

_WRITING = ("/preupload/", "/commit/", ".git/info/lfs/", "/xet-write-token/")


def is_write(request: Request) -> bool:
    """Whether a request belongs to a commit, and so needs the token."""
    return any(part in request.path for part in _WRITING)


def write(hub: Hub, request: Request) -> Response:
    """The steps of a commit: by which road each file goes, the large ones, then the pull request itself."""
    kind, name, verb = _write_request(request.path)
    if name not in (hub.datasets if kind == "datasets" else hub.models):
        return refusal(404, "RepoNotFound")
    address = f"{hub.url}/{'datasets/' if kind == 'datasets' else ''}{name}"
    if verb == "preupload":
        return _modes(json.loads(request.body)["files"])
    if verb == "batch":
        return lfs.batch(hub.storage, address, request)
    if verb == "verify":
        return lfs.verify(hub.storage, request)
    if verb == "xet-write-token":
        return xet.grant(hub.cas)
    return _commit(hub, address, [json.loads(line) for line in request.body.splitlines() if line.strip()])


def _modes(files: list[dict[str, Any]]) -> Response:
    modes = {file["path"]: "lfs" if lfs.by_lfs(file["path"], file["size"]) else "regular" for file in files}
    return as_json({"files": [{"path": p, "uploadMode": mode, "shouldIgnore": False} for p, mode in modes.items()]})


def _commit(hub: Hub, address: str, lines: list[dict[str, Any]]) -> Response:
    """Open a pull request, whole or not at all: large files must have come before."""
    plain = {line["value"]["path"]: line["value"] for line in lines if line["key"] == "file"}
    large = {line["value"]["path"]: line["value"] for line in lines if line["key"] == "lfsFile"}
    files = {path: base64.b64decode(file["content"]) for path, file in plain.items()}
    if any(lfs.by_lfs(path, len(content)) for path, content in files.items()):
        return refusal(400, "BinaryFileInGit")
    if not all(hub.storage.holds(file["oid"], file["size"]) for file in large.values()):
        return refusal(400, "LfsObjectNotFound")
    files |= {path: hub.storage.objects[file["oid"]] for path, file in large.items()}
    hub.pull_requests.append(files)
    if hub.merge is not None:
        hub.merge.update(files)
    return as_json(
        {
            "commitUrl": f"{address}/commit/{COMMIT}",
            "commitOid": COMMIT,
            "hookOutput": "",
            "pullRequestUrl": f"{address}/discussions/{len(hub.pull_requests)}",
            "success": True,
        }
    )


def _write_request(path: str) -> tuple[str, str, str]:
    """Kind of repository, its name and the verb of `/api/KIND/ORG/NAME/VERB/REVISION`, or of
    `/KIND/ORG/NAME.git/info/lfs/objects/VERB`, where models have no KIND."""
    if ".git/info/lfs/" not in path:
        kind, organisation, name, verb = path.removeprefix("/api/").split("/")[:4]
        return kind, f"{organisation}/{name}", verb
    address, _, verb = path.partition(".git/info/lfs/objects/")
    *prefix, organisation, name = address.strip("/").split("/")
    return "".join(prefix) or "models", f"{organisation}/{name}", verb
