"""Which files of the release are at hand, group by group: what `data pull` and `data verify` walk through."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from proactivebench.errors import UnknownName
from proactivebench.naming import did_you_mean
from proactivebench.traces import release
from proactivebench.traces.benchmark import PUBLISHED, RELEASED
from proactivebench.traces.fetch import MIRROR, MissingFile, Unreachable, WrongHash

OPTIONAL = ("prompts", "results")  # without these every task still loads


class State(StrEnum):
    """What became of one file."""

    OK = "ok"
    MISSING = "missing"
    WRONG_HASH = "wrong hash"


@dataclass(frozen=True, slots=True)
class FileState:
    """One file of the release: whether it is at hand, and if not, why."""

    name: str
    group: str
    state: State
    detail: str = ""


def groups() -> dict[str, tuple[str, ...]]:
    """What can be pulled by name, and the groups of files behind each name."""
    return {
        RELEASED: ("traces", "labels"),
        PUBLISHED: ("traces", "labels", "answers"),
        **{group: (group,) for group in ("traces", "labels", "answers", "prompts", "results")},
    }


def files(group: str) -> tuple[str, ...]:
    """The pinned files of one group. The answers are one archive, or its files where a mirror holds it unpacked."""
    pinned = sorted(release.pins())
    folders = {"traces": f"{release.TEST_DATA}/", "results": "eval/results/"}
    if group in folders:
        return tuple(name for name in pinned if name.startswith(folders[group]))
    if group == "labels":
        return release.REWARD_DATA
    if group == "prompts":
        return (release.AGENT_PROMPTS, release.JUDGE_PROMPTS)
    return (release.ARCHIVE,)


def expand(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Files by group for names of tasks, groups or files; no name means every group. Raises `UsageError`."""
    wanted: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in groups():
            wanted |= {group: files(group) for group in groups()[name]}
        elif name in release.pins():
            wanted[name] = (name,)
        else:
            hint = did_you_mean(name, [*groups(), *release.pins()], cutoff=0.75)
            raise UnknownName(f"{name}: nothing of this name in the release; {hint}there are {', '.join(groups())}")
    return wanted or {group: files(group) for group in ("traces", "labels", "answers", "prompts", "results")}


def pull(wanted: Mapping[str, tuple[str, ...]]) -> Iterator[FileState]:
    """Fetch and verify file by file. Raises `Unreachable` at once where the origin cannot be reached at all."""
    return _walk(wanted, lambda name: bool(release.read(name)))


def verify(wanted: Mapping[str, tuple[str, ...]]) -> Iterator[FileState]:
    """Hash again what is at hand, fetching nothing."""
    return _walk(wanted, release.is_here)


def _walk(wanted: Mapping[str, tuple[str, ...]], has: Callable[[str], bool]) -> Iterator[FileState]:
    for group, names in wanted.items():
        for name in names:
            found = _state(name, group, has)
            if name == release.ARCHIVE and found.state is State.MISSING:
                unpacked = sorted(pin for pin in release.pins() if pin.startswith(f"{release.UNPACKED}/"))
                if _state(unpacked[0], group, has).state is not State.MISSING:
                    yield from (_state(file, group, has) for file in unpacked)
                    continue
            yield found


def _state(name: str, group: str, has: Callable[[str], bool]) -> FileState:
    try:
        here = has(name)
    except Unreachable:
        raise
    except WrongHash as error:
        return FileState(name, group, State.WRONG_HASH, str(error))
    except MissingFile as error:
        return FileState(name, group, State.MISSING, str(error))
    absent = "not in the mirror" if os.environ.get(MIRROR) else "not fetched yet"
    return FileState(name, group, State.OK, "") if here else FileState(name, group, State.MISSING, absent)
