"""The command line: one small module a verb, loaded when its verb is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from proactivebench.cli.verbs import PROGRAM, VERBS, Verb, overview

__all__ = ["PROGRAM", "VERBS", "Verb", "main", "overview"]

_COMPLETE = "_PROACTIVEBENCH_COMPLETE"


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done or passed, 1 a check failed, 2 usage, 3 invalid or incomplete run, 4 cannot
    write, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")  # a pipe on Windows, or a locale, without our signs
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # many small products: threads only wait for each other
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    if debug:
        args.remove("--debug")
    sys.exit(_guarded(lambda: _dispatch(args), debug))


def _dispatch(args: list[str]) -> int:
    if _COMPLETE in os.environ:
        from proactivebench.cli.completion import complete

        return complete(os.environ[_COMPLETE], _COMPLETE)
    first = args[0] if args else "--help"
    if first in ("-h", "--help", "help"):
        print(overview())
        return 0
    if first in ("-V", "--version"):
        from proactivebench import __version__

        print(f"{PROGRAM} {__version__}")
        return 0
    if first in ("--install-completion", "--show-completion"):
        from proactivebench.cli.completion import install, show

        (install if first == "--install-completion" else show)(args[1:], _COMPLETE)
        return 0
    from proactivebench.cli.root import invoke

    return invoke(args)


def _guarded(command: Callable[[], int], debug: bool) -> int:
    """Run `command`; turn every failure into one line on standard error and its exit code."""
    try:
        return command()
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        code = _exit_code(error)
        if code is None or debug:
            import traceback

            traceback.print_exc()
            return 2 if code is None else code
        return code


def interrupted() -> int:
    """Say that the user ended it early; returns the exit code."""
    _complain("interrupted; what was answered is saved: the same command goes on from there")
    return 130


def _exit_code(error: Exception) -> int | None:
    """The exit code of an expected failure, its line said; None where a traceback is due."""
    from proactivebench.errors import CannotWrite, OutOfFiles, ProactiveBenchError

    if OutOfFiles.behind(error) and not isinstance(error, CannotWrite):
        error = OutOfFiles()
    if isinstance(error, ProactiveBenchError):
        _complain(str(error))
        return error.exit_code
    import click

    if isinstance(error, click.exceptions.NoArgsIsHelpError):  # a verb with verbs below, called bare: its help
        print(error.format_message())
        return 2
    if isinstance(error, click.UsageError):
        where = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        _complain(error.format_message() + where)
        return 2
    _complain(f"this is a fault of {PROGRAM}: {type(error).__name__}: {error}; --debug shows where")
    return 2


def _complain(line: str) -> None:
    from proactivebench.cli.terminal import safe

    print(f"{PROGRAM}: {safe(' '.join(line.split()))}", file=sys.stderr)
