"""The release's files, told apart by what is in them and read shape by shape: what the user did, what was offered, and
who said what to it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from proactivebench.annotation.formats.foreign import (
    event_of,
    list_in,
    member,
    short,
    text_in,
    values_of,
)
from proactivebench.errors import DataError
from proactivebench.records import Answer, Event
from proactivebench.text import NotReadable, find_objects, load_strict
from proactivebench.traces.labels import UNKNOWN, Prefix, items_of, moment_labels

WANTED = "files of the release's shapes: traces, annotation, reward data, conversations, activity logs"
LABEL = "label"  # the pseudonym of a conversation's one judgement
_SILENT = ("", "null", "none")
_OBSERVATIONS, _PROPOSED, _JUDGED = "observations", "proposed task", re.compile(r"judge?ments?")
_REJECT_ALL, _NEED, _NO_NEED = "reject all", "need", "no need"
_TYPED = ("keyboard",)

Values = Sequence[tuple[str, Any]]


class Ballot(NamedTuple):
    """One answer: to the offer of that number, or (None) to the need; of whom, or of which place among the moment's
    votes (from 0) where the file keeps no names."""

    answer: Answer
    offer: int | None = None
    who: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one entry of a file tells: a moment, the offers there, and the answers. `session` is what the file calls the
    session, where it does."""

    where: str
    events: Prefix
    session: str | None = None
    offers: tuple[str, ...] = ()
    ballots: tuple[Ballot, ...] = ()


@dataclass(slots=True)
class Found:
    """All that files tell, with what was passed over and what is to be said of it."""

    told: list[Told]
    left_out: Counter[str]
    notes: list[str]


def read_shapes(files: Iterable[Path]) -> Found:
    """Everything that the files tell, in their order; of a folder its `.json` and `.jsonl` files. Raises `DataError`
    naming file and place."""
    found = Found([], Counter(), [])
    rewards: list[tuple[str, int, Mapping[str, Any]]] = []
    voted: dict[str, set[Prefix]] = defaultdict(set)  # moments with votes, by the shape that tells of them
    for file in chain.from_iterable(map(_files, files)):
        values = values_of(file, WANTED)
        if values and isinstance(values[0][1], dict) and "obs" in values[0][1]:
            rewards += [(str(file), number, _reward(value, where)) for number, (where, value) in enumerate(values)]
        else:
            told = list(_told(values, file, found.left_out))
            found.told += told
            shape = "training" if any(one.session is None for one in told) else "annotation"
            voted[shape] |= {one.events for one in told if one.ballots}
    if rewards:
        before = len(found.told)
        _from_rewards(rewards, found)
        voted["rewards"] = {one.events for one in found.told[before:]}
    if twice := sum(number > 1 for number in Counter(chain.from_iterable(voted.values())).values()):
        found.notes.append(
            f"moments with votes in files of more than one shape: {twice:,}; votes that are told in two shapes, as in "
            "the files of an export, count twice: import one of these"
        )
    return found


def _told(values: Values, file: Path, left_out: Counter[str]) -> Iterable[Told]:
    """What a file tells, by the shape that its first entry has. Raises `DataError` where that is none."""
    if not values:
        left_out["empty files"] += 1
        return ()
    where, first = values[0]
    if isinstance(first, list):
        return _agent_training(values, left_out)
    if not isinstance(first, dict):
        raise DataError(f"{where}: {short(first)} is nothing that the release has: give {WANTED}")
    if {"role", "content"} <= first.keys():
        return _agent_training([(str(file), [value for _, value in values])], left_out)
    for keys, read in _SHAPES.items():
        if keys <= first.keys():
            return read(values, file.stem, left_out)
    if len(values) == 1 and _is_map(first):
        left_out["maps of names, traces or splits"] += 1
        return ()
    raise DataError(f"{where}: no shape of the release ({', '.join(map(short, first))[:200]}): give {WANTED}")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in (".json", ".jsonl") and file.is_file())
    if not found:
        raise DataError(f"{path} holds no .json or .jsonl file: give {WANTED}")
    return found


def _is_map(value: Mapping[str, Any]) -> bool:
    """Whether it is what the annotation page keeps beside its results: names to ids, ids to traces; or the splits."""
    kinds = {type(one) for one in value.values()}
    return kinds <= {str} or kinds <= {list} or (kinds <= {dict} and all("files" in one for one in value.values()))


# --- traces, annotation, released answers -----------------------------------------------------------------------------


def _answered(values: Values, session: str, left_out: Counter[str]) -> Iterator[Told]:
    """A session's moments, each with what was offered and, in annotation, what each annotator said to it."""
    events: list[Event] = []
    for where, value in values:
        events.append(event_of(member(value, "observation", where), where))
        candidates = _candidates(value, where, left_out)
        kept = [number for number, text in enumerate(candidates) if text is not None]
        ballots: list[Ballot] = []
        users = value.get("real_user", {})
        if not isinstance(users, dict):
            raise DataError(f"{where}: real_user is {short(users)}, not an object of annotators and what each said")
        for who, label in users.items():
            ballots += _label(label, who, candidates, f"{where}, {short(who)}", left_out)
        left_out["verdicts of models"] += sum(
            len(given) for key, given in value.items() if _JUDGED.fullmatch(key) and isinstance(given, list)
        )
        numbers = {number: at for at, number in enumerate(kept)}
        yield Told(
            where=where,
            events=tuple(events),
            session=session,
            offers=tuple(text for text in candidates if text is not None),
            ballots=tuple(
                one if one.offer is None else one._replace(offer=numbers[one.offer])
                for one in ballots
                if one.offer is None or one.offer in numbers
            ),
        )


def _candidates(value: Mapping[str, Any], where: str, left_out: Counter[str]) -> list[str | None]:
    """The offers of a moment by their index; None where there is no offer under it."""
    given = value["candidate_task"] if "candidate_task" in value else member(value, "agent_response", where)
    if isinstance(given, dict):
        given = member(given, "candidate_task", where)
    found: list[str | None] = []
    for one in list_in(given, where, "the list of offers"):
        if one is not None and not isinstance(one, str):
            left_out["offers that are no text"] += 1
            one = None
        text = None if one is None else text_in(one, where, "an offer")
        found.append(None if text is None or text.strip().casefold() in _SILENT else text)
    return found


def _label(
    label: Any, who: str, candidates: Sequence[str | None], where: str, left_out: Counter[str]
) -> Iterator[Ballot]:
    """What one annotator said: indexes of the offers they accept, or one of three words in any case."""
    offers = [number for number, text in enumerate(candidates) if text is not None]
    word = " ".join(label.casefold().replace("_", " ").split()) if isinstance(label, str) else None
    if word in (_NEED, _NO_NEED):
        yield Ballot(Answer.YES if word == _NEED else Answer.NO, who=who)
        return
    if word == _REJECT_ALL:
        label = []
    if not isinstance(label, list) or not all(type(one) is int and one >= 0 for one in label):
        raise DataError(
            f'{where}: {short(label)} is no label: use a list of indexes, "Reject all", "need" or "no need"'
        )
    left_out["labels where nothing was offered"] += not offers
    left_out["ticks on offers that are not there"] += sum(one not in offers for one in set(label))
    yield from (Ballot(Answer.ACCEPT if number in label else Answer.REJECT, number, who) for number in offers)


# --- reward data ------------------------------------------------------------------------------------------------------


def _reward(value: Any, where: str) -> dict[str, Any]:
    """A row of reward data, checked. Raises `DataError`."""
    observed = list_in(member(value, "obs", where), where, "obs")
    events = [event_of(one, where).model_dump() for one in observed]
    if not events:
        raise DataError(f"{where}: obs is empty: a moment has an event at least")
    task = member(value, "pred_task", where)
    votes = list_in(member(value, "annotation", where), where, "annotation")
    if not votes or not all(isinstance(vote, bool) for vote in votes):
        raise DataError(f"{where}: annotation is no list of true and false, one for each annotator")
    for key in ("valid", "help_needed"):
        if not isinstance(member(value, key, where), bool):
            raise DataError(f"{where}: {key} is {short(value[key])}, neither true nor false")
    return {
        "where": where,
        "obs": events,
        "pred_task": None if task is None else text_in(task, where, "pred_task"),
        "annotation": votes,
        "valid": value["valid"],
        "help_needed": value["help_needed"],
        "category": text_in(member(value, "category", where), where, "category"),
    }


def _from_rewards(rows: Sequence[tuple[str, int, Mapping[str, Any]]], found: Found) -> None:
    items = items_of(rows)
    labels = moment_labels(items)
    wanted = {  # by the silence alone, where nothing was offered
        item.events: 2 * sum(item.votes) < len(item.votes) for item in items if item.pred_task is None
    }
    differ = {
        item.events
        for item in items
        if item.help_needed
        != (any(all(each.votes) for each in tasks) if (tasks := labels[item.events].tasks) else wanted[item.events])
    }
    if differ:
        found.notes.append(f"moments whose help_needed is not what their votes say: {len(differ):,}; the votes count")
    for item, (_, _, row) in zip(items, rows, strict=True):
        silence = item.pred_task is None
        # a vote for the silence says that no help is needed
        words = (Answer.NO, Answer.YES) if silence else (Answer.ACCEPT, Answer.REJECT)
        found.told.append(
            Told(
                where=row["where"],
                events=item.events,
                session=None if item.trace == UNKNOWN else item.trace,
                offers=() if item.pred_task is None else (item.pred_task,),
                ballots=tuple(
                    Ballot(words[not vote], None if silence else 0, place=place)
                    for place, vote in enumerate(item.votes)
                ),
            )
        )


# --- conversations ----------------------------------------------------------------------------------------------------


def _conversations(values: Values, _session: str, left_out: Counter[str]) -> Iterator[Told]:
    """Training conversations: a reward model's, which end with a judgement; or an agent's, in the same wrapping."""
    for where, value in values:
        messages = list_in(member(value, "conversations", where), where, "conversations")
        asked = [_object(text) for role, text in _messages(messages, where) if role == "user"]
        task = next((_named(one, _PROPOSED) for one in asked if _has(one, _PROPOSED)), ...)
        if task is ...:
            yield from _agent_training([(where, messages)], left_out)
            continue
        observed = next((_named(one, _OBSERVATIONS) for one in asked if _has(one, _OBSERVATIONS)), None)
        events = tuple(event_of(one, where) for one in list_in(observed, where, "the observations"))
        judged = [_object(text) for role, text in _messages(messages, where) if role == "assistant"]
        words = [word for one in judged for key, word in one.items() if _JUDGED.fullmatch(key)]
        accepted = (
            {"accepted": True, "rejected": False}.get(words[-1]) if words and isinstance(words[-1], str) else None
        )
        if accepted is None or not events:
            left_out["conversations without a judgement"] += 1
            continue
        silence = task is None or (isinstance(task, str) and task.strip().casefold() in _SILENT)
        words_for = (Answer.NO, Answer.YES) if silence else (Answer.ACCEPT, Answer.REJECT)
        yield Told(
            where=where,
            events=events,
            offers=() if silence else (text_in(task, where, "the proposed task"),),
            ballots=(Ballot(words_for[not accepted], None if silence else 0, who=LABEL),),
        )


def _agent_training(values: Values, left_out: Counter[str]) -> Iterator[Told]:
    """An agent's conversations: the user's messages are events, the assistant's what was offered after them."""
    for where, value in values:
        events: list[Event] = []
        for role, text in _messages(list_in(value, where, "a conversation"), where):
            said = _object(text)
            if role == "user":
                seen = _named(said, _OBSERVATIONS) if _has(said, _OBSERVATIONS) else _listed(text) or said
                shown = [one for one in (seen if isinstance(seen, list) else [seen]) if isinstance(one, dict)]
                events += [event_of(one, where, "Time", "Event") for one in shown if one.keys() >= {"Time", "Event"}]
            elif role == "assistant" and events:
                task = said.get("Proactive Task")
                offered = isinstance(task, str) and task.strip().casefold() not in _SILENT
                yield Told(
                    where=where,
                    events=tuple(events),
                    offers=(text_in(task, where, "the proactive task"),) if offered else (),
                )
        left_out["conversations about no events"] += not events


def _messages(messages: Sequence[Any], where: str) -> list[tuple[str, str]]:
    """Role and text of each message, under either of the names that tools have for them."""
    found = []
    for message in messages:
        role = message.get("role", message.get("from")) if isinstance(message, dict) else None
        text = message.get("content", message.get("value")) if isinstance(message, dict) else None
        if not isinstance(role, str) or not isinstance(text, str):
            raise DataError(f"{where}: a message without role and content")
        found.append(({"human": "user", "gpt": "assistant"}.get(role, role), text))
    return found


def _object(text: str) -> dict[str, Any]:
    """The last JSON object in a text, an empty one where there is none."""
    try:
        whole = load_strict(text)
    except NotReadable:
        objects = find_objects(text)
        whole = _plain(objects[-1].pairs) if objects else None
    return whole if isinstance(whole, dict) else {}


def _listed(text: str) -> list[Any]:
    try:
        whole = load_strict(text)
    except NotReadable:
        return []
    return whole if isinstance(whole, list) else []


def _plain(value: Any) -> Any:
    """An object of pairs as a dict, at every depth."""
    if isinstance(value, list) and value and all(isinstance(one, tuple) for one in value):
        return {key: _plain(one) for key, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _has(said: Mapping[str, Any], name: str) -> bool:
    return any(key.casefold().startswith(name) for key in said)


def _named(said: Mapping[str, Any], name: str) -> Any:
    return next(value for key, value in said.items() if key.casefold().startswith(name))


# --- activity ---------------------------------------------------------------------------------------------------------


def _activity(values: Values, session: str, _left_out: Counter[str]) -> Iterator[Told]:
    """A merged activity log as a session: a sentence for each segment, without what was typed."""
    events: list[Event] = []
    for where, value in values:
        stamp = member(value, "timestamp", where)
        time = str(stamp) if isinstance(stamp, int | float) and not isinstance(stamp, bool) else stamp
        events.append(Event(time=text_in(time, where, "timestamp"), event=_segment(value, where)))
    if events:
        yield Told(where=values[0][0], events=tuple(events), session=session)


def _segment(value: Mapping[str, Any], where: str) -> str:
    duration = member(value, "duration", where)
    if not isinstance(duration, int | float) or isinstance(duration, bool):
        raise DataError(f"{where}: duration is {short(duration)}, not a number of seconds")
    app = text_in(member(value, "app", where), where, "app")
    inputs = list_in(value.get("user_input", []), where, "user_input")
    infos = list_in(value.get("info", value.get("events", [])), where, "info")
    titles = [_title(info) for info in infos]
    seen = "; ".join(dict.fromkeys(title for title in titles if title))
    kinds = Counter(one.get("from") for one in inputs if isinstance(one, dict))
    typed = sum(len(one["data"]) for one in inputs if _typed(one))
    pressed = sum(count for kind, count in kinds.items() if isinstance(kind, str) and kind not in _TYPED)
    does = [f"types {typed} characters"] if typed else []
    does += [f"uses the mouse or clipboard {pressed} times"] if pressed else []
    idle = " and is away from the keyboard" if value.get("status") == "afk" else ""
    text = f"The user spends {duration:.0f} s in {app}" + (f" ({seen})" if seen else "") + idle
    return text_in(text + (f" and {' and '.join(does)}" if does else "") + ".", where, "a segment")


def _title(info: Any) -> str:
    """What a segment's window, page or file is called."""
    if not isinstance(info, dict):
        return ""
    data = info.get("data", info)
    named = (data.get(key) for key in ("title", "file", "url")) if isinstance(data, dict) else ()
    return next((name for name in named if isinstance(name, str) and name), "")


def _typed(one: Any) -> bool:
    return isinstance(one, dict) and one.get("from") in _TYPED and isinstance(one.get("data"), str)


def _simulated(values: Values, session: str, left_out: Counter[str]) -> Iterator[Told]:
    """A simulated session: its events, and what the agent in it proposed after them."""
    events: list[Event] = []
    for where, value in values:
        tags = list_in(member(value, "tags", where), where, "tags")
        if "events" in tags:
            events.append(event_of(value, where, event="content"))
            yield Told(where=where, events=tuple(events), session=session)
        elif "agent.proactive" in tags and events:
            content = text_in(member(value, "content", where), where, "content")
            task = _object(content).get("Proactive Task", content)
            if isinstance(task, str) and task.strip().casefold() not in _SILENT:
                yield Told(where=where, events=tuple(events), session=session, offers=(task,))
        else:
            left_out["lines that are no events"] += 1


_SHAPES: Mapping[frozenset[str], Callable[[Values, str, Counter[str]], Iterable[Told]]] = {
    frozenset({"conversations"}): _conversations,
    frozenset({"observation"}): _answered,
    frozenset({"timestamp", "duration"}): _activity,
    frozenset({"tags", "content"}): _simulated,
}
