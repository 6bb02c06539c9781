"""What the trace pages read: events of a task, and what one run answered and heard at each of its moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from proactivebench.records import NeedRule, Reply, Report, Task, Trace, Verdict
from proactivebench.scoring.boundaries import boundaries
from proactivebench.traces.index import TaskStructure


def task_data(task: Task) -> dict[str, Any]:
    """The events of a task, in order, with the boundaries of activity among them and what people said where they did:
    need by each rule (a string of 1, 0 and - where nobody said), and votes as [accept, reject, not yet]."""
    traces = [
        {
            "id": trace.trace_id,
            "split": trace.split,
            "events": [[event.time, event.event] for event in trace.events],
            "changes": [", ".join(why) for why in boundaries(trace)],
            **_said(trace, task.need_rules),
        }
        for trace in task.traces
    ]
    return {"kind": "task", "name": task.data_hash, "traces": traces}


def _said(trace: Trace, rules: Sequence[NeedRule]) -> dict[str, Any]:
    """What people said of a trace; nothing where nobody did."""
    if trace.labels is None:
        return {}
    needs = {rule.value: [label.needs(rule) if label else None for label in trace.labels] for rule in rules}
    found: dict[str, Any] = {
        "needs": {
            rule: "".join("-" if one is None else "01"[one] for one in need)
            for rule, need in needs.items()
            if any(one is not None for one in need)
        }
    }
    if any(label and label.tasks for label in trace.labels):
        found["votes"] = [list(label.said) if label else [0, 0, 0] for label in trace.labels]
    if any(label and label.asked for label in trace.labels):
        asked = [label.asked if label else () for label in trace.labels]
        found["asked"] = [[sum(one), len(one) - sum(one), 0] for one in asked]
    return found


def structure_data(structure: TaskStructure) -> dict[str, Any]:
    """`task_data` where the texts are not at hand: empty events."""
    traces = [
        {"id": trace.trace_id, "split": trace.split, "events": [["", ""] for _ in trace.events]}
        for trace in structure.traces
    ]
    return {"kind": "task", "name": structure.data_hash, "traces": traces}


class Shown:
    """How much of a stranger's texts a page shows: the beginning of each, and of all together what a browser opens."""

    def __init__(self, each: int = 1000, together: int = 1024 * 1024) -> None:
        self._each, self._left = each, together

    def cut(self, text: str) -> str:
        """What is shown of a text, with how much is not."""
        most = min(self._each, self._left)
        said = text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters in the evidence)"
        self._left -= min(len(text), most)
        return said


def run_data(
    key: str,
    name: str,
    report: Report,
    replies: Iterable[Reply],
    verdicts: Mapping[str, Iterable[Verdict]],
    shown: Shown | None = None,
) -> dict[str, Any]:
    """One run for the trace pages: the last reply at each moment with its outcome and verdicts under each judge, each
    in the order of `judges`; of its texts what `shown` lets through (default: all)."""
    cut = shown.cut if shown else str
    last: dict[tuple[str, int, int], Reply] = {}
    for reply in replies:
        place = (reply.trace_id, reply.turn, reply.repeat)
        standing = last.get(place)
        if standing is None or reply.round >= standing.round:
            last[place] = reply
    outcomes = {each.judge.id: each.outcomes for each in report.judges}
    judges = sorted(judge for judge in verdicts if judge in outcomes)
    said = [_by_moment(verdicts[judge], last, cut) for judge in judges]
    moments: dict[str, list[dict[str, Any]]] = {}
    for place in sorted(last):
        reply = last[place]
        moments.setdefault(reply.trace_id, []).append(
            {
                "turn": reply.turn,
                "repeat": reply.repeat,
                "status": reply.status.value,
                "proposals": [cut(offer) for offer in reply.proposals],
                "notes": [note.value for note in reply.notes],
                "outcomes": "".join(_outcome(outcomes[judge], reply) for judge in judges),
                "verdicts": [given.get(place, []) for given in said],
            }
        )
    return {
        "kind": "run",
        "key": key,
        "name": name,
        "task": report.task.data_hash,
        "repeats": report.repeats,
        "judges": judges,
        "moments": moments,
    }


def _by_moment(
    verdicts: Iterable[Verdict], last: Mapping[tuple[str, int, int], Reply], cut: Callable[[str], str]
) -> dict[tuple[str, int, int], list[list[Any]]]:
    found: dict[tuple[str, int, int], list[list[Any]]] = {}
    for verdict in verdicts:
        place = (verdict.trace_id, verdict.turn, verdict.repeat)
        if place in last and last[place].round == verdict.round:
            reason = verdict.reason or verdict.cause
            reason = cut(reason) if reason else reason
            line = [verdict.candidate, verdict.status.value, reason, verdict.judge, verdict.probability]
            found.setdefault(place, []).append(line)
    return found


def _outcome(outcomes: Mapping[str, tuple[str, ...]], reply: Reply) -> str:
    rows = outcomes.get(reply.trace_id, ())
    if reply.repeat < len(rows) and reply.turn < len(rows[reply.repeat]):
        return rows[reply.repeat][reply.turn]
    return "."
