"""Deciding again what no local judge can repeat: the open verdicts of entries, asked of the very judges that gave them.
Every verdict is saved as it comes, so that a stopped go goes on and nothing is asked twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from proactivebench.board.entry.evidence import Evidence, broken_off, read_evidence
from proactivebench.board.entry.validation import validate_evidence
from proactivebench.board.verify.decided import DecidedAgain, log_file, read_decision, write_decision
from proactivebench.board.verify.rejudging import items_for, local_judge, spec_of
from proactivebench.board.verify.verification import verify_evidence
from proactivebench.errors import CannotWrite, DataError, ProactiveBenchError, UsageError
from proactivebench.judging import Item, Judge
from proactivebench.judging.measurement import UNDECLARED
from proactivebench.judging.stage import VerdictStage, Work
from proactivebench.records import JudgeIdentity, Moment, Reply, Task, Verdict, VerdictKey, VerdictStatus, printable
from proactivebench.scoring.report import MOST_UNSCORED
from proactivebench.store import Appender, cannot_write, read_log
from proactivebench.traces import load_task

DECIDED, DISPUTED, OPEN, OTHER, REFUSED, NOTHING = "decided", "disputed", "open", "other", "refused", "nothing"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one judge of the entry `key`: `decided` (alike), `disputed`, `open` (questions without a verdict,
    for a failure or because it was stopped), `other` (the model given is not this judge's), `refused` (the entry does
    not verify) or `nothing` (no verdict of it is open). `asked` questions were put to the model now."""

    key: str
    word: str
    said: str
    asked: int = 0


class FittingJudges:
    """The judges that a model given on the command line makes: of each identity that an entry names the judge with this
    very hash, or why there is none. `make` makes a judge from a spec; `only` is the spec to try, whatever an entry
    says (a card of the maintainers' own)."""

    def __init__(self, make: Callable[[str], Judge], only: str | None = None) -> None:
        self._make, self._only = make, only
        self._made: dict[str, Judge | str] = {}

    def fitting(self, identity: JudgeIdentity) -> Judge | str:
        """The judge with this identity, or why the model given makes none."""
        spec = self._only or spec_of(identity)
        if spec is None:
            return "its judge has no card that is shipped here: give the card with --judge"
        if spec not in self._made:
            try:
                self._made[spec] = self._make(spec)
            except (UsageError, DataError) as error:
                own = "" if self._only else "; a judge by a card of its own needs that card: --judge CARD.yaml"
                self._made[spec] = f"{error}{own}"
        judge = self._made[spec]
        if isinstance(judge, str):
            return judge
        alike = judge.identity.hash == identity.hash
        if alike and identity.weights == UNDECLARED and judge.identity.model != identity.model:
            alike = False  # one prompt, and whichever weights: the name is all there is to go by
        return judge if alike else _unlike(identity, judge.identity)

    @property
    def judges(self) -> list[Judge]:
        """All that were made."""
        return [judge for judge in self._made.values() if isinstance(judge, Judge)]


class _OpenOnly(VerdictStage):
    """Asks for the verdicts at `wanted` only."""

    wanted: frozenset[VerdictKey] = frozenset()

    def missing(self, moment: Moment, reply: Reply) -> list[Item]:
        """Of the items without a standing verdict those that are wanted."""
        return [item for item in super().missing(moment, reply) if _key(item) in self.wanted]


class Redeciding:
    """One go over entries of the board at `root` with the `judges` given, of at most `limit` questions. Once `stop` is
    set nothing new is asked."""

    def __init__(
        self, root: Path, judges: FittingJudges, stop: asyncio.Event | None = None, limit: int | None = None
    ) -> None:
        self._root, self._judges, self._left = root, judges, limit
        self._stop = stop or asyncio.Event()
        self._tasks: dict[str, Task] = {}
        self._down: dict[int, str] = {}  # judges that cannot be asked, and why

    async def over(self, folders: Sequence[Path]) -> AsyncIterator[Outcome]:
        """The outcomes for the entries in `folders`, one for each judge whose verdicts nothing here can repeat alone.

        Raises `CannotWrite`, and `UsageError` where another process is at work on the same entry.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close)
            for folder in folders:
                for outcome in await self._entry(folder):
                    yield outcome
                if self._stop.is_set():
                    return

    async def _close(self) -> None:
        for judge in self._judges.judges:
            await judge.close()

    async def _entry(self, folder: Path) -> list[Outcome]:
        name = printable("/".join(folder.absolute().parts[-2:]))
        try:
            evidence = read_evidence(folder)
            validation = validate_evidence(evidence)
        except Exception as error:  # whatever a stranger wrote there costs that entry only
            return [Outcome(name, REFUSED, broken_off(error).message)]
        entry = evidence.entry
        if entry is None or not validation.accepted:
            finding = validation.findings[0]
            return [Outcome(name, REFUSED, f"{finding.file}: {finding.message}")]
        models = {judge: one for judge, one in entry.manifest.judges.items() if not _wholly_local(one)}
        found = [self._known(evidence, judge, identity) for judge, identity in models.items()]
        outcomes = [one for one in found if isinstance(one, Outcome)]
        wanted = {judge: one for judge, one in zip(models, found, strict=True) if isinstance(one, Judge)}
        if wanted:
            outcomes += await self._asked(entry.key, evidence, wanted)
        return outcomes

    def _known(self, evidence: Evidence, judge_id: str, identity: JudgeIdentity) -> Outcome | Judge:
        """What can be said of a judge without asking it; else the judge to ask."""
        assert evidence.entry is not None  # noqa: S101 - callers looked
        key = evidence.entry.key
        kept = read_decision(self._root, key)
        before = kept.of(evidence.digest, judge_id, identity.hash) if kept else None
        if before:
            return Outcome(key, DISPUTED if before.disputed else DECIDED, f"{judge_id}: {before.sentence}; kept")
        judge = self._judges.fitting(identity)
        return Outcome(key, OTHER, f"{judge_id}: {judge}") if isinstance(judge, str) else judge

    async def _asked(self, key: str, evidence: Evidence, judges: Mapping[str, Judge]) -> list[Outcome]:
        """The entry is recomputed, and each judge that fits is asked for what is left open then."""
        assert evidence.entry is not None  # noqa: S101 - callers looked
        name = evidence.entry.manifest.task.name
        try:
            task = self._tasks[name] = self._tasks.get(name) or load_task(name)
        except DataError as error:  # it cannot be had now
            return [Outcome(key, OPEN, f"not asked: {error}")]
        try:
            verification = verify_evidence(evidence, task, metrics=())
        except Exception as error:  # the entry's own fault, whatever it is
            return [Outcome(key, REFUSED, broken_off(error).message)]
        if verification.findings:
            finding = verification.findings[0]
            return [Outcome(key, REFUSED, f"{finding.file}: {finding.message}")]
        outcomes = []
        for judge_id, judge in judges.items():
            verdicts = evidence.verdicts[judge_id]
            again = (verification.rejudged or {})[judge_id]
            left = {place for place in again.left if verdicts[place].status is not VerdictStatus.UNSCORED}
            if not left:
                outcomes.append(Outcome(key, NOTHING, f"{judge_id}: none of its verdicts is open"))
            elif id(judge) in self._down:
                said = f"{judge_id}: {_many(len(left))} open: not asked: {self._down[id(judge)]}"
                outcomes.append(Outcome(key, OPEN, said))
            else:
                items = items_for(task, evidence.replies, verdicts)
                pairs = [(items[place], verdicts[place]) for place in sorted(left)]
                outcomes.append(await self._decided(evidence, judge_id, judge, pairs))
        return outcomes

    async def _decided(
        self, evidence: Evidence, judge_id: str, judge: Judge, pairs: Sequence[tuple[Item, Verdict]]
    ) -> Outcome:
        assert evidence.entry is not None  # noqa: S101 - callers looked
        key = evidence.entry.key
        log = log_file(self._root, key, evidence.digest, judge_id)
        with cannot_write(log):
            log.parent.mkdir(parents=True, exist_ok=True)
        wanted = frozenset(_key(item) for item, _ in pairs)
        replies = {reply.key: reply for reply in evidence.replies}
        works: dict[tuple[object, ...], Work] = {tuple(i.key): (i.moment, replies[i.key]) for i, _ in pairs}
        with Appender(log) as appender:
            stored = {verdict.key: verdict for verdict in read_log(log, Verdict)}
            # asked again is what failed, whatever the reason: somebody has seen to the server since
            stored = {key: one for key, one in stored.items() if one.status is not VerdictStatus.UNSCORED}
            had = len(stored)
            missing = sorted(wanted - stored.keys())
            allowed = missing if self._left is None else missing[: self._left]
            self._left = None if self._left is None else self._left - len(allowed)
            stage = _OpenOnly(judge, appender, stored, 1 + max(key.judge_repeat for key in wanted), stop=self._stop)
            stage.wanted = frozenset(allowed)
            queue: asyncio.Queue[Work | None] = asyncio.Queue()
            for work in (*works.values(), None):
                queue.put_nowait(work)
            failure = ""
            try:
                await stage.drain(queue)
            except CannotWrite:
                raise
            except ProactiveBenchError as error:
                failure = self._down[id(judge)] = str(error)
            if not failure and len(allowed) < len(missing):
                failure = "so many as --limit allows were asked"
        return self._outcome(evidence, judge_id, judge.identity, pairs, stored, failure, len(stored) - had)

    def _outcome(
        self,
        evidence: Evidence,
        judge_id: str,
        identity: JudgeIdentity,
        pairs: Sequence[tuple[Item, Verdict]],
        now: Mapping[VerdictKey, Verdict],
        failure: str,
        asked: int,
    ) -> Outcome:
        assert evidence.entry is not None  # noqa: S101 - callers looked
        key = evidence.entry.key
        both = [(verdict, now[_key(item)]) for item, verdict in pairs if _key(item) in now]
        scored = [(then, new) for then, new in both if new.status is not VerdictStatus.UNSCORED]
        missing = len(pairs) - len(scored)
        if missing > (0 if failure or self._stop.is_set() else MOST_UNSCORED * len(pairs)):
            causes = Counter(new.cause or "unknown" for _, new in both if new.status is VerdictStatus.UNSCORED)
            why = failure or ", ".join(f"{cause} {count}" for cause, count in causes.most_common(3)) or "stopped"
            return Outcome(key, OPEN, printable(f"{judge_id}: {missing} of {_many(len(pairs))} open: {why}"), asked)
        found = DecidedAgain(
            judge_hash=identity.hash,
            date=datetime.now(UTC).date().isoformat(),
            asked=len(scored),
            otherwise=sum(then.status is not new.status for then, new in scored),
            favoured=sum(
                then.status is VerdictStatus.ACCEPTED and new.status is VerdictStatus.REJECTED for then, new in scored
            ),
        )
        write_decision(self._root, key, evidence.digest, judge_id, found)
        return Outcome(key, DISPUTED if found.disputed else DECIDED, f"{judge_id}: {found.sentence}", asked)


def _wholly_local(identity: JudgeIdentity) -> bool:
    """Whether what is shipped here repeats every verdict of a judge."""
    judge = local_judge(identity)
    own = judge.identity if judge else None
    return own is not None and (own.silence, own.proposals) == (identity.silence, identity.proposals)


def _unlike(stated: JudgeIdentity, given: JudgeIdentity) -> str:
    """Why a judge made from the model given is not the one an entry names."""
    weights = ("weights are", "those given are", stated.weights, given.weights)
    model = ("model is", "the one given is", stated.model, given.model)
    for what, other, theirs, ours in (weights, model) if stated.weights in (None, UNDECLARED) else (weights,):
        if theirs != ours:
            return printable(f"its {what} {theirs or 'not told'}, {other} {ours or 'not told'}")
    return f"the one given is {given.id}, another judge by its prompt, decoding or arguments"


def _many(count: int) -> str:
    return f"{count} verdict{'' if count == 1 else 's'}"


def _key(item: Item) -> VerdictKey:
    return VerdictKey(*item.key, item.candidate, item.judge_repeat)
