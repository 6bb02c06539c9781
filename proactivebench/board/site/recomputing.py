"""What a board knows of an entry: recomputed from its evidence, once per evidence and code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from pydantic import TypeAdapter, ValidationError

from proactivebench.board.entry.evidence import MAX_FILES, Evidence, Finding, Refusal, broken_off, read_evidence
from proactivebench.board.entry.form import ENTRY, Declaration, Entry
from proactivebench.board.entry.validation import validate_evidence
from proactivebench.board.site.cache import keep_moments, recall, remember, share_scratch
from proactivebench.board.site.facts import Facts, facts_of
from proactivebench.board.site.judge_agreement import Together, judged_twice
from proactivebench.board.site.pages import safe_json
from proactivebench.board.site.row import COLUMNS
from proactivebench.board.site.trace_pages import Shown, run_data
from proactivebench.board.verify.checking import UNSEALED
from proactivebench.board.verify.copies import Offers, offers_of
from proactivebench.board.verify.sealed import SealedTask
from proactivebench.board.verify.verification import Verification, verify_evidence, verify_sealed
from proactivebench.board.verify.workers import each_alone
from proactivebench.errors import DataError
from proactivebench.garbage import collector_paused
from proactivebench.records import (
    JudgeReport,
    MetricValue,
    Note,
    Record,
    Report,
    SplitReport,
    Task,
    UserFigures,
    printable,
)
from proactivebench.scoring.registry import METRICS
from proactivebench.scoring.timing import Timing, timing_of
from proactivebench.scoring.users import figures_of
from proactivebench.traces import load_task

_SHOWN = frozenset(key for key, *_ in COLUMNS) | {"accuracy", "false_discovery_rate", "latency_p50", "latency_p95"}
_CARRIED = _SHOWN | METRICS.keys()  # what a reader may sort by
_WARNED = 20
# Fewer entries than this, and smaller ones, are recomputed before other processes have started.
_ALONE, _LIGHT = 32, 4 * 1024 * 1024


class Recomputed(Record):
    """An entry as a board shows it. `report` is cut to what tables and ranks need; `offers` tell it from
    copies; `rejudged` per judge: verdicts decided again, and left open; `moments` is the file of what trace pages read,
    for a script: a board has more of it than memory. `timing` is when it speaks, from its replies alone (None without
    need labels); `together` is what each two of its judges said of the same answers. `swept`: a threshold made some
    of its offers silences. `sealed`: it answers a sealed set, nothing of it is cached, and no verdict or label stands
    in it."""

    key: str
    digest: str
    files: dict[str, str]
    declared: Declaration
    report: Report
    rejudged: dict[str, tuple[int, int]]
    unchecked: tuple[str, ...]
    reread: bool
    textless: int
    offers: Offers
    moments: str
    facts: Facts = Facts()
    timing: Timing | None = None
    together: tuple[Together, ...] = ()
    swept: bool = False
    sealed: bool = False

    @property
    def folder(self) -> str:
        """Where the entry lies below `entries/`."""
        return self.key


_RESULT: TypeAdapter[Recomputed | Refusal] = TypeAdapter(Recomputed | Refusal)


def recompute_all(
    folders: Sequence[Path], processes: int | None = None, sealed: Mapping[str, SealedTask] | None = None
) -> list[Recomputed | Refusal]:
    """Every entry recomputed, in order; what is cached for the same evidence and code is taken from there. `sealed` are
    the sets whose labels are at hand, by data hash: what answers these is never cached."""
    recomputed = partial(recompute, sealed=sealed or {})
    found: dict[Path, Recomputed | Refusal | None] = {folder: _known(folder) for folder in folders}
    missing = [folder for folder, known in found.items() if known is None]
    if processes == 1 or (processes is None and len(missing) < _ALONE and sum(map(_packed, missing)) < _LIGHT):
        found.update((folder, recomputed(folder)) for folder in missing)
    else:
        share_scratch()
        found.update(each_alone(recomputed, missing, processes or os.cpu_count() or 1, _died))
    return list(_told_apart(known for known in found.values() if known is not None))


def _packed(folder: Path) -> int:
    """How many bytes an entry has on disk."""
    try:
        return sum(file.lstat().st_size for file in islice(folder.rglob("*"), MAX_FILES))
    except OSError:
        return 0


def _died(folder: Path) -> Refusal:
    """What is said of an entry whose worker was killed or crashed, or ran out of memory beyond recall."""
    said = "could not be checked: the process that recomputed it died, killed or out of memory"
    return _refused("/".join(folder.parts[-2:]), [Finding("", said)])


def _told_apart(results: Iterable[Recomputed | Refusal]) -> Iterator[Recomputed | Refusal]:
    """The results, of several under one key the first only: a page shows one entry."""
    seen: set[str] = set()
    for result in results:
        if isinstance(result, Recomputed) and result.key in seen:
            yield Refusal(folder=result.key, findings=((ENTRY, "another entry of this board has the same key"),))
        else:
            yield result
        if isinstance(result, Recomputed):
            seen.add(result.key)


def recompute(folder: Path, sealed: Mapping[str, SealedTask] = MappingProxyType({})) -> Recomputed | Refusal:
    """One entry, recomputed from its evidence and remembered. Whatever goes wrong with it refuses it alone."""
    try:
        with collector_paused():
            return _recompute(folder, sealed)
    except Exception as error:
        said = broken_off(error) if not sealed else Finding("", f"could not be checked: {type(error).__name__}")
        return _refused("/".join(folder.parts[-2:]), [said])


def _recompute(folder: Path, sealed: Mapping[str, SealedTask]) -> Recomputed | Refusal:
    name = "/".join(folder.parts[-2:])
    try:
        evidence = read_evidence(folder)
    except DataError as error:
        return _refused(name, [Finding("", str(error))])
    if evidence.entry is not None and evidence.entry.sealed:
        return _of_sealed(name, evidence, evidence.entry, sealed)
    validation = validate_evidence(evidence)
    if evidence.entry is None or not validation.accepted:
        return _refused(name, validation.findings)
    task = _task(evidence.entry.manifest.task.name)
    if not isinstance(task, Task):
        return _refused(name, [Finding("", f"cannot be recomputed here: {task}")])
    verification = verify_evidence(evidence, task, metrics=_CARRIED, split_metrics=_SHOWN, validation=validation)
    if verification.findings or verification.report is None:
        result: Recomputed | Refusal = _refused(name, verification.findings)
    else:
        result = _shown(evidence, evidence.entry, task, verification, verification.report)
    remember(folder, evidence.hashes, result.model_dump_json())
    return result


def _of_sealed(name: str, evidence: Evidence, entry: Entry, sealed: Mapping[str, SealedTask]) -> Recomputed | Refusal:
    """Answers to a sealed set: kept nowhere, and nothing of a label in them but figures over many moments."""
    known = sealed.get(entry.manifest.task.data_hash)
    if known is None:
        findings = validate_evidence(evidence).findings
        return _refused(name, findings or [Finding(ENTRY, UNSEALED)])
    found = verify_sealed(evidence, known)
    if found.findings or found.report is None:
        return _refused(name, found.findings)
    shown = _shown(evidence, entry, known.public, found, found.report)
    report = shown.report.model_copy(update={"judges": ()})  # nobody judged
    return shown.model_copy(update={"report": report, "timing": found.timing, "sealed": True})


def _refused(folder: str, findings: Sequence[Finding]) -> Refusal:
    """A refusal in words that a file can hold: names on disk may be bytes that are no text."""
    said = tuple((printable(finding.file), printable(finding.message)) for finding in findings)
    return Refusal(folder=printable(folder), findings=said)


def _shown(evidence: Evidence, entry: Entry, task: Task, verification: Verification, report: Report) -> Recomputed:
    moments = run_data(entry.key, entry.name, report, evidence.replies, evidence.verdicts, Shown())
    return Recomputed(
        key=entry.key,
        digest=evidence.digest,
        files=dict(sorted(evidence.hashes.items())),
        declared=entry.declared,
        report=_cut(report).model_copy(update={"users": _users(task, report)}),
        rejudged={judge: (again.asked, again.open) for judge, again in (verification.rejudged or {}).items()},
        unchecked=verification.unchecked,
        reread=verification.reread,
        textless=verification.textless,
        offers=offers_of(entry, evidence.replies),
        facts=facts_of(entry, report, evidence.replies),
        timing=timing_of(task, evidence.replies),
        together=judged_twice(entry.manifest.judges, evidence.verdicts),
        swept=any(Note.SWEPT in reply.notes for reply in evidence.replies),
        moments=str(keep_moments(evidence.path, evidence.hashes, safe_json(moments))),
    )


def _users(task: Task, report: Report) -> tuple[UserFigures, ...]:
    """What an entry comes to per user, where everybody may have the votes: of a sealed set `task` is without them."""
    return figures_of(task.traces, report.judges[0].outcomes) if report.judges else ()


def _cut(report: Report) -> Report:
    """A report with the metrics, tables and counts that a board shows."""
    judges = tuple(_cut_judge(judged) for judged in report.judges)
    return report.model_copy(update={"judges": judges, "warnings": report.warnings[:_WARNED]})


def _cut_judge(judged: JudgeReport) -> JudgeReport:
    changes = {
        "overall": _cut_split(judged.overall, more=True),
        "splits": {name: _cut_split(split) for name, split in judged.splits.items()},
        "tables": {view: table for view, table in judged.tables.items() if not view},
        "outcomes": {},
        "extra": {},
        "causes": {},
        "verdicts": {},
        "warnings": (),
    }
    return judged.model_copy(update=changes)


def _cut_split(split: SplitReport, *, more: bool = False) -> SplitReport:
    """A section with the metrics of the tables, and with the values of those a reader may sort by where there is
    `more`."""
    metrics = {key: value for key, value in split.metrics.items() if key in _SHOWN}
    if more:
        metrics |= {
            key: MetricValue(value=value.value, interval=value.interval)
            for key, value in split.metrics.items()
            if key not in _SHOWN and value.value is not None
        }
    return split.model_copy(update={"metrics": metrics, "anchors": {}})


@cache
def _task(name: str) -> Task | str:
    """The task, or why it cannot be had: asked once, not for every entry."""
    try:
        return load_task(name)
    except DataError as error:
        return str(error)


def _known(folder: Path) -> Recomputed | Refusal | None:
    """What is remembered of an entry's very files."""
    try:
        text = recall(folder)
        known = _RESULT.validate_json(text) if text else None
    except ValidationError:  # written by a version that is not this one, or damaged
        return None
    return None if isinstance(known, Recomputed) and not Path(known.moments).is_file() else known
