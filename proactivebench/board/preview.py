"""A built site on this machine only: `leaderboard serve`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from proactivebench.errors import UsageError


class _Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        return


def serve_site(path: Path, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the site at `path` on the loopback until interrupted: `KeyboardInterrupt` ends it.

    Raises `UsageError` where there is none to serve or the port cannot be used.
    """
    if not (path / "index.html").is_file():
        raise UsageError(f"{path} holds no built site: run `proactivebench leaderboard build` first")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(path)))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used ({error.strerror}): give another --port") from error
    with server:
        on_ready(f"http://127.0.0.1:{server.server_port}/")
        server.serve_forever()
