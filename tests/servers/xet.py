"""Xet's storage as far as an upload asks it: xorbs of chunks, then a shard that says which chunks make which file.

https://huggingface.co/docs/xet/xorb and https://huggingface.co/docs/xet/shard
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from .exchange import Request, Response, as_json, refusal
from .lfs import Storage, sha256

TOKEN = "xet_of_an_hour"
_SHARD_HEADER, _BLOCK = 48, 48
_FILE_HEADER = struct.Struct("<32sII8x")
_SEGMENT = struct.Struct("<32sIIII")
_VERIFIED, _WITH_SHA256 = 1 << 31, 1 << 30
_LAST = b"\xff" * 32


@dataclass
class Xet:
    """Xorbs by hash, each its chunks; files that a shard completes go to `storage`. `url` is a host of its own."""

    storage: Storage
    url: str = ""
    xorbs: dict[str, list[bytes]] = field(default_factory=dict)


def grant(xet: Xet) -> Response:
    """A token for storage alone, which the Hub gives to whoever may write."""
    until = int(time.time()) + 3600
    told = {"X-Xet-Cas-Url": xet.url, "X-Xet-Access-Token": TOKEN, "X-Xet-Token-Expiration": str(until)}
    return as_json({"casUrl": xet.url, "accessToken": TOKEN, "exp": until}, told)


def take(xet: Xet, request: Request) -> Response:
    """Take a xorb or a shard. Nothing else is offered: no deduplication, no grants, no second version."""
    if request.bearer != TOKEN:
        return refusal(401, "Unauthorized")
    path = request.path.partition("/v1/")[2]
    if request.method == "POST" and path.startswith("xorbs/default/"):
        xet.xorbs[path.rpartition("/")[2]] = list(_chunks(request.body))
        return as_json({"was_inserted": True})
    if request.method == "POST" and path == "shards":
        files = {declared: _joined(xet, segments) for declared, segments in _files(request.body)}
        if any(sha256(content) != declared for declared, content in files.items()):
            return refusal(400, "BadDigest")
        xet.storage.objects |= files
        return as_json({"result": 1})
    return refusal(404, "NotOffered")


def _chunks(xorb: bytes) -> Iterator[bytes]:
    """The chunks of a xorb. Those of compressed files are stored as they are, and no others are understood."""
    start = 0
    while start < len(xorb):
        version, scheme = xorb[start], xorb[start + 4]
        if (version, scheme) != (0, 0):
            raise ValueError(f"a chunk of version {version} packed by scheme {scheme} at {start}")
        end = start + 8 + int.from_bytes(xorb[start + 1 : start + 4], "little")
        yield xorb[start + 8 : end]
        start = end


def _files(shard: bytes) -> Iterator[tuple[str, list[tuple[str, int, int]]]]:
    """SHA-256 of each file, and its segments: xorb, first chunk, end."""
    at = _SHARD_HEADER
    while shard[at : at + 32] != _LAST:
        _, flags, count = _FILE_HEADER.unpack_from(shard, at)
        segments = [_SEGMENT.unpack_from(shard, at + _BLOCK * (1 + number)) for number in range(count)]
        at += _BLOCK * (1 + count * (2 if flags & _VERIFIED else 1))
        if not flags & _WITH_SHA256:
            raise ValueError("a file without its SHA-256")
        yield _hex(shard[at : at + 32]), [(_hex(xorb), first, end) for xorb, _, _, first, end in segments]
        at += _BLOCK


def _joined(xet: Xet, segments: list[tuple[str, int, int]]) -> bytes:
    return b"".join(b"".join(xet.xorbs[xorb][first:end]) for xorb, first, end in segments)


def _hex(digest: bytes) -> str:
    """A digest as text: four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))
