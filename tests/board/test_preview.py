"""The local preview serves the site, to this machine only, until it is interrupted."""

import signal
import subprocess
import sys
from urllib.request import urlopen

from proactivebench.board.building import build_board, publish


def _hear_interrupts():
    """What a shell starts in the background ignores SIGINT, and so would the server started from it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    command = [sys.executable, "-m", "proactivebench", "leaderboard", "serve", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds no built site" in done.stderr
