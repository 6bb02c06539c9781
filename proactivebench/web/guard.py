"""What stands between a local page and everything else that a browser, or a program on this machine, can send to it."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import ValidationError

from proactivebench.errors import BadArgument
from proactivebench.records.base import Record
from proactivebench.store import first_problem
from proactivebench.text import NotReadable, load_strict

R = TypeVar("R", bound=Record)

MOST_BYTES = 65_536  # of a request's body: no page of ours sends more
_OWN_NAMES = ("127.0.0.1", "localhost")
_INERT = "default-src 'none'; base-uri 'none'; form-action 'none'"
_NOTHING = f"{_INERT}; frame-ancestors 'none'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "proactivebench",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def new_token() -> str:
    """A token for a link: 256 random bits in letters that an address can have."""
    return secrets.token_urlsafe(32)


def token_sha256(token: str) -> str:
    """What is stored of a token, and by which it is found again."""
    return hashlib.sha256(token.encode()).hexdigest()


def policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """A content security policy that lets a page run these inline scripts and styles, ask the server it is from, and
    nothing else.

    Args:
        scripts: The text of each `<script>` that runs.
        styles: The text of each `<style>`.
    """
    return f"{_NOTHING}; {_inline(scripts, styles)}; connect-src 'self'"


def policy_of_a_file(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The same for a page that is a file, in a `<meta>` of it: it may ask nobody at all."""
    return f"{_INERT}; {_inline(scripts, styles)}"


def page(html: str, allowed: str) -> web.Response:
    """A page with its own content security policy (see `policy`)."""
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": allowed})


def refuse_strangers(request: web.Request) -> None:
    """Raise 403 for a request under another host's name (a name that was pointed at this machine), or one that a page
    of another origin makes."""
    host = request.headers.getall("Host", [])
    if len(host) != 1 or _name(host[0]) not in _OWN_NAMES:
        raise web.HTTPForbidden(text=f"this server answers to {' and '.join(_OWN_NAMES)} only: use the link as printed")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host[0]}":
        raise web.HTTPForbidden(text="a page from elsewhere may not ask this server")
    if request.method not in ("GET", "HEAD") and request.headers.get("Sec-Fetch-Site", "none") not in (
        "same-origin",
        "none",
    ):
        raise web.HTTPForbidden(text="a page from elsewhere may not send to this server")


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every answer the headers that keep it private and inert, where it has none of its own."""
    for name, value in _HEADERS.items():
        if name == "Server" or name not in response.headers:
            response.headers[name] = value


async def read_body(request: web.Request, kind: type[R]) -> R:
    """The record in a request's JSON body.

    Raises `BadArgument` where it is none, 415 where it is sent as anything but plain `application/json` (which no page
    of another origin can send unasked), 413 where it is too long.
    """
    if request.content_type != "application/json" or "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType(text="send plain application/json")
    content = await request.read()
    try:
        value = load_strict(content.decode("utf-8"))
        # Half of a pair, as a browser's text may hold, has no bytes in UTF-8.
        return kind.model_validate_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except UnicodeDecodeError as error:
        raise BadArgument(f"not UTF-8 at byte {error.start}") from None
    except NotReadable as error:
        raise BadArgument(str(error)) from None
    except ValidationError as error:
        raise BadArgument(first_problem(error)) from None


def _name(host: str) -> str | None:
    """The name in a Host header, without its port; None where it is no such thing."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and not parts.username else None


def _inline(scripts: Iterable[str], styles: Iterable[str]) -> str:
    hashed = [" ".join(f"'sha256-{_hash(text)}'" for text in texts) or "'none'" for texts in (scripts, styles)]
    return f"script-src {hashed[0]}; style-src {hashed[1]}; img-src data:"


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
