"""An agent that is a process: a line of JSON a moment on its standard input, a line of JSON back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from proactivebench.agents.base import Call, Turn
from proactivebench.agents.contract import Moment
from proactivebench.agents.programs.actions import answer_of_message
from proactivebench.agents.programs.messages import line, moment_message, start_message
from proactivebench.agents.programs.pipe import Pipe
from proactivebench.agents.programs.program import NoAnswer, Program, start_of
from proactivebench.errors import BadArgument, UnknownName
from proactivebench.models.base import Answer
from proactivebench.models.secrets import refuse_secrets
from proactivebench.records import AgentIdentity, Code
from proactivebench.records import Moment as MomentOfTrace

Place = tuple[str, int, int]


class ProcessAgent(Program):
    """`ProcessAgent(call)`: the command in `call.args` is started once for every trace under way, at most `concurrency`
    at once, and serves one trace after the other. After any fault a process is killed and the next one is fresh.

    Raises `UsageError` for a command that cannot be, and where it carries a secret.
    """

    def __init__(self, call: Call) -> None:
        protocol, _ = call.setting
        super().__init__(protocol, concurrency=call.concurrency, timeout_s=call.timeout_s)
        self._argv, command = _command(call.args)
        self._serving: dict[Place, Pipe] = {}
        self._idle: list[Pipe] = []
        self._ended: list[Pipe] = []
        name = call.args.get("name", "").strip() or " ".join(Path(part).name for part in self._argv[:2])
        self.identity = AgentIdentity(
            model=call.word, model_args={"command": command}, name=name[:80], code=code_of_command(self._argv)
        )

    @classmethod
    def of(cls, call: Call) -> ProcessAgent:
        """The process that a call names."""
        return cls(call)

    async def start(self) -> dict[str, Any]:
        """Look for the program. Raises `UsageError` where it is not there."""
        if shutil.which(self._argv[0]) is None:
            raise BadArgument(f"command={self._argv[0]} …: no such program: give one on the PATH, or its path")
        return {}

    async def ask(self, request: Turn, moment: Moment) -> Answer:
        """What the process of this trace answers."""
        came = perf_counter()
        place = self.place(request.moment, request.repeat)
        pipe, fresh = await self._process(place)
        queue_s = perf_counter() - came
        name = pipe.next_id()
        try:
            async with asyncio.timeout(self.timeout_s):
                if fresh:
                    await pipe.tell(line(start_message(start_of(request, self.protocol.identity))))
                await pipe.tell(line(moment_message(moment, name)))
                body = await pipe.answer(name)
        except TimeoutError:
            self._drop(place)
            raise NoAnswer(f"no answer within {self.timeout_s:g} s{pipe.last_words()}") from None
        except BaseException:
            self._drop(place)
            raise
        body.pop("id")
        return replace(answer_of_message(body, self.protocol), queue_s=queue_s)

    def released(self, moment: MomentOfTrace, repeat: int) -> None:
        """The process of a trace that is over is free for another."""
        pipe = self._serving.pop(self.place(moment, repeat), None)
        if pipe is not None:
            self._idle.append(pipe)
            self.slots.release()

    async def close(self) -> None:
        """End all processes, and wait until they have ended."""
        pipes = [*self._serving.values(), *self._idle, *self._ended]
        self._serving, self._idle, self._ended = {}, [], []
        await asyncio.gather(*(pipe.close() for pipe in pipes))

    async def _process(self, place: Place) -> tuple[Pipe, bool]:
        """The process of a trace, and whether the trace begins (or goes on) with it."""
        if place in self._serving:
            return self._serving[place], False
        await self.slots.acquire()
        try:
            while self._idle:
                pipe = self._idle.pop()
                if pipe.alive:
                    break
                self._ended.append(pipe)
            else:
                pipe = await Pipe.open(self._argv)
        except BaseException:
            self.slots.release()
            raise
        self._serving[place] = pipe
        return pipe, True

    def _drop(self, place: Place) -> None:
        """What a process that failed still says is never heard."""
        pipe = self._serving.pop(place)
        pipe.kill()
        self._ended = [*(ended for ended in self._ended if not ended.over), pipe]
        self.slots.release()


def code_of_command(argv: Sequence[str]) -> Code:
    """The code behind a command, as far as it can be seen: the sha256 over the files that its words name (the program's
    own where its arguments name none). A program that is only found on the PATH is told by its name."""
    files = [Path(part) for part in argv[1:] if Path(part).is_file()]
    if not files and os.sep in argv[0] and Path(argv[0]).is_file():
        files = [Path(argv[0])]
    if not files:
        return Code(package=Path(argv[0]).name)
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return Code(package=files[-1].name, sha256=whole.hexdigest())


def _command(args: Mapping[str, str]) -> tuple[list[str], str]:
    """The words of the command, and how it is recorded. Raises `UsageError`."""
    refuse_secrets(args)
    unknown = sorted(set(args) - {"command", "name"})
    if unknown:
        raise UnknownName(
            f"--model process does not know {', '.join(unknown)} in --model_args: it takes command and name; a command "
            'with commas in it is given as JSON, {"command": "…"}'
        )
    command = args.get("command", "").strip()
    try:
        argv = shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise BadArgument(f"command={command}: {error}: write it as a shell would take it") from None
    if not argv:
        raise BadArgument('--model process needs --model_args command="PROGRAM ARGUMENT…"')
    for place, part in enumerate(argv):  # `--api-key X`, `API_KEY=X` and a bare key are written to disk like all else
        name, _, value = part.lstrip("-").partition("=")
        following = argv[place + 1] if place + 1 < len(argv) and part.startswith("-") else ""
        refuse_secrets({name: value or following, "command": part})
    return argv, " ".join(_without_folder(part) for part in argv)


def _without_folder(part: str) -> str:
    """A word of the command as it is recorded: of files and folders the last name, as nobody else has the others."""
    name, equals, value = part.rpartition("=")
    return f"{name}{equals}{Path(value).name}" if os.sep in value and Path(value).exists() else part
