"""From a run to an entry: `leaderboard prepare`."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from proactivebench.board.entry.declaration import check_run_id, default_declaration
from proactivebench.board.entry.escaping import plain
from proactivebench.board.entry.evidence import read_evidence
from proactivebench.board.entry.form import ENTRY, REPLIES, Declaration, Entry, EvidenceFile, verdict_file
from proactivebench.board.entry.redaction import redacted_manifest, redacted_reply, redacted_verdict
from proactivebench.board.entry.rules import rule_faults
from proactivebench.board.entry.validation import verdict_faults
from proactivebench.board.verify.sealed import SealedTask
from proactivebench.board.verify.verification import verify_evidence, verify_sealed
from proactivebench.errors import CheckFailed, InvalidRun, UsageError
from proactivebench.records import Manifest, Moment, Record, Reply, Report, Task, Verdict, printable, question_hash
from proactivebench.reporting import check_valid, task_of
from proactivebench.scoring import build_report
from proactivebench.store import RunStore, cannot_write, first_problem
from proactivebench.text import write_lines

CLAIMED = ("f1", "precision", "recall", "accuracy", "false_alarm_rate")


def prepare_entry(
    store: RunStore,
    output_path: Path,
    declared: Declaration | None = None,
    run_id: str | None = None,
    *,
    sealed: bool = False,
) -> Entry:
    """Write the entry of a run into `output_path` and return it. Trivial agents need no declaration. Of a run on a
    `sealed` set it holds the answers alone: the maintainers have the labels.

    Raises `UsageError` where the declaration is missing, a name or text cannot stand on a board or the folder holds
    something else, `InvalidRun` where the run is incomplete, not judged throughout, or its numbers may not be used,
    `CheckFailed` where a board would refuse the entry for any other reason.
    """
    manifest = store.manifest
    task = task_of(store)
    if manifest.limit is not None and manifest.limit < len(task.traces):
        raise InvalidRun(f"{store.path} covers {manifest.limit} traces only: run it again without --limit")
    sessions = tuple(session.model_copy(update={"limit": None}) for session in manifest.sessions)
    manifest = manifest.model_copy(update={"sessions": sessions})  # a limit that left nothing out is none
    declared = declared or default_declaration(manifest)
    check_run_id(run_id)
    if output_path.is_dir() and any(output_path.iterdir()) and not (output_path / ENTRY).exists():
        raise UsageError(f"{output_path} holds something else than an entry: give a new or empty --output_path")
    replies = sorted((reply for reply in store.replies().values() if reply.status.final), key=lambda reply: reply.key)
    verdicts = {} if sealed else _standing_verdicts(store, task, replies)
    files = {REPLIES: _packed(redacted_reply(reply) for reply in replies)}
    for judge, given in verdicts.items():
        files[verdict_file(judge)] = _packed(redacted_verdict(verdict) for verdict in given)
    public = redacted_manifest(manifest)
    if sealed:
        public = public.model_copy(update={"measured": (), "fingerprints": ()})
    try:
        draft = Entry(
            sealed=True if sealed else None,
            run_id=run_id or _run_id(manifest, files[REPLIES][0]),
            declared=declared,
            manifest=public.model_copy(update={"judges": {key: public.judges[key] for key in verdicts}}),
            evidence={
                name: EvidenceFile(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), records=records)
                for name, (content, records) in files.items()
            },
            claims={},
        )
    except ValidationError as error:
        raise UsageError(f"{store.path} cannot stand on a board: {first_problem(error)}") from error
    if (fault := next(rule_faults(draft), None)) is not None:  # said before anything is computed
        raise UsageError(
            printable(fault if fault.startswith("--") else f"{store.path} cannot stand on a board: {fault}")
        )
    report = build_report(task, manifest, replies, verdicts)
    check_valid(report)
    entry = draft if sealed else draft.model_copy(update={"claims": claims_of(report)})
    contents = {name: content for name, (content, _) in files.items()}
    contents[ENTRY] = (entry.model_dump_json(indent=2, exclude_none=True) + "\n").encode()
    _check_as_a_board_does(contents, output_path, task, SealedTask(task, task) if sealed else None)
    with cannot_write(output_path):
        output_path.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (output_path / name).parent.mkdir(exist_ok=True)
            (output_path / name).write_bytes(content)
    return entry


def _check_as_a_board_does(
    contents: dict[str, bytes], output_path: Path, task: Task, sealed: SealedTask | None
) -> None:
    """Read, validate and verify an entry's files as a board would where they are to lie. Raises `CheckFailed`."""
    with tempfile.TemporaryDirectory(prefix="proactivebench-") as scratch:
        for name, content in contents.items():
            (Path(scratch) / name).parent.mkdir(exist_ok=True)
            (Path(scratch) / name).write_bytes(content)
        evidence = read_evidence(Path(scratch))
    evidence.path = output_path
    found = verify_sealed(evidence, sealed) if sealed else verify_evidence(evidence, task, metrics=CLAIMED)
    findings = found.findings
    if findings:
        first = findings[0]
        where = f"{first.file}: " if first.file else ""
        raise CheckFailed(plain(f"a board would refuse this run: {where}{first.message}"))


def claims_of(report: Report) -> dict[str, dict[str, float]]:
    """The headline figures of a report by judge; undefined ones are left out."""
    return {
        judged.judge.id: {
            key: round(value, 6)
            for key in CLAIMED
            if key in judged.overall.metrics and (value := judged.overall.metrics[key].value) is not None
        }
        for judged in report.judges
    }


def _standing_verdicts(store: RunStore, task: Task, replies: list[Reply]) -> dict[str, list[Verdict]]:
    """Per judge that decided everything: the verdicts that answer what the replies ask, in key order."""
    traces = {trace.trace_id: trace for trace in task.traces}
    answered = {reply.key: reply for reply in replies}

    def stands(verdict: Verdict) -> bool:
        reply = answered.get(verdict.key[:4])  # type: ignore[call-overload] # a reply's key is the head of a verdict's
        if reply is None or (verdict.candidate >= 0) != bool(reply.proposals):
            return False
        if verdict.candidate >= len(reply.proposals):
            return False
        proposal = reply.proposals[verdict.candidate] if verdict.candidate >= 0 else None
        return verdict.question == question_hash(Moment(traces[reply.trace_id], reply.turn), proposal)

    found, faults = {}, []
    for judge in store.judge_ids():
        identity = store.manifest.judges.get(judge)
        if identity is None:
            continue
        given = sorted(filter(stands, store.verdicts(judge).values()), key=lambda verdict: verdict.key)
        wrong = next(
            verdict_faults(given, answered, (identity.silence is not None, identity.proposals is not None)), None
        )
        if wrong is None:
            found[judge] = given
        else:
            faults.append(f"{judge}: {wrong}")
    if not found:
        raise InvalidRun(
            f"no judge decided all of {store.path} ({'; '.join(faults) or 'none did any'}): judge it first"
        )
    return found


def _packed(records: Iterable[Record]) -> tuple[bytes, int]:
    """The records as gzipped JSONL, the same bytes every time, and their number."""
    given = list(records)
    return gzip.compress(write_lines(given), mtime=0), len(given)


def _run_id(manifest: Manifest, replies: bytes) -> str:
    started = manifest.sessions[0].started[:10] if manifest.sessions else ""
    return "-".join(part for part in (started, hashlib.sha256(replies).hexdigest()[:8]) if part)
