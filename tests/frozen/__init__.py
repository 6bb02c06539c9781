"""What must not move while the code does: hashes of data, protocols, questions and judges, and the sample's reports.

`python -m tests.frozen` writes `expected.json` again: only where a change says why its numbers change.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proactivebench.agents.base import Turn
from proactivebench.evaluation import Evaluation, run_async
from proactivebench.judging import Judge, create_judge
from proactivebench.models.base import Answer, Failure
from proactivebench.preparation import Settings, prepare
from proactivebench.protocols import load_protocol
from proactivebench.records import (
    Decoding,
    Moment,
    Reply,
    Report,
    SplitReport,
    Task,
    TraceTable,
    Usage,
    digest,
    question_hash,
)
from proactivebench.reporting import report_of
from proactivebench.store import RunStore
from proactivebench.traces import load_task, task_structure
from tests.judging.scripted import ACCEPT, REJECT, ScriptedEngine
from tests.scripted import ScriptedAgent, offer

EXPECTED = Path(__file__).with_name("expected.json")
SAMPLE = "proactivebench_sample"
TASKS = ("proactivebench", "proactivebench_published")
JUDGES = (
    "labels",
    "labels:majority",
    "lexical",
    "llm",
    "silence=labels,proposals=labels+lexical",
    "silence=labels:majority,proposals=llm",
)
_BESIDE = ("interval", "strict", "bounds", "unscored_bounds")
PROTOCOLS: dict[str, dict[str, Any]] = {
    "standard": {},
    "standard, observations": {"history": "observations"},
    "standard, three candidates": {"candidates": 3},
    "standard, feedback": {"feedback_rounds": 1, "feedback_judge": "lexical-01234567"},
    "standard-confidence": {},
    "released": {},
}


def hashes() -> dict[str, dict[str, str]]:
    """Every hash that stored runs, verdicts and boards are told apart by."""
    task = load_task(SAMPLE)
    moments = [Moment(trace, turn) for trace in task.traces for turn in range(len(trace.events))]
    return {
        "data": {SAMPLE: task.data_hash}
        | {name: task_structure(name).data_hash for name in TASKS}
        | {f"{name}, structure": digest(repr(task_structure(name).traces)) for name in TASKS},
        "protocols": {
            named: load_protocol(named.partition(",")[0], **terms).identity.hash for named, terms in PROTOCOLS.items()
        },
        "questions": {
            f"{moment.trace.trace_id}:{moment.turn}": "/".join(
                question_hash(moment, said) for said in (None, "Sort the references by year.")
            )
            for moment in moments
        },
        "judges": {spec: judge(spec).identity.id + " " + judge(spec).identity.hash for spec in JUDGES},
    }


def judge(spec: str | None) -> Judge:
    """The judge of a spec; where a model stands behind, one that decides by the question alone."""
    return create_judge(spec, task=load_task(SAMPLE), engine=ScriptedEngine(_verdict))


def reports(folder: Path) -> dict[str, Report]:
    """The sample's report of every agent, by its name; `folder` receives the runs."""
    scripted = RunStore(folder / "scripted")
    made = {name: _named(folder, name) for name in ("never", "always", "oracle")}
    made["scripted"] = _run(scripted, _scripted(load_task(SAMPLE), None))
    run_async(_scripted(load_task(SAMPLE), "silence=labels:majority,proposals=llm").run(scripted.path))
    made["scripted"] = report_of(scripted, load_task(SAMPLE))
    made["replay"] = _named(folder, "replay", {"path": str(scripted.path)})
    return made


def told(report: Report) -> dict[str, Any]:
    """What of a report is frozen, by key."""
    return {
        "counts": {
            "moments": report.moments_expected,
            "answered": report.moments_answered,
            "unclean": report.unclean.model_dump(mode="json") if report.unclean else None,
        },
        "judges": {
            judged.judge.id: {
                "valid": judged.valid,
                "unscored_share": judged.unscored_share,
                "causes": judged.causes,
                "verdicts": judged.verdicts,
                "overall": _split(judged.overall),
                "splits": {name: _split(split, _BESIDE[:1]) for name, split in judged.splits.items()},
                "tables": {view: _totals(table) for view, table in judged.tables.items()},
                "lacking": {view: table.lacking for view, table in judged.tables.items()},
                "outcomes": {trace: list(rows) for trace, rows in judged.outcomes.items()},
            }
            for judged in report.judges
        },
    }


def conversations() -> dict[str, str]:
    """One hash over all messages an agent is sent, by protocol."""
    found = {}
    for named, terms in PROTOCOLS.items():
        name = named.partition(",")[0]
        if name != "released" and "feedback_judge" not in terms:
            agent = ScriptedAgent(_answer)
            evaluation = replace(_scripted(load_task(SAMPLE), None), agent=agent, protocol=load_protocol(name, **terms))
            with TemporaryDirectory() as folder:
                run_async(evaluation.run(folder))
            sent = {f"{r.moment.trace.trace_id}:{r.moment.turn}:{r.repeat}": r.messages for r in agent.requests}
            found[named] = digest(sent)
    return found


def answers(store: RunStore) -> str:
    """One hash over what was answered and how it was read."""
    return digest([_read(reply) for _, reply in sorted(store.replies().items())])


def frozen(folder: Path) -> dict[str, Any]:
    """All that `expected.json` holds."""
    made = reports(folder)
    found = {
        "hashes": hashes(),
        "conversations": conversations(),
        "answers": {name: answers(RunStore(folder / name)) for name in made},
        "reports": {name: told(report) for name, report in made.items()},
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _named(folder: Path, model: str, model_args: dict[str, str] | None = None) -> Report:
    return _run(
        RunStore(folder / model), prepare(Settings(model=model, model_args=model_args or {}, tasks=SAMPLE, repeats=1))
    )


def _run(store: RunStore, evaluation: Evaluation) -> Report:
    run_async(evaluation.run(store.path))
    return report_of(store, evaluation.task)


def _scripted(task: Task, spec: str | None) -> Evaluation:
    """A model that offers, is silent, rambles and is refused, as the moment's hash has it."""
    return Evaluation(
        task=task,
        agent=ScriptedAgent(_answer),
        protocol=load_protocol("standard"),
        decoding=Decoding(),
        judge=judge(spec),
        task_spec=SAMPLE,
        seed=7,
        repeats=2,
    )


def _answer(request: Turn) -> Answer:
    drawn = int(question_hash(request.moment, str(request.repeat))[:4], 16) % 16
    usage = Usage(prompt_tokens=100 + request.moment.turn, completion_tokens=20 + drawn)
    last = request.moment.events[-1].event
    texts: dict[int, str] = {0: "I would rather think about it.", 1: offer(last), 2: offer("Help with this.")}
    if drawn == 3 and request.moment.turn == 2:
        return Answer(text=None, failure=Failure.REFUSED, error="content filter", usage=usage)
    said = texts.get(drawn) or offer(None if drawn < 9 else f"Look up what '{last[:30]}' needs next.")
    return Answer(text=said, finish_reason="stop", usage=usage)


def _verdict(request: Turn) -> str:
    return ACCEPT if int(digest(request.messages[-1].content)[:2], 16) % 3 else REJECT


def _split(split: SplitReport, beside: tuple[str, ...] = _BESIDE) -> dict[str, Any]:
    return {
        "moments": split.moments,
        "confusion": split.confusion.model_dump(mode="json"),
        "statuses": split.statuses,
        "metrics": {
            key: {"value": metric.value} | metric.model_dump(mode="json", include=set(beside), exclude_none=True)
            for key, metric in split.metrics.items()
        },
    }


def _totals(table: TraceTable) -> dict[str, float]:
    """The counts of a table over all traces, by name; how they spread over traces shows in the intervals."""
    return {
        name: sum(row[place] for row in table.rows.values())
        for place, name in enumerate(table.columns)
        if any(row[place] for row in table.rows.values())
    }


def _read(reply: Reply) -> list[Any]:
    return [*reply.key, reply.status, reply.proposals, reply.text, reply.cause]
