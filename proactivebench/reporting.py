"""What a stored run shows: its task loaded again, its report, and whether that may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from proactivebench.errors import InvalidRun, NotComparable, UsageError
from proactivebench.judging.identity import same_but_for_decoding, token_limits
from proactivebench.judging.kept import kept_fingerprints, kept_measured
from proactivebench.models.server_words import one_line
from proactivebench.records import (
    HumanLabel,
    JudgeIdentity,
    JudgeReport,
    Manifest,
    Measured,
    Measurement,
    Moment,
    ProtocolIdentity,
    Report,
    Task,
)
from proactivebench.store import RunStore
from proactivebench.traces import given_task, trace_hashes
from proactivebench.traces.kept import load_for


def task_of(store: RunStore, spec: str | None = None) -> Task:
    """The task a run was made on, loaded again (`spec` says where, should it have moved). Raises `UsageError` where the
    data is not the data of the run."""
    identity = store.manifest.task
    task = given_task(spec) if spec else load_for(store.path, identity.spec)
    if task.data_hash != identity.data_hash:
        raise UsageError(
            f"{store.path} was made on other data than {spec or identity.spec} holds now "
            f"({identity.data_hash[:8]} then, {task.data_hash[:8]} now): give the data it was made on with --tasks"
        )
    return task


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportExtras:
    """What a user gives beside a run to learn more from it: a YAML table of prices per million tokens that names the
    agent; people's labels of this run's answers; runs of `never` and `always` under the same judge, which break-even
    costs are measured against. `correct` asks for metrics corrected by the judges' measured errors."""

    prices: Path | None = None
    human_labels: Sequence[HumanLabel] = ()
    anchors: Sequence[Path] = ()
    correct: bool = False


def report_of(store: RunStore, task: Task, beside: ReportExtras | None = None) -> Report:
    """The report of a run under every judge that has given verdicts, computed from what is stored.

    Human labels (none given: those kept with the run), and the judges' measured errors where that is asked for, add
    corrected metrics. Raises `DataError` and `UsageError`.
    """
    from proactivebench.judging.errors import judge_errors, thresholds_of
    from proactivebench.judging.measurement import speaking_for
    from proactivebench.scoring import build_report  # loads numpy: not needed to collect replies
    from proactivebench.scoring.efficiency import load_prices

    beside = beside or ReportExtras()
    manifest = store.manifest
    traces, judges = trace_hashes(task), manifest.judges
    speaking = {name: speaking_for(measured_of(judge, manifest), traces) for name, judge in judges.items()}
    errors = {name: found for name, judge in judges.items() if (found := judge_errors(judge, speaking[name]))}
    ready = {name: known for name, judge in judges.items() if (known := thresholds_of(judge, speaking[name]))}
    return build_report(
        task,
        manifest,
        store.iter_replies(),
        {name: store.iter_verdicts(name) for name in store.judge_ids()},
        prices=load_prices(beside.prices, manifest.agent.name) if beside.prices else None,
        anchors=dict(_anchor(path, task) for path in beside.anchors),
        judge_errors=errors if beside.correct else None,
        human_labels=beside.human_labels or store.human_labels(),
        measurements=measurements_in(manifest, task),
        populations=ready,
        told=partial(_told, manifest.protocol),
    )


def measurements_in(manifest: Manifest, task: Task) -> dict[str, Measurement]:
    """What the verdicts of each judge of a run on `task` are worth, by what run, cards and the cache know of them."""
    from proactivebench.judging.measurement import measurement_of

    traces = trace_hashes(task)
    return {
        name: measurement_of(
            judge, measured_of(judge, manifest), (*manifest.fingerprints, *kept_fingerprints(judge)), traces
        )
        for name, judge in manifest.judges.items()
    }


def measured_of(judge: JudgeIdentity, manifest: Manifest) -> tuple[Measured, ...]:
    """All measurements of a judge of a run: the run's, its card's and those in the cache."""
    from proactivebench.judging.errors import known_measured

    return (*manifest.measured, *known_measured(judge), *kept_measured(judge))


def _told(identity: ProtocolIdentity, moment: Moment) -> str:
    """What an agent is told at the first event of a moment's trace under a protocol: the prompt, as far as its texts
    are at hand here."""
    from proactivebench.protocols import protocol_of

    return "\n".join(message.content for message in protocol_of(identity).conversation(Moment(moment.trace, 0), ()))


def _anchor(path: Path, task: Task) -> tuple[str, Report]:
    store = RunStore(path)
    manifest = store.manifest
    if manifest.agent.model not in ("never", "always") or manifest.task.data_hash != task.data_hash:
        raise NotComparable(
            f"{path} is no run of `never` or `always` on {task.name}: break-even is measured against those"
        )
    return manifest.agent.model, report_of(store, task)


def score_run(store: RunStore, task: Task | None = None, beside: ReportExtras | None = None) -> Report:
    """Score a run and write its `report.json`; people's labels given beside it are kept with it from then on. Raises
    `DataError` where these are of another run."""
    report = report_of(store, task or task_of(store), beside)
    if beside and beside.human_labels:
        store.keep_labels(beside.human_labels, report)
    store.write_report(report)
    return report


def check_complete(report: Report, store: RunStore | None = None) -> None:
    """Raise `InvalidRun` where moments have no final reply, with what went wrong first where the run is at hand."""
    if report.missing:
        raise InvalidRun(f"{incomplete(report, store)}: run the same command again")


def incomplete(report: Report, store: RunStore | None = None) -> str:
    """How much is missing of a report, and what went wrong first where the run is at hand."""
    said = f"{report.missing} of {report.moments_expected} moments have no final reply"
    failed = (reply for reply in (store.replies().values() if store else ()) if not reply.status.final and reply.error)
    first = next(failed, None)
    if first is None:
        return said
    return f"{said} (first {first.trace_id}, turn {first.turn}: {one_line(first.error or '')})"


def check_valid(report: Report, store: RunStore | None = None) -> None:
    """Raise `InvalidRun` where a report's numbers may not be used as they are: incomplete, spoilt by the provider, or
    too much unscored. Where its run is at hand too, what is missing is said with what went wrong."""
    check_complete(report, store)
    if report.spoilt:
        raise InvalidRun(
            f"{report.spoilt}: see which with `proactivebench show`, then run with another "
            "server or provider, in a new --output_path"
        )
    for judged in report.judges:
        why = report.invalid(judged)
        if why and not _given_room(judged, report):
            raise InvalidRun(
                f"judge {judged.judge.name}: {why}: {_budget(judged)}see the causes with `proactivebench show`, then "
                "judge again"
            )


def _given_room(judged: JudgeReport, report: Report) -> bool:
    """Whether the same judge but for its decoding (it was given more room, say) has judged the run in its place."""
    return any(
        other is not judged and report.invalid(other) is None and same_but_for_decoding(other.judge, judged.judge)
        for other in report.judges
    )


def _budget(judged: JudgeReport) -> str:
    """What to do where a judge was cut off at its own limit: asked again as it is, it would be again."""
    cut = judged.causes.get("truncated", 0)
    limits = token_limits(judged.judge)
    if not cut or not limits:
        return ""
    return (
        f"{cut} were cut off at max_gen_toks ({', '.join(map(str, limits))}), so judge with --judge_gen_kwargs "
        f"max_gen_toks={4 * limits[-1]} (another judge by that: all is asked again), or "
    )
