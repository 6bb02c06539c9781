"""Runs written as letters, one per moment: what tests feed the scorer with.

Offers: `A` accepted, `R` rejected, `U` unscored. Silences: `a`, `r`, `u` likewise. Unclean replies: `x` with
its silence accepted, `y` with it rejected; `p` and `q` likewise, where the provider refused. `!` an error, `.` no
reply at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from proactivebench.records import (
    AgentIdentity,
    Decoding,
    Event,
    JudgeIdentity,
    JudgeMember,
    Manifest,
    Measurement,
    MeasurementStatus,
    Moment,
    MomentLabels,
    NeedRule,
    ProtocolIdentity,
    Reply,
    ReplyStatus,
    Report,
    Session,
    Task,
    TaskIdentity,
    Trace,
    Verdict,
    VerdictStatus,
    digest,
    question_hash,
)
from proactivebench.scoring import build_report


def make_judge(*, silence: str | None = "fair", proposals: str | None = "fair") -> JudgeIdentity:
    """A judge of `fair`, which can be wrong, and `labels`, which are people's, in the words of `--judge`."""
    members = [
        JudgeMember(
            stratum=stratum,
            name="labels:unanimous" if (word, stratum) == ("labels", "silence") else word,
            kind="labels" if word == "labels" else "llm",
            rule=NeedRule.UNANIMOUS if word == "labels" else None,
            fallible=word != "labels",
        )
        for stratum, chain in (("silence", silence), ("proposals", proposals))
        for word in (chain.split("+") if chain else ())
    ]
    name = "fair" if silence == proposals == "fair" else f"{silence}-{proposals}"
    whole = "0" * 64 if name == "fair" else digest(name)
    spelled = {one: "+".join(m.name for m in members if m.stratum == one) or None for one in ("silence", "proposals")}
    return JudgeIdentity(id=f"{name}-{whole[:8]}", name=name, hash=whole, members=tuple(members), **spelled)


JUDGE = make_judge()
LABELS = make_judge(silence="labels")
_VERDICT = {"A": VerdictStatus.ACCEPTED, "R": VerdictStatus.REJECTED, "U": VerdictStatus.UNSCORED}


def letters(tp: int, fp: int, tn: int, fn: int) -> str:
    return "A" * tp + "R" * fp + "a" * tn + "r" * fn


def make_task(
    lengths: Mapping[str, int],
    *,
    needs: Mapping[str, Sequence[bool]] | None = None,
    splits: Mapping[str, str] | None = None,
) -> Task:
    return Task(
        name="letters",
        version="1",
        revision="r",
        licence="none",
        date="2026-01-01",
        source="test",
        traces=tuple(
            Trace(
                trace_id=name,
                split=(splits or {}).get(name, "coding"),
                events=tuple(Event(time=str(60 * turn), event=f"{name} event {turn}") for turn in range(length)),
                labels=None if needs is None else tuple(MomentLabels(need=need) for need in needs[name]),
            )
            for name, length in lengths.items()
        ),
    )


def make_manifest(task: Task, judge: JudgeIdentity = JUDGE, **changes: object) -> Manifest:
    manifest = Manifest(
        task=TaskIdentity(
            spec="letters", name=task.name, version="1", revision="r", data_hash=task.data_hash, licence="none",
            source="test", labelled=task.unlabelled == 0,
        ),
        agent=AgentIdentity(model="scripted", name="scripted"),
        protocol=ProtocolIdentity(name="standard", version="1", hash="h", history="observations"),
        decoding=Decoding(),
        seed=0,
        silence_source=judge.silence,
        judges={judge.id: judge},
        sessions=(Session(started="2026-01-01T00:00:00Z", versions={}),),
    )  # fmt: skip
    return manifest.model_copy(update=changes)


def make_reply(name: str, turn: int, letter: str, *, text: str | None = None, **fields: object) -> Reply:
    offer = text or f"offer {name} {turn}"
    if letter in "ARU":
        return Reply(trace_id=name, turn=turn, status=ReplyStatus.PROPOSED, proposals=(offer,), **fields)
    status = {"x": ReplyStatus.UNPARSABLE, "y": ReplyStatus.UNPARSABLE, "!": ReplyStatus.ERROR}
    status |= dict.fromkeys("pq", ReplyStatus.REFUSED)
    return Reply(trace_id=name, turn=turn, status=status.get(letter, ReplyStatus.SILENT), **fields)


def make_verdict(
    task: Task, reply: Reply, letter: str, *, judge: str = "fair", candidate: int = 0, **fields: object
) -> Verdict:
    trace = next(trace for trace in task.traces if trace.trace_id == reply.trace_id)
    offer = reply.proposals[candidate] if reply.proposals else None
    return Verdict(
        trace_id=reply.trace_id,
        turn=reply.turn,
        repeat=reply.repeat,
        round=reply.round,
        candidate=candidate if reply.proposals else -1,
        status=_VERDICT[{"x": "A", "y": "R", "p": "A", "q": "R"}.get(letter, letter).upper()],
        judge=judge,
        question=question_hash(Moment(trace, reply.turn), offer),
        **fields,
    )


def make_run(task: Task, rows: Mapping[str, str | Sequence[str]]) -> tuple[list[Reply], list[Verdict]]:
    """Replies and verdicts for a string per trace, or one per repeat."""
    replies, verdicts = [], []
    for name, row in rows.items():
        for repeat, text in enumerate([row] if isinstance(row, str) else row):
            for turn, letter in enumerate(text):
                if letter == ".":
                    continue
                reply = make_reply(name, turn, letter, repeat=repeat)
                replies.append(reply)
                if letter != "!":
                    verdicts.append(make_verdict(task, reply, letter))
    return replies, verdicts


def report_on(
    rows: Mapping[str, str | Sequence[str]],
    *,
    needs: Mapping[str, Sequence[bool]] | None = None,
    judge: JudgeIdentity = JUDGE,
    splits: Mapping[str, str] | None = None,
    repeats: int = 1,
    name: str = "scripted",
    measured: bool = True,
) -> Report:
    task = make_task(
        {name: len(row if isinstance(row, str) else row[0]) for name, row in rows.items()}, needs=needs, splits=splits
    )
    manifest = make_manifest(task, judge)
    manifest = manifest.model_copy(
        update={
            "sessions": (Session(started="2026-01-01T00:00:00Z", versions={}, repeats=repeats),),
            "agent": AgentIdentity(model="scripted", name=name),
        }
    )
    replies, verdicts = make_run(task, rows)
    known = judge.unmeasured.status is MeasurementStatus.UNMEASURED and measured
    worth = {judge.id: Measurement(status=MeasurementStatus.MEASURED, reason="in tests")} if known else {}
    return build_report(task, manifest, replies, {judge.id: verdicts}, measurements=worth)


def by_trace(*tables: tuple[int, int, int, int]) -> dict[str, str]:
    return {f"t{index}": letters(*table) for index, table in enumerate(tables)}


def values(report: Report, *keys: str) -> Iterable[float | None]:
    return [report.judges[0].overall.metrics[key].value for key in keys]
