"""One process that is asked over its standard input and answers on its standard output, a line each."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from proactivebench.agents.programs.program import NoAnswer
from proactivebench.errors import OutOfFiles, UsageError
from proactivebench.models.endpoint.http_client import MOST_BYTES
from proactivebench.models.secrets import without_secrets
from proactivebench.models.server_words import one_line
from proactivebench.text import NotReadable, has_letter, load_json

_GRACE_S = 2.0  # to end by itself once its input is closed
_KILLED_S = 5.0
_HEARD_S = 0.2  # for the last words of a process that has ended
_WORDS = 4096  # bytes of standard error that are kept, the last ones
_PIECE = 65_536
_SHOWN = 120  # characters of a line that is no answer


class Pipe:
    """A running process, in a group of its own so that what it starts ends with it. It is asked one thing at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._words: deque[bytes] = deque()
        self._listening = asyncio.create_task(self._listen())
        self._asked = 0
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, argv: Sequence[str]) -> Pipe:
        """Start a process. Raises `UsageError` where there is no such program, `OutOfFiles` where no more can be."""
        groups: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            groups = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MOST_BYTES,
                **groups,
            )
        except OSError as error:
            if OutOfFiles.behind(error):
                raise OutOfFiles from error
            if error.errno in (errno.EAGAIN, errno.ENOMEM):
                raise NoAnswer(f"no process can be started ({error.strerror}): lower --concurrency") from error
            raise UsageError(
                f"'{argv[0]}' cannot be started ({error.strerror}): give --model_args command=… a program that can"
            ) from error
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None and self._ending is None

    @property
    def over(self) -> bool:
        """Whether it has ended and nothing of it is left."""
        return self._ending is not None and self._ending.done()

    def next_id(self) -> str:
        """The id of the next question."""
        self._asked += 1
        return f"{self._process.pid}-{self._asked}"

    async def tell(self, line: bytes) -> None:
        """Write a line. Raises `NoAnswer` where nobody reads any more."""
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - it was asked for
        try:
            stdin.write(line)
            await stdin.drain()
        except (OSError, RuntimeError) as error:
            raise await self._ended() from error

    async def answer(self, name: str) -> dict[str, Any]:
        """The next line, which must be the answer to the question `name`. Raises `NoAnswer`."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        try:
            line = await stdout.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            raise await self._ended(error.partial) from error
        except asyncio.LimitOverrunError as error:
            raise NoAnswer(f"a line of more than {MOST_BYTES >> 20} MiB on standard output") from error
        except OSError as error:
            raise await self._ended() from error
        try:
            body = load_json(line.decode("utf-8"))
        except (NotReadable, UnicodeDecodeError):
            body = None
        if not isinstance(body, dict):
            raise NoAnswer(f"no JSON object on standard output but '{_shown(line)}' (print anything else to stderr)")
        if body.get("id") != name:
            said = "no id" if "id" not in body else f"id {one_line(str(body['id']), 60)}"
            raise NoAnswer(f"an answer with {said} where {name} was asked: repeat the id of the moment")
        return body

    def kill(self) -> None:
        """End it at once, with what it has started; nothing it still says is heard."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._kill())

    async def close(self) -> None:
        """Let it end: its input is closed, and if it goes on all the same, it is killed."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._leave())
        await asyncio.shield(self._ending)

    async def _leave(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), _GRACE_S)
        await self._kill()

    async def _kill(self) -> None:
        self._signal_group()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _KILLED_S)
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        transport = getattr(self._process, "_transport", None)
        if transport is not None:  # also where something it has started still holds its pipes
            transport.close()

    async def _gone(self) -> None:
        """Wait until it has ended, and throw away what it still says."""
        stdout = self._process.stdout
        while stdout is not None and await stdout.read(_PIECE):
            continue
        await self._process.wait()

    def _signal_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            kill_group = getattr(os, "killpg", None)  # Windows has no groups
            if kill_group is None:
                self._process.kill()
            else:
                kill_group(self._process.pid, signal.Signals["SIGKILL"])

    async def _listen(self) -> None:
        """Keep the last words on standard error."""
        stderr, kept = self._process.stderr, 0
        while stderr is not None and (piece := await stderr.read(_PIECE)):
            self._words.append(piece[-_WORDS:])
            kept += len(self._words[-1])
            while kept - len(self._words[0]) >= _WORDS:
                kept -= len(self._words.popleft())

    async def _ended(self, partial: bytes = b"") -> NoAnswer:
        """What it means that there is no more to read or nobody to write to."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _HEARD_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._listening), _HEARD_S)
        code = self._process.returncode
        how = "closed its standard output" if code is None else f"ended ({_how(code)})"
        half = f" in the middle of a line, '{_shown(partial)}'" if partial else ""
        return NoAnswer(f"the process {how}{half}{self.last_words()}")

    def last_words(self) -> str:
        """The end of what it wrote to standard error, on one line and without secrets, to be put behind a message."""
        text = b"".join(self._words).decode("utf-8", "replace").strip()
        lines = [line for line in without_secrets(text).splitlines() if has_letter(line)]
        return f"; it said: {one_line(' / '.join(lines[-3:])[-240:])}" if lines else ""


def _shown(line: bytes) -> str:
    return one_line(without_secrets(line[:_PIECE].decode("utf-8", "replace")), _SHOWN)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
