"""A loopback file server that can stall, fail a given number of times, or serve something else than was pinned."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote


@dataclass
class Files:
    """Content by path. The first `failures` requests of each path get `failure`; each answer takes `delay_s`."""

    content: Mapping[str, bytes]
    failures: int = 0
    failure: int = 503
    delay_s: float = 0.0
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)


@contextmanager
def serve(files: Files) -> Iterator[Files]:
    """Serve `files` on a free loopback port under `files.url`."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path = unquote(self.path).lstrip("/")
            files.asked[path] += 1
            time.sleep(files.delay_s)
            status = 200 if path in files.content else 404
            if files.asked[path] <= files.failures:
                status = files.failure
            body = files.content[path] if status == 200 else b"no"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    files.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
