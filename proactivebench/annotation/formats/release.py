"""The release's own files: as votes for a job, as a job of their own, and a job as such files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from proactivebench.annotation.formats.contract import Draft, Format, Options, Place, Reading, Said
from proactivebench.annotation.formats.drafting import item_at, placed
from proactivebench.annotation.formats.release_shapes import Ballot, Found, Told, read_shapes
from proactivebench.annotation.formats.release_writing import write
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import Answer, Trace
from proactivebench.traces import release
from proactivebench.traces.index import recognise, task_structure
from proactivebench.traces.labels import Prefix, sessions

_SPLIT = "other"  # of sessions that are none of the benchmark's
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


def read(files: Sequence[Path], folder: JobFolder, options: Options) -> Reading:  # noqa: ARG001 - the contract
    """The votes in files of the release's shapes, on the moments of a job that have the same events before them."""
    found = read_shapes(files)
    moments: dict[Prefix, tuple[str, int]] = {}
    for trace in folder.sessions.values():
        for turn in range(len(trace.events)):
            moments.setdefault(trace.events[: turn + 1], (trace.trace_id, turn))
    said: list[Said] = []
    for told in found.told:
        if not told.ballots:
            found.left_out["moments without votes"] += 1
            continue
        if told.events not in moments:
            raise DataError(f"{told.where}: {folder.path} has no session that begins with the same events")
        trace_id, turn = moments[told.events]
        for ballot in told.ballots:
            offer = None if ballot.offer is None else told.offers[ballot.offer]
            said.append(_said(told, ballot, trace_id, Place(trace_id=trace_id, turn=turn, offer=offer)))
    return Reading(tuple(said), found.left_out, notes=_notes(found))


def begin(files: Sequence[Path], options: Options) -> Draft:  # noqa: ARG001 - the contract
    """A job of the sessions, offers and votes in files of the release's shapes: need is asked where it was voted on, or
    at every moment where nothing was."""
    found = read_shapes(files)
    traces, moments = _traces(found)
    texts: dict[tuple[str, int], list[str]] = defaultdict(list)
    asked: set[tuple[str, int]] = set()
    voted: set[tuple[str, int, int, str]] = set()
    places: list[tuple[Told, Ballot, tuple[str, int], int | None]] = []
    for told in found.told:
        moment = moments[told.events]
        offers = texts[moment]
        at = [_same_or_new(offers, text) for text in told.offers]
        for ballot in told.ballots:
            number = None if ballot.offer is None else at[ballot.offer]
            if number is None:
                asked.add(moment)
            else:
                who = _who(ballot, moment[0])
                if (*moment, number, who) in voted:  # the same text offered, and answered, a second time
                    offers.append(offers[number])
                    number = len(offers) - 1
                voted.add((*moment, number, who))
            places.append((told, ballot, moment, number))
    everywhere = not any(told.ballots for told in found.told)
    items = {
        (trace.trace_id, turn): item_at(
            trace.trace_id,
            turn,
            texts.get((trace.trace_id, turn), ()),
            ask_need=everywhere or (trace.trace_id, turn) in asked,
        )
        for trace in traces
        for turn in range(len(trace.events))
        if everywhere or (trace.trace_id, turn) in texts
    }
    said = tuple(
        _said(told, ballot, moment[0], placed(items[moment], number)) for told, ballot, moment, number in places
    )
    asks = tuple(item for item in items.values() if item.ask_need or item.offers)
    known = all(recognise(trace.events) for trace in traces)
    return Draft(
        traces, asks, Reading(said, found.left_out, notes=_notes(found)), release.LICENCE if known else "unknown"
    )


def _same_or_new(offers: list[str], text: str) -> int:
    if text not in offers:
        offers.append(text)
    return offers.index(text)


def _traces(found: Found) -> tuple[tuple[Trace, ...], dict[Prefix, tuple[str, int]]]:
    """The whole sessions behind what was told, and where each moment is in them."""
    hints = {told.events: told.session for told in found.told if told.session}
    splits = task_structure("proactivebench").splits
    traces: list[Trace] = []
    moments: dict[Prefix, tuple[str, int]] = {}
    taken: Counter[str] = Counter()
    for number, events in enumerate(sessions(told.events for told in found.told), start=1):
        name = hints.get(events) or recognise(events) or f"session-{number}"
        name = _ODD.sub("-", name).lstrip("._-")[:40] or f"session-{number}"
        taken[name] += 1
        name = name if taken[name] == 1 else f"{name}-{taken[name]}"
        traces.append(Trace(trace_id=name, split=splits.get(name, _SPLIT), events=events))
        for turn in range(len(events)):
            moments.setdefault(events[: turn + 1], (name, turn))
    if not traces:
        raise DataError("the files tell of no moment: nothing was made")
    return tuple(traces), moments


def _said(told: Told, ballot: Ballot, trace_id: str, place: Place) -> Said:
    return Said(where=told.where, who=_who(ballot, trace_id), place=place, answer=Answer(ballot.answer))


def _who(ballot: Ballot, trace_id: str) -> str:
    """Whose vote it is: by name, or by its place among a trace's votes, as far as the release keeps people apart."""
    return ballot.who if ballot.who is not None else f"{trace_id}.p{(ballot.place or 0) + 1}"


def _notes(found: Found) -> tuple[str, ...]:
    anonymous = any(ballot.place is not None for told in found.told for ballot in told.ballots)
    told = (
        "votes carry no names: each place among a trace's votes is a pseudonym (TRACE.p1, TRACE.p2, …); one person "
        "may be several of them"
    )
    return (*found.notes, *((told,) if anonymous else ()))


FORMAT = Format("release", "the release's traces, annotation, reward data and conversations", read, write, begin)
