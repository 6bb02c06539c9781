"""Run the command line as a user does: a process of its own."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def command(tmp_path):
    """Call `proactivebench` in an empty folder; returns the finished process with its output as text."""

    def call(*args, env=None, code=None, timeout=60):
        done = subprocess.run(
            [sys.executable, "-m", "proactivebench", *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, done.stderr
        return done

    return call
