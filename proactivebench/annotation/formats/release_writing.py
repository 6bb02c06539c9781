"""A job as files of the release's shapes, each read by what reads the release's own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proactivebench.annotation.formats.foreign import as_json
from proactivebench.annotation.job import JobFolder
from proactivebench.records import AnnotationItem, Answer, Event, Trace
from proactivebench.text import write_lines

_CATEGORIES = {
    (True, True): "Correct-Rejection (CR)",
    (True, False): "Missed-Need (MN)",
    (False, True): "Correct-Detection (CD)",
    (False, False): "False-Alarm (FA)",
}
_JUDGE = (
    "You are the user of a computer with an assistant that may offer help by itself. Say whether you would accept its "
    'offer now, or, where there is none, its silence. Answer with a JSON object: {"judgement": "accepted"} or '
    '{"judgement": "rejected"}.'
)
_AGENT = (
    "You see what a user does, event by event, and may offer to do a task for them when they would want that. Answer "
    'with a JSON object: {"Proactive Task": the task, or null}.'
)
_ASK = "Do you accept it now?"


@dataclass(slots=True)
class _Votes:
    """What people said at a moment, of one showing: answers to the need, and to each offer, by annotator."""

    need: dict[str, Answer] = field(default_factory=dict)
    offers: dict[str, dict[str, Answer]] = field(default_factory=lambda: defaultdict(dict))


def write(folder: JobFolder) -> Mapping[str, str]:
    """A job as traces, annotation, reward data, and conversations to train a judge and an agent on. First answers alone
    count, "not yet" is a rejection there, and "unsure" is no vote."""
    votes: dict[str, _Votes] = defaultdict(_Votes)
    for vote in folder.votes().values():
        if vote.occasion == 0 and vote.answer is not None:
            here = votes[vote.item_id]
            (here.need if vote.offer_id is None else here.offers[vote.offer_id])[vote.annotator] = vote.answer
    items: dict[str, dict[int, AnnotationItem]] = defaultdict(dict)
    for item in sorted(folder.items.values(), key=lambda one: (one.trace_id, one.turn)):
        if not item.practice:
            items[item.trace_id][item.turn] = item
    files: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    taught: list[list[dict[str, str]]] = []
    for trace in folder.sessions.values():
        mine = items.get(trace.trace_id, {})
        name = _file_name(trace.trace_id)
        files[f"traces/{name}.json"] = as_json(_trace(trace, mine))
        if any(item.item_id in votes for item in mine.values()):
            files[f"annotation/{name}.json"] = as_json(_annotation(trace, mine, votes))
            rows += _rewards(trace, mine, votes)
            taught += _lessons(trace, mine, votes)
    if rows:
        files["reward_data.jsonl"] = write_lines(rows).decode()
        files["reward_training.json"] = as_json([{"conversations": _judged(row)} for row in rows])
    if taught:
        files["agent_training.jsonl"] = write_lines(taught).decode()
    return files


def _file_name(trace_id: str) -> str:
    """A trace's name as a file has it: letters, digits and marks that no system minds, the others by their number."""
    plain = "".join(one if (one.isalnum() and one.isascii()) or one in "._-" else f"%{ord(one):x}" for one in trace_id)
    return plain if not plain.startswith(".") else f"%2e{plain[1:]}"


def _observed(event: Event) -> dict[str, str]:
    return {"time": event.time, "event": event.event}


def _offers(item: AnnotationItem | None) -> list[str]:
    return [offer.text for offer in item.offers] if item else []


def _trace(trace: Trace, items: Mapping[int, AnnotationItem]) -> list[dict[str, Any]]:
    return [
        {
            "observation": _observed(event),
            "agent_response": {"candidate_task": _offers(items.get(turn))},
            "task_status": False,
        }
        for turn, event in enumerate(trace.events)
    ]


def _annotation(trace: Trace, items: Mapping[int, AnnotationItem], votes: Mapping[str, _Votes]) -> list[dict[str, Any]]:
    """Moment by moment, who accepts which offers. The shape has one word for each person: of those who said something
    to every offer that, of others who answered the need that."""
    found = []
    for turn, event in enumerate(trace.events):
        item = items.get(turn)
        moment: dict[str, Any] = {"observation": _observed(event), "candidate_task": _offers(item)}
        if item is not None and item.item_id in votes:
            moment["real_user"] = _users(item, votes[item.item_id])
        found.append(moment)
    return found


def _users(item: AnnotationItem, votes: _Votes) -> dict[str, list[int] | str]:
    given = [votes.offers.get(offer.offer_id, {}) for offer in item.offers]
    people = sorted({*votes.need, *(name for one in given for name in one)}, key=_natural)
    found: dict[str, list[int] | str] = {}
    for name in people:
        words = [one.get(name) for one in given]
        if words and all(word is not None and word.vote is not None for word in words):
            accepted = [number for number, word in enumerate(words) if word is Answer.ACCEPT]
            found[name] = accepted or "Reject all"
        elif name in votes.need and votes.need[name].vote is not None:
            found[name] = "need" if votes.need[name] is Answer.YES else "no need"
    return found


def _rewards(
    trace: Trace, items: Mapping[int, AnnotationItem], votes: Mapping[str, _Votes]
) -> Iterator[dict[str, Any]]:
    """Rows of reward data: the silence, where need was answered, and each offer with votes. Help is needed where some
    offer is accepted by all who voted on it; where none was voted on, where most wanted help."""
    for turn, item in items.items():
        here = votes.get(item.item_id)
        if here is None:
            continue
        offers = [(offer.text, _counted(here.offers.get(offer.offer_id, {}))) for offer in item.offers]
        silent = [not wanted for wanted in _counted(here.need)]
        voted = [given for _, given in offers if given]
        needed = any(map(all, voted)) if item.offers else 2 * sum(silent) < len(silent)
        observed = [_observed(event) for event in trace.events[: turn + 1]]
        for task, given in [(None, silent), *offers]:
            if given:
                valid = not needed if task is None else 2 * sum(given) > len(given)
                yield {
                    "obs": observed,
                    "pred_task": task,
                    "valid": valid,
                    "help_needed": needed,
                    "annotation": given,
                    "category": _CATEGORIES[task is None, valid],
                }


def _counted(given: Mapping[str, Answer]) -> list[bool]:
    """The votes among answers, in the order of names."""
    votes = (given[name].vote for name in sorted(given, key=_natural))
    return [vote for vote in votes if vote is not None]


def _natural(name: str) -> tuple[int, str]:
    return len(name), name


def _judged(row: Mapping[str, Any]) -> list[dict[str, str]]:
    asked = {
        "Observations (Time Ascending)": row["obs"],
        "Proposed Task": row["pred_task"],
        "Instruction": _ASK,
    }
    said = {"judgement": "accepted" if row["valid"] else "rejected"}
    return [
        {"role": "system", "content": _JUDGE},
        {"role": "user", "content": json.dumps(asked, ensure_ascii=False)},
        {"role": "assistant", "content": json.dumps(said)},
    ]


def _lessons(
    trace: Trace, items: Mapping[int, AnnotationItem], votes: Mapping[str, _Votes]
) -> Iterator[list[dict[str, str]]]:
    """One conversation of a trace: after each moment that people voted on, the offer that most of them accept, or
    silence; events without votes stand with the next."""
    messages = [{"role": "system", "content": _AGENT}]
    waiting: list[dict[str, str]] = []
    for turn, event in enumerate(trace.events):
        waiting.append({"Time": event.time, "Event": event.event})
        item = items.get(turn)
        if item is None or item.item_id not in votes:
            continue
        asked = waiting[0] if len(waiting) == 1 else waiting
        answer = {"Proactive Task": _best(item, votes[item.item_id])}
        messages += [
            {"role": "user", "content": json.dumps(asked, ensure_ascii=False)},
            {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)},
        ]
        waiting = []
    yield messages


def _best(item: AnnotationItem, votes: _Votes) -> str | None:
    """The offer with the greatest share of acceptance, where that is a majority."""
    shares: Sequence[tuple[float, str]] = [
        (sum(given) / len(given), offer.text)
        for offer in item.offers
        if (given := _counted(votes.offers.get(offer.offer_id, {})))
    ]
    best = max(shares, key=lambda one: one[0], default=(0.0, ""))
    return best[1] if best[0] > 0.5 else None
