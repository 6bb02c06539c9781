"""The local preview serves the site, to this machine only, until it is interrupted."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from urllib.request import urlopen

import pytest

from proactivebench.board.publish.building import build_board, publish
from proactivebench.board.site.preview import serve_site

from .calling import call, one_line


def _hear_interrupts():
    """What a shell starts in the background ignores SIGINT, and so would the server started from it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process as POSIX systems do")
def test_a_built_site_is_served_on_the_loopback_until_interrupted(board, tmp_path):
    publish(build_board(board), tmp_path)
    command = [sys.executable, "-m", "proactivebench", "leaderboard", "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, preexec_fn=_hear_interrupts) as server:
        address = server.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address, timeout=20) as page:  # noqa: S310 - the address was just read from our own server
            assert b"helper-7b" in page.read()
            assert page.headers["X-Content-Type-Options"] == "nosniff"
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert server.stderr.read() == "stopped\n"


def test_a_folder_without_a_site_is_one_clear_line(tmp_path):
    done = call("leaderboard", "serve", tmp_path)
    assert done.code == 2
    assert "holds no built site" in one_line(done.err)


@pytest.fixture
def site(tmp_path):
    """A small site with everything in it that should not be served."""
    folder = tmp_path / "site"
    (folder / "data").mkdir(parents=True)
    (folder / "pages").mkdir()
    (folder / "index.html").write_text("<h1>board</h1>")
    (folder / "data" / "rows.js").write_text("rows")
    (folder / "pages" / "index.html").write_text("<h1>pages</h1>")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "index.html").write_text("SECRET")
    (folder / "file.html").symlink_to(tmp_path / "secret" / "index.html")
    (folder / "folder").symlink_to(tmp_path / "secret")
    (folder / "linked").mkdir()
    (folder / "linked" / "index.html").symlink_to("../../secret/index.html")
    (folder / "within.html").symlink_to("index.html")
    (folder / "circle.html").symlink_to("circle.html")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def port(site):
    """The port of a server for the site, in a thread of this process."""
    ready = queue.Queue()
    threading.Thread(target=lambda: serve_site(site, 0, ready.put), daemon=True).start()
    return int(ready.get(timeout=20).rsplit(":", 1)[1].rstrip("/"))


def ask(port, path="/", method="GET", hosts=("127.0.0.1:{port}",)):
    """One request over a bare socket: its status, headers and body as text."""
    lines = [f"{method} {path} HTTP/1.1", *(f"Host: {host.format(port=port)}" for host in hosts), "Connection: close"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_the_servers_own_names_are_answered(port, host):
    status, _, body = ask(port, hosts=[host])
    assert (status, body) == (200, "<h1>board</h1>")


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("evil.example",),
        ("evil.example:{port}",),
        ("localhost",),
        ("127.0.0.1",),
        ("127.0.0.1:1",),
        ("localhost:{port}.evil.example",),
        ("localhost.evil.example:{port}",),
        ("127.0.0.2:{port}",),
        ("127.0.0.1:{port}", "evil.example"),
        ("evil.example", "127.0.0.1:{port}"),
    ],
)
def test_another_name_for_this_machine_is_refused(port, hosts):
    status, _, body = ask(port, hosts=hosts)
    assert status == 421
    assert "board" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_nothing_but_reading_is_allowed(port, method):
    status, head, _ = ask(port, method=method)
    assert status == 405
    assert "Allow: GET, HEAD" in head


def test_a_head_request_has_no_body(port):
    status, head, body = ask(port, method="HEAD")
    assert (status, body) == (200, "")
    assert "Content-Length: 14" in head


OUTSIDE = """
    /data/ /data /folder/ /folder /file.html /linked/ /linked/index.html /folder/index.html /../secret/index.html
    /%2e%2e/secret/index.html /data/..%2f..%2f../secret/index.html /pipe /circle.html /no\x01such /%00
    //127.0.0.1/secret http://evil.example/
""".split()  # noqa: SIM905


@pytest.mark.parametrize("path", [*OUTSIDE, "/" + "a" * 5000], ids=lambda path: path[:30])
def test_no_listing_and_nothing_from_outside_the_folder_is_served(port, path):
    status, _, body = ask(port, path)
    assert status in (404, 400)
    assert "SECRET" not in body
    assert "rows.js" not in body


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/data/rows.js", "rows"),
        ("/pages/", "<h1>pages</h1>"),
        ("/within.html", "<h1>board</h1>"),
        ("/?q=1#x", "board"),
    ],
)
def test_the_files_of_the_site_are_served(port, path, text):
    status, _, body = ask(port, path)
    assert status == 200
    assert text in body
