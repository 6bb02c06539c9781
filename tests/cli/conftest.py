"""Run the command line as a user does, in an empty folder."""

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout

import pytest

from proactivebench.cli import main


@pytest.fixture
def command(tmp_path):
    """Call `proactivebench` in an empty folder; returns how it ended with its output as text. It is called in this
    process: what only a process of its own shows (encodings, signals, a missing home) is tested where it matters."""

    def call(*args, env=None, code=None):
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(tmp_path)
            for name, value in {"COLUMNS": "80", "NO_COLOR": "1", **(env or {})}.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main([str(arg) for arg in args])
        done = subprocess.CompletedProcess(args, int(ended.value.code or 0), out.getvalue(), err.getvalue())
        if code is not None:
            assert done.returncode == code, done.stderr
        return done

    return call
