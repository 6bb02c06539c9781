"""A built site on this machine only: `leaderboard serve`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from proactivebench.errors import BadArgument, UsageError

_NAMES = ("127.0.0.1", "localhost", "[::1]")  # a page elsewhere whose name was rebound to this machine has another
_METHODS = ("GET", "HEAD")


class _Handler(SimpleHTTPRequestHandler):
    timeout = 30

    def parse_request(self) -> bool:
        """Read the request; refuse one for another host, or one that would do more than read."""
        if not super().parse_request():
            return False
        if self.headers.get_all("Host", []) not in [[name] for name in self._own_names()]:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to its own address only")
            return False
        if self.command not in _METHODS:
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            return False
        return True

    def send_head(self) -> BytesIO | BinaryIO | None:
        """As the library does, for files that lie in the folder themselves: no listing, no link that leads out."""
        try:
            asked = Path(self.translate_path(self.path))
            served = asked / "index.html" if asked.is_dir() else asked
            inside = served.resolve(strict=True).is_relative_to(Path(self.directory).resolve()) and served.is_file()
        except (OSError, RuntimeError, ValueError):  # nothing there, a circle of links, a name that cannot be one
            inside = False
        if not inside:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def end_headers(self) -> None:
        """Add what keeps browsers from guessing, telling and embedding."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Allow", ", ".join(_METHODS))
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal is the user's."""

    def _own_names(self) -> list[str]:
        port = self.connection.getsockname()[1]
        return [f"{name}:{port}" for name in _NAMES] + (list(_NAMES) if port == 80 else [])


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of a browser that hung up: the terminal is the user's."""


def serve_site(path: Path, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve the site at `path` on the loopback until interrupted: `KeyboardInterrupt` ends it.

    Only files of the folder, to whoever asks for this very address: another host name, a listing of a folder, a link
    that leads out and any method but GET and HEAD are refused. Raises `UsageError` where there is none to serve or the
    port cannot be used.
    """
    if not (path / "index.html").is_file():
        raise UsageError(f"{path} holds no built site: run `proactivebench leaderboard build` first")
    try:
        server = _Server(("127.0.0.1", port), partial(_Handler, directory=str(path)))
    except OSError as error:
        raise BadArgument(f"port {port} cannot be used ({error.strerror}): give another --port") from error
    with server:
        on_ready(f"http://127.0.0.1:{server.server_port}/")
        server.serve_forever()
