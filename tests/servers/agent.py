"""A real agent server on loopback: every POST is answered by what a script says.

with agent_server(lambda message: {"offers": ["help"]}) as server:
    ... server.url ... server.asked[0].message
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Any response: a status, a body, headers; `after` seconds, and `declared` bytes where that is not its length."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    declared: int | None = None


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    message: dict[str, Any]


@dataclass
class AgentServer:
    """Where it is and what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def agent_server(script: Callable[[dict[str, Any]], Any]) -> Iterator[AgentServer]:
    """A server whose answers are what `script` makes of a message: JSON, or a `Raw`."""
    served = AgentServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = json.loads(body)
            served.asked.append(Asked(self.path, dict(self.headers.items()), message))
            said = script(message)
            raw = said if isinstance(said, Raw) else Raw(body=json.dumps(said).encode())
            time.sleep(raw.after)
            try:
                self.send_response(raw.status)
                for name, value in raw.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw.body) if raw.declared is None else raw.declared))
                self.end_headers()
                self.wfile.write(raw.body)
            except OSError:
                return  # nobody waits for it any more
            self.close_connection = raw.declared is not None

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}/act"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
