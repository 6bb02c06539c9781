"""Replay: answers given earlier, scored like any agent's. Nothing is generated again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from proactivebench.agents.base import Actor, Call, Turn
from proactivebench.agents.replay.origin import origin_of
from proactivebench.agents.replay.release import read_folder, read_released
from proactivebench.agents.replay.runs import WANTED, read_run
from proactivebench.agents.replay.samples import read_samples
from proactivebench.agents.replay.stored import StoredAnswers
from proactivebench.errors import BadArgument, UsageError
from proactivebench.files import unfit
from proactivebench.models.base import Answer, Failure
from proactivebench.protocols.base import Protocol
from proactivebench.records import AgentIdentity, ReplyKey, Task

Reader = Callable[[Path, Task, Protocol], StoredAnswers | None]

READERS: tuple[Reader, ...] = (read_samples, read_run, read_folder)  # the first that knows the format reads it


class ReplayAgent(Actor):
    """`ReplayAgent(args, *, protocol, task)`; `args` holds either `path` (a run directory, a reply file, a folder of
    the release's answers) or `released` (the name of a published model, read from the pinned release).

    The identity names the stored answers by the base name of their place and the hash of their content. A moment
    without a stored answer is an error, so the run stays incomplete. Raises `UsageError` and `DataError` like the
    readers.
    """

    asked_once = True

    def __init__(self, args: Mapping[str, str] | None = None, *, protocol: Protocol, task: Task) -> None:
        given = dict(args or {})
        path, released = given.pop("path", None), given.pop("released", None)
        if given or bool(path) == bool(released):
            raise BadArgument("replay: takes one argument, path=PLACE or released=MODEL")
        if released:
            stored, source = read_released(released, task), {"released": released}
        else:
            place = Path(path or "").expanduser()
            stored, source = read_stored(place, task, protocol), {"path": place.resolve().name}
        self._stored = stored
        self._origin = origin_of(args or {})
        self._missing = stored.missing(task)
        if not stored.answers:
            raise UsageError(f"replay: {', '.join(source.values())} holds no answer to any moment of {task.name}")
        self.identity = AgentIdentity(
            model="replay",
            model_args={**source, "sha256": stored.content_hash},
            name=f"{stored.name} (replay)",
        )

    @classmethod
    def of(cls, call: Call) -> ReplayAgent:
        """The answers that a call names."""
        protocol, task = call.setting
        return cls(call.args, protocol=protocol, task=task)

    async def start(self) -> dict[str, Any]:
        """How many answers are stored, how many moments have none, what was skipped, and what the run that asked for
        them tells of its conditions, for the manifest."""
        return {
            "stored_answers": len(self._stored.answers),
            "moments_without_answer": self._missing,
            **self._stored.skipped,
            **self._origin.parameters,
        }

    async def answer(self, request: Turn) -> Answer:
        """The stored answer, with what it cost when it was given."""
        key = ReplyKey(request.moment.trace.trace_id, request.moment.turn, request.repeat, request.round)
        return self._stored.answers.get(key) or Answer(text=None, failure=Failure.ERROR, error="no stored answer")

    def advice_after(self, key: ReplyKey) -> str | None:
        """What the agent was told after the stored answer at `key`; None where it was not heard again."""
        return self._stored.advice.get(key._replace(round=key.round + 1))


def read_stored(path: Path, task: Task, protocol: Protocol) -> StoredAnswers:
    """The answers at `path`, aligned to `task`. Raises `UsageError` where no reader knows the format."""
    if not path.exists():
        raise UsageError(f"replay: {path}: no such file or folder: give {WANTED}")
    for reader in READERS:
        stored = reader(path, task, protocol)
        if stored is not None:
            return stored
    if path.is_file():
        raise unfit(path, WANTED)
    raise UsageError(
        f"replay: {path}: neither a run, nor replies*.jsonl, nor a folder with a <trace>.json of {task.name}"
    )
