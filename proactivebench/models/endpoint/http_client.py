"""Posting JSON to one server: over kept connections, through the environment's proxy, reading no more than is due."""

from __future__ import annotations

import json
import os
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from proactivebench.errors import BadArgument
from proactivebench.models.endpoint.errors import Transient

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MOST_BYTES = 8 << 20  # of a decoded body
ERROR_BYTES = 64 << 10  # of the body of an error: enough for its words
_CONNECT_S = 10.0
_IDLE_S = 4.0  # below the 5 s after which common servers hang up on an idle connection
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose body is still to be read."""

    status: int
    headers: Mapping[str, str]
    _response: ClientResponse

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, decoded, in small pieces."""
        unpack = Unpacking(self.headers.get("Content-Encoding", ""))
        async for chunk in self._response.content.iter_any():
            for piece in unpack.feed(chunk):
                yield piece
        unpack.end()

    async def body(self, most: int = MOST_BYTES) -> bytes:
        """The whole body. Raises `Transient` where it is more than `most` bytes."""
        found = bytearray()
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                found += piece
                if len(found) > most:
                    raise too_much(most)
        return bytes(found)

    async def head(self) -> str:
        """The beginning of the body of an error as text."""
        found = bytearray()
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                found += piece
                if len(found) >= ERROR_BYTES:
                    break
        return bytes(found[:ERROR_BYTES]).decode("utf-8", "replace")


class HttpClient:
    """Posts to one address. At most `connections` are open at once; they are made inside the running event loop.
    `verify` is whether the server's certificate is checked."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connections: int, timeout_s: float, verify: bool = True
    ) -> None:
        self.url = url
        self.proxy = proxy_of(url)
        self._headers = {"User-Agent": "proactivebench", "Accept-Encoding": "gzip", **headers}
        self._connections = connections
        self._connect_s = min(_CONNECT_S, timeout_s)
        self._verify = verify
        self._session: ClientSession | None = None

    @asynccontextmanager
    async def post(self, payload: Mapping[str, Any]) -> AsyncIterator[Response]:
        """Send `payload`; the response is open inside the block. Redirects are not followed. Raises what aiohttp
        raises where there is none."""
        session = self._session or self._open()
        body = json.dumps(payload).encode()
        async with session.post(self.url, data=body, proxy=self.proxy, allow_redirects=False) as response:
            yield Response(response.status, response.headers, response)

    def _open(self) -> ClientSession:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=_IDLE_S,
                ssl=self._verify and _certificates(self.url, self.proxy),
            ),
            headers={"Content-Type": "application/json", "Accept": "application/json", **self._headers},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._session

    async def close(self) -> None:
        """Close all connections; the client may be used again after."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class Unpacking:
    """Decodes a body bit by bit, so that a small one cannot become a large one unseen."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise Transient(f"a body packed as {self._encoding[:20]!r}, which was not asked for")
        self._packed = self._encoding not in ("", "identity")
        self._inflate = zlib.decompressobj(47)  # the head says which of gzip and zlib it is
        self._fresh = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The decoded pieces of a chunk, one at a time. Raises `Transient` where it cannot be decoded."""
        if not self._packed:
            yield from (chunk[at : at + _PIECE] for at in range(0, len(chunk), _PIECE))
            return
        while chunk:
            try:
                piece = self._inflate.decompress(chunk, _PIECE)
            except zlib.error:
                if not (self._fresh and self._encoding == "deflate"):
                    raise Transient(f"a body that is not the {self._encoding} it says it is") from None
                self._inflate = zlib.decompressobj(-15)  # some servers leave the head of zlib out
                continue
            finally:
                self._fresh = False
            chunk = self._inflate.unconsumed_tail
            if self._inflate.eof and self._inflate.unused_data:
                chunk, self._inflate = self._inflate.unused_data, zlib.decompressobj(47)
            if piece:
                yield piece

    def end(self) -> None:
        """Raise `Transient` where something is missing at the end."""
        if self._packed and not self._fresh and not self._inflate.eof:
            raise Transient(f"a body whose {self._encoding} breaks off")


def too_much(most: int = MOST_BYTES) -> Transient:
    """What an answer beyond all measure amounts to."""
    return Transient(f"an answer of more than {most >> 20} MiB")


def proxy_of(url: str) -> str | None:
    """The proxy the environment names for an address (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY in either case).
    Raises `UsageError` for one that cannot be used."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        known = urlsplit(proxy).scheme in ("http", "https") and urlsplit(proxy).hostname and urlsplit(proxy).port != 0
    except ValueError:
        known = None
    if not known:
        raise BadArgument(
            "the environment names a proxy that cannot be used: write HTTPS_PROXY and HTTP_PROXY like "
            "http://HOST:PORT, or name the server's host in NO_PROXY"
        )
    return proxy


def _certificates(url: str, proxy: str | None) -> ssl.SSLContext | bool:
    """Whom to trust: SSL_CERT_FILE and SSL_CERT_DIR where set, else the system and, where it is there, certifi."""
    if not url.startswith("https") and not (proxy or "").startswith("https"):
        return True
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context
