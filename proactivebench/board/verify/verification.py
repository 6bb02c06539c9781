"""Is a submission true? Everything that can be computed again is: questions, parsing, verdicts, metrics, kinship."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from proactivebench.board.entry.evidence import Evidence, Finding, read_evidence
from proactivebench.board.entry.form import ENTRY, REPLIES, Entry, verdict_file
from proactivebench.board.entry.validation import Validation, few, validate_evidence
from proactivebench.board.verify.copies import Offers, offers_of, twins
from proactivebench.board.verify.identities import misstated
from proactivebench.board.verify.rejudging import Disagreement, Rejudged, items_for, rejudge
from proactivebench.board.verify.sealed import SealedTask, sealed_timing
from proactivebench.board.verify.second_judge import SecondJudge
from proactivebench.errors import DataError, InvalidRun, UsageError
from proactivebench.judging import Item
from proactivebench.protocols import Parsed, Protocol, load_protocol, shipped_cards
from proactivebench.protocols.parser import parse_reply
from proactivebench.records import Note, ProtocolIdentity, Reply, ReplyStatus, Report, Task
from proactivebench.reporting import check_valid
from proactivebench.scoring import build_report
from proactivebench.scoring.questions import contexts, question
from proactivebench.scoring.timing import Timing

CLAIM_TOLERANCE = 1e-4
Numbers = tuple[float | None, float | None]
_NOT_OF_THE_TEXT = {Note.CONTEXT_DROPPED, Note.FINISH_UNKNOWN, Note.BYTES_REPLACED, Note.KEY_CUT, Note.SWEPT}


@dataclass(frozen=True, slots=True)
class Verification:
    """What recomputing an entry showed. `findings`: it contradicts itself and is refused. `rejudged` per judge;
    `twins`: other entries with the same offers, and the share; `reread` says whether raw texts were read again under
    the entry's protocol, `textless` how many replies carry none. `unchecked`: in words, what could not be computed
    again here; `second[judge]` is what a re-judging model said of those of its verdicts that its own kind cannot repeat
    here. `timing`: when answers to a sealed set speak, by its private labels, as far as it may be told."""

    key: str
    findings: tuple[Finding, ...]
    report: Report | None = None
    rejudged: dict[str, Rejudged] | None = None
    twins: tuple[tuple[str, float], ...] = ()
    unchecked: tuple[str, ...] = ()
    second: dict[str, Rejudged] | None = None
    reread: bool = False
    textless: int = 0
    timing: Timing | None = None

    @property
    def disputed(self) -> dict[str, float]:
        """Per judge the share of the verdicts put to the re-judging model that it decides otherwise."""
        return {judge: len(one.disagreements) / max(1, one.asked) for judge, one in (self.second or {}).items()}

    def verified(self, judge: str) -> bool:
        """Whether every reply was read again and every verdict of `judge` decided again, and all came out alike."""
        found = (self.rejudged or {}).get(judge)
        whole = found is not None and found.asked > 0 and found.open == 0
        return whole and self.reread and not (self.findings or self.twins or self.textless)


def verify_entry(path: Path, task: Task, others: Sequence[Evidence] = ()) -> Verification:
    """Recompute the entry at `path` against its task, and compare it with `others` (itself is skipped)."""
    offers = [offers_of(other.entry, other.replies) for other in others if other.entry]
    return verify_evidence(read_evidence(path), task, offers)


def verify_evidence(
    evidence: Evidence,
    task: Task,
    others: Iterable[Offers] = (),
    second_judge: SecondJudge | None = None,
    metrics: Collection[str] | None = None,
    split_metrics: Collection[str] | None = None,
    validation: Validation | None = None,
) -> Verification:
    """`verify_entry` for evidence already read. Nothing is recomputed from an entry that is not whole. `metrics` (and
    what the entry claims) are all that the report holds, `split_metrics` all that it says of a split; None =
    everything. `validation` is its own, where known.

    Raises `UsageError` for another task than the entry's, and what `SecondJudge.look` raises."""
    validation = validation or validate_evidence(evidence)
    entry = evidence.entry
    if entry is None or not validation.accepted:
        return Verification(validation.key, validation.findings)
    if task.data_hash != entry.manifest.task.data_hash:
        raise UsageError(f"{entry.key} is about {entry.manifest.task.name}: verify it with that task")
    claimed = {name for claims in entry.claims.values() for name in claims}
    wanted = None if metrics is None else claimed | set(metrics)
    report = build_report(
        task, entry.manifest, evidence.replies, evidence.verdicts, metrics=wanted, split_metrics=split_metrics
    )
    items = {judge: items_for(task, evidence.replies, verdicts) for judge, verdicts in evidence.verdicts.items()}
    findings = list(_unusable(report))
    if any(judged.stale for judged in report.judges):
        findings += _questions(evidence, task, items)
    if report.spoilt:
        findings.append(Finding(REPLIES, f"the run is invalid: {report.spoilt}"))
    unchecked: list[str] = []
    protocol, unread = _shipped_protocol(entry.manifest.protocol)
    if protocol is None:
        unchecked.append(f"replies were not parsed again: {unread}")
    findings += misstated(entry, task, evidence.replies, protocol, unread)
    if protocol:
        findings += _parsed_again(evidence.replies, protocol)
    textless = sum(reply.text is None for reply in evidence.replies)
    if textless:
        unchecked.append(f"{textless} of {len(evidence.replies)} replies carry no raw text: they were not read again")
    rejudged: dict[str, Rejudged] = {}
    if not findings:
        for judge, verdicts in evidence.verdicts.items():
            identity = entry.manifest.judges[judge]
            rejudged[judge] = found = rejudge(identity, items[judge], verdicts)
            findings += _decided_otherwise(judge, found)
            if found.open:
                said = f"{found.open} of {len(verdicts)} verdicts of {judge} were not re-judged by their own judge"
                unchecked.append(said)
    findings += _claimed_otherwise(entry, report)
    second = {}
    if second_judge and not findings:
        second = {
            judge: second_judge.look(entry.key, items[judge], evidence.verdicts[judge], found.left)
            for judge, found in rejudged.items()
            if found.left
        }
    like = tuple(twins(offers_of(entry, evidence.replies), others)) if others else ()
    return Verification(
        entry.key,
        tuple(findings),
        report,
        rejudged,
        like,
        tuple(unchecked),
        second,
        protocol is not None,
        textless,
    )


def verify_sealed(evidence: Evidence, sealed: SealedTask, metrics: Collection[str] | None = None) -> Verification:
    """`verify_evidence` for answers to a sealed set, against what is public of it; and, where nothing is wrong, when
    they speak by the private labels. Nothing that is said quotes a label. The set has the name its maintainers gave it,
    whatever the entry calls it."""
    validation = validate_evidence(evidence, sealed.structure)
    if evidence.entry is not None:
        manifest = evidence.entry.manifest.model_copy(update={"task": sealed.identity})
        evidence = replace(evidence, entry=evidence.entry.model_copy(update={"manifest": manifest}))
    found = verify_evidence(evidence, sealed.public, metrics=metrics, validation=validation)
    if found.findings or found.report is None:
        return found
    return replace(found, timing=sealed_timing(sealed, evidence.replies))


def _unusable(report: Report) -> Iterator[Finding]:
    """Why a run's numbers may not be used, as `prepare` says it."""
    try:
        check_valid(report)
    except InvalidRun as error:
        yield Finding("", str(error))


def _questions(evidence: Evidence, task: Task, items: Mapping[str, Sequence[Item]]) -> Iterator[Finding]:
    asked = {trace.trace_id: list(contexts(trace)) for trace in task.traces}
    for judge, verdicts in evidence.verdicts.items():
        wrong = [
            verdict
            for verdict, item in zip(verdicts, items[judge], strict=True)
            if verdict.question != f"{question(asked[verdict.trace_id][verdict.turn], item.proposal):016x}"
        ]
        yield from few(
            verdict_file(judge),
            [f"{v.trace_id} turn {v.turn}: this verdict was given on another proposal or context" for v in wrong],
        )


@lru_cache(maxsize=64)
def _shipped_protocol(stated: ProtocolIdentity) -> tuple[Protocol | None, str]:
    """The shipped protocol with this very identity, or why there is none."""
    if stated.name not in shipped_cards():  # never a path
        return None, f"the protocol {stated.name} is not shipped here"
    try:
        protocol = load_protocol(
            stated.name,
            history=stated.history,
            candidates=stated.candidates,
            feedback_rounds=stated.feedback_rounds,
            feedback_judge=stated.feedback_judge,
        )
    except (UsageError, DataError) as error:
        return None, str(error)
    if protocol.identity.hash != stated.hash:
        return None, f"the protocol {stated.name} has other texts or rules here"
    return protocol, ""


def _parsed_again(replies: Iterable[Reply], protocol: Protocol) -> Iterator[Finding]:
    parse = lru_cache(maxsize=None)(protocol.parse)  # silence is often said in the same words
    wrong = []
    for reply in replies:
        if reply.text is None:
            continue
        parsed = parse(reply.text)
        clean = parsed.status.clean
        if reply.status is ReplyStatus.REFUSED:
            agrees = not clean
        elif (
            Note.SWEPT in reply.notes
        ):  # an offer made a silence by a threshold: the board says so and ranks it nowhere
            agrees = (parsed.status, reply.status) == (ReplyStatus.PROPOSED, ReplyStatus.SILENT)
        elif clean or reply.status.clean:
            agrees = (parsed.status, parsed.proposals) == (reply.status, reply.proposals)
        else:
            agrees = reply.status in (parsed.status, ReplyStatus.TRUNCATED)
        if not agrees:
            said = f"{reply.trace_id} turn {reply.turn}: its raw text does not say what its proposals say"
            wrong.append(f"{said} (read again it is {parsed.status}, the entry has {reply.status})")
        elif clean and _noted(reply) != (_stated(reply, parsed, protocol), set(parsed.notes)):
            wrong.append(f"{reply.trace_id} turn {reply.turn}: its raw text does not bear out its confidence or notes")
    yield from few(REPLIES, wrong)


def _stated(reply: Reply, parsed: Parsed, protocol: Protocol) -> Numbers:
    """The numbers stated in a reply's text. A program may state some where the protocol asks for none."""
    found = parsed
    if (reply.confidence, reply.p_need) != (parsed.confidence, parsed.p_need):
        found = parse_reply(reply.text or "", candidates=protocol.identity.candidates, confidence=True)
    return (
        found.confidence if parsed.confidence is None and reply.confidence is not None else parsed.confidence,
        found.p_need if parsed.p_need is None and reply.p_need is not None else parsed.p_need,
    )


def _noted(reply: Reply) -> tuple[Numbers, set[Note]]:
    """What a reply's text alone says beside its proposals."""
    return (reply.confidence, reply.p_need), set(reply.notes) - _NOT_OF_THE_TEXT


def _decided_otherwise(judge: str, found: Rejudged) -> Iterator[Finding]:
    yield from few(verdict_file(judge), [_otherwise(each) for each in found.disagreements])


def _otherwise(each: Disagreement) -> str:
    at = f"{each.verdict.trace_id} turn {each.verdict.turn}"
    if each.differs == "status":
        return f"{at}: the verdict is {each.verdict.status}; the judge, asked again, says {each.again}"
    return f"{at}: the judge, asked again, decides alike but gives another {each.differs}"


def _claimed_otherwise(entry: Entry, report: Report) -> Iterator[Finding]:
    yield from few(ENTRY, _false_claims(entry, report))


def _false_claims(entry: Entry, report: Report) -> Iterator[str]:
    computed = {judged.judge.id: judged.overall.metrics for judged in report.judges}
    for judge, claims in entry.claims.items():
        for name, claimed in claims.items():
            metric = computed.get(judge, {}).get(name)
            value = metric.value if metric else None
            if value is None:
                yield f"claims {name[:60]} {claimed:.4f} under {judge}; the evidence leaves it undefined"
            elif abs(value - claimed) > CLAIM_TOLERANCE:
                yield f"claims {name} {claimed:.4f} under {judge}; the evidence gives {value:.4f}"
