"""Deciding again: what local judges can repeat exactly, and what only another model can look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from proactivebench.errors import UsageError
from proactivebench.evaluation import run_async
from proactivebench.judging import Item, Judge, Opinion, shipped_judge
from proactivebench.judging.base import started
from proactivebench.judging.route import NO_VOTES
from proactivebench.judging.spec import STRATA
from proactivebench.records import (
    JudgeIdentity,
    JudgeMember,
    Moment,
    Reply,
    ReplyKey,
    Task,
    Verdict,
    VerdictStatus,
)
from proactivebench.records.formats import UNKNOWN

_SAME = 1e-6  # probabilities closer than this are the same: machines round exponentials differently
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*(:[a-z]+)?\Z")  # the name of a shipped card: never a path


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A verdict that a judge decided otherwise when asked again (or did not decide when the entry says it did).
    `again` is what it said."""

    verdict: Verdict
    again: VerdictStatus
    differs: str = "status"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """What came of asking again: `asked` verdicts were decided; `left` are the places of those that were not."""

    asked: int
    left: tuple[int, ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def open(self) -> int:
        """How many verdicts were not decided again."""
        return len(self.left)


def local_judge(identity: JudgeIdentity) -> Judge | None:
    """The part of a judge that is deterministic and shipped: in each stratum, the members before the first that is not.
    None where there is no such part."""
    return _local_judge(identity.chain("silence"), identity.chain("proposals"))


@lru_cache(maxsize=64)
def _local_judge(silence: tuple[JudgeMember, ...], proposals: tuple[JudgeMember, ...]) -> Judge | None:
    spec = _spec([[_word(member) for member in takewhile(_deterministic, chain)] for chain in (silence, proposals)])
    return shipped_judge(spec) if spec else None


def spec_of(identity: JudgeIdentity) -> str | None:
    """A whole judge in the words of `--judge`, by the names of its members; None where a name can be no shipped card's
    (an entry's words are never a path)."""
    chains = [[_word(member) for member in identity.chain(stratum)] for stratum in STRATA]
    return _spec(chains) if all(_WORD.match(word) for chain in chains for word in chain) else None


def _spec(chains: Sequence[Sequence[str]]) -> str:
    """The spec that asks these chains, of silences and of offers."""
    return ",".join(f"{name}={'+'.join(chain)}" for name, chain in zip(STRATA, chains, strict=True) if chain)


def _word(member: JudgeMember) -> str:
    """A member in the words of `--judge`."""
    return f"labels:{member.rule}" if member.people else member.name


def rejudge(identity: JudgeIdentity, items: Sequence[Item], verdicts: Sequence[Verdict]) -> Rejudged:
    """Ask the local part of a judge for its verdicts on `items` again."""
    judge = local_judge(identity)
    if judge is None:
        return Rejudged(0, tuple(range(len(verdicts))), ())
    ends = (judge.identity.silence == identity.silence, judge.identity.proposals == identity.proposals)
    return compare_verdicts(judge, items, verdicts, ends)


def compare_verdicts(
    judge: Judge, items: Sequence[Item], verdicts: Sequence[Verdict], ends: tuple[bool, bool]
) -> Rejudged:
    """Ask `judge` about the `items` that the verdicts decide. `ends` says of silences and of offers whether nobody is
    asked after `judge`: where another is and `judge` has no opinion, the verdict stays open."""

    async def ask() -> list[Opinion | None]:
        async with started(judge):
            return await judge.judge(items)

    opinions = run_async(ask())
    left, differing = [], []
    own = [{_member(member.name) for member in judge.identity.chain(stratum)} for stratum in STRATA]
    for place, (verdict, opinion) in enumerate(zip(verdicts, opinions, strict=True)):
        passed_on = not ends[verdict.candidate >= 0]
        if opinion is None or (opinion.cause == NO_VOTES and passed_on):
            left.append(place)
            if _member(verdict.judge) in own[verdict.candidate >= 0]:
                differing.append(Disagreement(verdict, VerdictStatus.UNSCORED, "judge"))
        elif opinion.status is not verdict.status:
            differing.append(Disagreement(verdict, opinion.status))
        elif told := _told_otherwise(verdict, opinion):
            differing.append(Disagreement(verdict, opinion.status, told))
    return Rejudged(len(verdicts) - len(left), tuple(left), tuple(differing))


def _member(word: str) -> str:
    """The member that a chain's word names, whatever its rule."""
    return word.partition(":")[0]


def _told_otherwise(verdict: Verdict, opinion: Opinion) -> str | None:
    """Which of who decided, why and how surely differs from what the judge says."""
    for name in ("judge", "reason", "cause", "clipped", "spread"):
        if getattr(verdict, name) != getattr(opinion, name):
            return name
    stated, again = verdict.probability, opinion.probability
    same = stated == again or (stated is not None and again is not None and abs(stated - again) <= _SAME)
    return None if same else "probability"


def items_for(task: Task, replies: Sequence[Reply], verdicts: Sequence[Verdict]) -> list[Item]:
    """What each verdict was asked, taken from the replies and the task alone. Raises `KeyError` for strange keys."""
    traces = {trace.trace_id: trace for trace in task.traces}
    answered = {reply.key: reply for reply in replies}
    items = []
    for verdict in verdicts:
        key = ReplyKey(verdict.trace_id, verdict.turn, verdict.repeat, verdict.round)
        moment = Moment(traces[key.trace_id], key.turn)
        proposal = answered[key].proposals[verdict.candidate] if verdict.candidate >= 0 else None
        items.append(Item(moment, proposal, key, verdict.candidate, verdict.judge_repeat))
    return items


@lru_cache(maxsize=256)
def _deterministic(member: JudgeMember) -> bool:
    """Whether a member is a judge shipped here that says the same each time. One whose kind nobody states is taken by
    its name, to be held against the judge of that name."""
    word = _word(member)
    if not _WORD.match(word):
        return False
    try:
        identity = shipped_judge(word).identity
    except UsageError:  # unknown here, or a model is behind it
        return False
    return identity.deterministic and member.kind in (UNKNOWN, *(own.kind for own in identity.members))
