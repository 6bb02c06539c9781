"""Git LFS' basic transfer: a batch says where each object goes, storage takes it by PUT, verify sees whether it came.

https://github.com/git-lfs/git-lfs/blob/main/docs/api/basic-transfers.md
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from .exchange import Request, Response, as_json, refusal

SIGNATURE = "signed_for_this_object"
_SUFFIXES = (".gz", ".parquet")


@dataclass
class Storage:
    """Objects by SHA-256. It has a host of its own, `url`, which trusts signed addresses and wants no token. `refused`
    is what a batch says of every object it is asked for."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refused: str | None = None
    url: str = ""

    def address(self, oid: str) -> str:
        """Where an object is put and read, signed."""
        return f"{self.url}/{oid}?X-Amz-Signature={SIGNATURE}"

    def holds(self, oid: str, size: int) -> bool:
        """Whether the object came whole."""
        return oid in self.objects and len(self.objects[oid]) == size


def by_lfs(path: str, size: int) -> bool:
    """Whether the Hub keeps a file out of git: binary ones by their name, but never an empty one."""
    return size > 0 and path.endswith(_SUFFIXES)


def sha256(content: bytes) -> str:
    """The name of an object."""
    return hashlib.sha256(content).hexdigest()


def batch(storage: Storage, repository: str, request: Request) -> Response:
    """Where each object goes. Only the basic transfer is offered."""
    asked = json.loads(request.body)
    if (asked["operation"], asked["hash_algo"]) != ("upload", "sha256") or "basic" not in asked["transfers"]:
        return refusal(422, "BadBatch")
    verify_at = f"{repository}.git/info/lfs/objects/verify"
    return as_json({"transfer": "basic", "objects": [_wanted(storage, verify_at, each) for each in asked["objects"]]})


def _wanted(storage: Storage, verify_at: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What to do with one object; nothing where it is there already."""
    if storage.refused:
        return asked | {"error": {"code": 422, "message": storage.refused}}
    if storage.holds(asked["oid"], asked["size"]):
        return asked
    return asked | {"actions": {"upload": {"href": storage.address(asked["oid"])}, "verify": {"href": verify_at}}}


def verify(storage: Storage, request: Request) -> Response:
    """Whether an object came."""
    asked = json.loads(request.body)
    return as_json({}) if storage.holds(asked["oid"], asked["size"]) else refusal(404, "ObjectNotFound")


def store(storage: Storage, request: Request) -> Response:
    """Take (PUT) or give (GET, HEAD) an object by its signed address."""
    oid = request.path.rpartition("/")[2]
    if request.query.get("X-Amz-Signature") != [SIGNATURE] or request.bearer:
        return refusal(403, "SignatureDoesNotMatch")
    if request.method != "PUT":
        there = oid in storage.objects
        return (200, storage.objects[oid], {"ETag": f'"{oid}"'}) if there else refusal(404, "NoSuchKey")
    if sha256(request.body) != oid:
        return refusal(400, "BadDigest")
    storage.objects[oid] = request.body
    return 200, b"", {"ETag": f'"{oid}"'}
