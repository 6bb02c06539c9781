"""The local app answers its own links on this machine, and neither other names, other origins nor long bodies."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from proactivebench.errors import CannotWrite, DataError, UsageError
from proactivebench.records.base import Record
from proactivebench.web.guard import MOST_BYTES, new_token, page, policy, read_body, token_sha256
from proactivebench.web.serving import application, bind, listening, serve

ENDED = threading.Event()  # a request to `/echo` was dealt with


class Word(Record):
    """What the test app takes."""

    word: str


async def _page(_request: web.Request) -> web.StreamResponse:
    return page("<script>1</script>", policy(["1"], []))


async def _echo(request: web.Request) -> web.StreamResponse:
    try:
        return web.json_response({"word": (await read_body(request, Word)).word})
    finally:
        ENDED.set()


async def _fail(request: web.Request) -> web.StreamResponse:
    raise {"full": CannotWrite("the disk\nis full"), "data": DataError("bad data"), "bug": KeyError("secret")}[
        request.match_info["how"]
    ]


def make(said: list[str]) -> web.Application:
    return application(
        [web.get("/page", _page), web.post("/echo", _echo), web.get("/fail/{how}", _fail)],
        statuses={CannotWrite: 507},
        say=said.append,
    )


class Server:
    """The test app in a thread, and what it said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._at = bind(0)
        self.port = self._at.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()

    async def _run(self) -> None:
        async with listening(make(self.said), self._at):
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; `headers` with '_' for '-', an empty Host is left out."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        sent.setdefault("Host", f"127.0.0.1:{self.port}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            sent["Content-Length"] = str(len(body))
        for name, value in sent.items():
            link.putheader(name, value)
        link.endheaders(body)
        answer = link.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        link.close()
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def echo(server: Server, **headers: str) -> int:
    return server.ask("POST", "/echo", b'{"word": "x"}', **headers)[0]


def test_a_page_runs_its_own_script_and_nothing_else(server: Server) -> None:
    status, headers, body = server.ask("GET", "/page")
    assert (status, body) == (200, b"<script>1</script>")
    rules = dict(rule.strip().split(" ", 1) for rule in headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
    assert (rules["style-src"], rules["connect-src"]) == ("'none'", "'self'")
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "aiohttp" not in headers["server"].lower()
    assert server.ask("GET", "/nothing")[1]["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "127.0.0.1:8888"])
def test_it_answers_to_its_own_names(server: Server, name: str) -> None:
    assert server.ask("GET", "/page", Host=name)[0] == 200


@pytest.mark.parametrize(
    "name", ["evil.test", "127.0.0.1.evil.test", "localhost.", "x@127.0.0.1", "127.0.0.1:x", "[::1", "127.0.0.1/x", ""]
)
def test_a_name_that_was_pointed_here_is_refused(server: Server, name: str) -> None:
    assert server.ask("GET", "/page", Host=name)[0] in (400, 403)


def test_a_page_of_another_origin_can_neither_ask_nor_send(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert echo(server, Origin=own) == 200
    assert echo(server) == 200
    for origin in ("http://evil.test", "null", own.replace("http", "https"), "http://127.0.0.1:1", "http://localhost"):
        assert echo(server, Origin=origin) == 403
    assert server.ask("GET", "/page", Origin="http://evil.test")[0] == 403
    for site in ("cross-site", "same-site"):
        assert echo(server, Sec_Fetch_Site=site) == 403
    assert echo(server, Sec_Fetch_Site="same-origin") == 200
    assert server.ask("GET", "/page", Sec_Fetch_Site="cross-site")[0] == 200, "a link is followed from a mail"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_only_json_is_taken(server: Server, kind: str) -> None:
    assert echo(server, Content_Type=kind) == 415
    assert echo(server, Content_Encoding="gzip") in (400, 415)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"word": 1}', "word: "),
        (b'{"word": "x", "more": 1}', "more: "),
        (b'{"word": "x", "word": "y"}', "given twice"),
        (b"[" * 5000, "nested too deeply"),
        (b"\xff", "not UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_a_body_that_is_something_else_is_said_in_one_line(server: Server, body: bytes, why: str) -> None:
    status, _, answer = server.ask("POST", "/echo", body)
    assert status == 400
    line = json.loads(answer)["error"]
    assert why in line and "\n" not in line


def test_a_long_body_is_refused(server: Server) -> None:
    status, _, answer = server.ask("POST", "/echo", b" " * (MOST_BYTES + 1))
    assert status == 413
    assert "\n" not in json.loads(answer)["error"]


def test_a_wrong_method_and_an_unknown_address_are_one_line(server: Server) -> None:
    status, headers, _ = server.ask("OPTIONS", "/echo")
    assert (status, headers["allow"]) == (405, "POST")
    status, headers, answer = server.ask("GET", "/nothing", Accept="text/html,*/*")
    assert (status, answer.count(b"\n"), headers["content-type"]) == (404, 1, "text/plain; charset=utf-8")


def test_what_fails_is_said_with_its_status_and_a_fault_tells_the_terminal_only(server: Server) -> None:
    status, _, answer = server.ask("GET", "/fail/full")
    assert (status, json.loads(answer)) == (507, {"error": "the disk is full"})
    server.said.clear()
    assert server.ask("GET", "/fail/data")[0] == 500
    status, _, answer = server.ask("GET", "/fail/bug")
    assert status == 500
    assert b"secret" not in answer
    assert [line.split(":")[0] for line in server.said] == ["DataError", "KeyError"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 300,
        b"GARBAGE\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
        b"GET /page HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_is_turned_away_without_a_word_on_the_terminal(
    server: Server, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        link.sendall(sent)
        assert link.recv(100).split(b" ")[1] in (b"400", b"403")
    assert caplog.records == []
    assert server.ask("GET", "/page")[0] == 200


def test_a_request_that_is_cut_off_is_nobodys_fault(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.said.clear()
    ENDED.clear()
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
        link.sendall(head)
    assert ENDED.wait(20)
    assert echo(server) == 200
    assert (server.said, caplog.records) == ([], [])


def test_a_port_that_is_taken_is_said(server: Server) -> None:
    with pytest.raises(UsageError, match=f"port {server.port} is taken: give another --port"):
        bind(server.port)


def test_tokens_are_long_and_differ_and_only_their_hash_is_compared() -> None:
    assert len({new_token() for _ in range(50)}) == 50
    assert min(map(len, (new_token() for _ in range(50)))) >= 43
    assert token_sha256("x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_interrupting_ends_it_cleanly_and_gives_the_handlers_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    at = bind(0)
    port = at.getsockname()[1]
    serve(make([]), at, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
