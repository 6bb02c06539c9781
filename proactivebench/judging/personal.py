"""The `personal` kind: a base judge's score, moved by how ready each of a trace's own people was to accept so far."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field, field_validator

from proactivebench.errors import BadArgument, UsageError
from proactivebench.judging.base import Ballot, Estimate, Item, Judge, Opinion
from proactivebench.judging.identity import personal_identity
from proactivebench.judging.kind import BaseCard, Building, JudgeKind
from proactivebench.records import Design, Event, JudgeIdentity, Moment, ReplyKey, Task, Trace, VerdictStatus

SPREAD = 1.2  # standard deviation of people's thresholds on the logit scale: METRICS.md, section 6
NO_PROBABILITY = "no_probability"
UNREACHED = "error:first_votes"  # the base could not be reached about these: asked again, as for a judge alone
_CLIP = 1e-3  # a base that is certain has no logit
_STEPS, _ENOUGH = 60, 1e-9
_NO_BASE = ("labels", "panel", "personal")


class PersonalCard(BaseCard):
    """P(u accepts) = σ(score + d_u) for each person u who voted on offers of the trace: `score` is the logit of the
    judge `base`, d_u ~ N(0, 1.2²) is fitted (MAP) on u's first `m` votes of that trace (`all`: on every one), never on
    one at the judged moment or after it. An offer is accepted where most of them do so with a chance of `threshold`.
    """

    base: str
    m: int | Literal["all"] = 5
    threshold: float = Field(default=0.5, gt=0, lt=1)

    @property
    def members(self) -> tuple[str, ...]:
        """The judge whose score it moves."""
        return (self.base,)

    @field_validator("m", mode="before")
    @classmethod
    def _number_of_votes(cls, given: object) -> object:
        if given == "all" or (str(given).isdecimal() and not isinstance(given, bool)):
            return given
        raise ValueError("say how many of a person's first votes count, 0 or more, or all")


Person = tuple[str, int]  # a pseudonym, or "" and a place among the votes of the trace


@dataclass(frozen=True, slots=True)
class Cast:
    """One vote of one person: on the offer `text` at `turn`."""

    turn: int
    text: str
    accepted: bool


@dataclass(slots=True)
class _Session:
    """A trace with its people's votes, and the base's score of each offer voted on as far as it was asked (None: it
    has none)."""

    trace: Trace
    people: dict[Person, list[Cast]]
    scores: dict[tuple[int, str], float | None] = field(default_factory=dict)


def logit(probability: float) -> float:
    """The logarithm of the odds, of a probability held within .001 and .999."""
    held = min(max(probability, _CLIP), 1 - _CLIP)
    return math.log(held / (1 - held))


def sigma(score: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-score)) if score >= 0 else math.exp(score) / (1 + math.exp(score))


def fitted_shift(scores: Sequence[float], votes: Sequence[bool], spread: float = SPREAD) -> float:
    """d, by which a person's votes are best explained as σ(score + d) under d ~ N(0, spread²): the mode of the
    posterior, 0 without a vote. Found by Newton's method on a strictly concave function."""
    shift, held = 0.0, 1 / spread**2
    for _ in range(_STEPS if scores else 0):
        chances = [sigma(score + shift) for score in scores]
        slope = sum(vote - chance for vote, chance in zip(votes, chances, strict=True)) - held * shift
        step = slope / (sum(chance * (1 - chance) for chance in chances) + held)
        shift += min(max(step, -1.0), 1.0)
        if abs(step) < _ENOUGH:
            break
    return shift


def by_person(ballots: Iterable[Ballot]) -> dict[Person, list[Cast]]:
    """Each person's votes on the offers of one trace, by turn, and within a turn as they are stored. A person is a
    pseudonym where votes carry one, else a place among the votes, as the release keeps people of a trace apart."""
    found: dict[Person, list[Cast]] = {}
    for ballot in sorted(ballots, key=lambda ballot: ballot.turn):
        for place, vote in enumerate(ballot.votes):
            person = (ballot.annotators[place], -1) if ballot.annotators else ("", place)
            found.setdefault(person, []).append(Cast(ballot.turn, ballot.text, vote))
    return found


def who(person: Person) -> str:
    """A person's name: the pseudonym, or the place among a trace's votes, counted from 1."""
    return person[0] or f"person {person[1] + 1}"


def most_accept(chances: Sequence[float]) -> float:
    """The chance that more than half of these people accept, each for themselves."""
    counts = [1.0]
    for chance in chances:
        counts = [
            (counts[n] if n < len(counts) else 0.0) * (1 - chance) + (counts[n - 1] * chance if n else 0.0)
            for n in range(len(counts) + 1)
        ]
    return min(1.0, sum(counts[len(chances) // 2 + 1 :]))


class PersonalJudge(Judge):
    """Decides an offer for the people who voted on its trace; where nobody did, and on silences, it says what its base
    says. `reason` tells each person's chance."""

    def __init__(self, card: PersonalCard, base: Judge, identity: JudgeIdentity) -> None:
        self.card = card
        self.base = base
        self.identity = identity
        self.lockstep = base.lockstep
        self._told: dict[tuple[Event, ...], dict[Person, list[Cast]]] = {}
        self._sessions: dict[int, _Session] = {}
        self._asking = asyncio.Lock()

    def check(self, task: Task) -> None:
        """Refuse a task on whose offers nobody voted, and whatever the base refuses."""
        self.base.check(task)
        if not any(label and label.tasks for trace in task.traces for label in trace.labels or ()):
            raise UsageError(
                f"judge {self.card.name} goes by people's votes on offers, and {task.name} has none: collect some "
                f"(proactivebench annotate), or use --judge {self.card.base}"
            )

    def hear(self, votes: Mapping[Trace, Sequence[Ballot]]) -> None:
        """What people said of the offers of traces that carry no labels themselves."""
        self.base.hear(votes)
        self._told |= {trace.events: by_person(ballots) for trace, ballots in votes.items()}

    def design(self, traces: Sequence[Trace]) -> Design | None:
        """That of its base: a person's own earlier votes are no votes on what is judged."""
        return self.base.design(traces)

    def estimate(self, items: Sequence[Item]) -> Estimate:
        """What the base takes, for the people's first votes too."""
        return self.base.estimate([*self._before(items), *items])

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """One opinion per item."""
        async with self._asking:
            open_items = self._before(items)
            for item, said in zip(open_items, await self.base.judge(open_items), strict=True):
                heard = None if said is None or said.status is VerdictStatus.UNSCORED else said.probability
                if said is None or not (said.cause or "").startswith("error"):
                    self._session(item.moment.trace).scores[_place(item)] = None if heard is None else logit(heard)
        said_of = await self.base.judge(items)
        return [self._opinion(item, said) for item, said in zip(items, said_of, strict=True)]

    def _session(self, trace: Trace) -> _Session:
        known = self._sessions.get(id(trace))
        if known is None or known.trace is not trace:
            people = self._told.get(trace.events, {}) if trace.labels is None else by_person(_ballots(trace))
            known = self._sessions[id(trace)] = _Session(trace, people)
        return known

    def earlier(self, item: Item) -> Iterator[tuple[Person, list[Cast]]]:
        """Each person of the item's trace with the votes that count here: of the first `m` those given on moments
        before."""
        for person, votes in self._session(item.moment.trace).people.items():
            first = votes if self.card.m == "all" else votes[: self.card.m]
            yield person, [vote for vote in first if vote.turn < item.moment.turn]

    def _before(self, items: Iterable[Item]) -> list[Item]:
        """The offers that people voted on before, as items that the base was not asked about yet."""
        found: dict[tuple[int, int, str], Item] = {}
        for item in items:
            trace = item.moment.trace
            known = self._session(trace).scores
            for _, votes in self.earlier(item) if item.proposal is not None else ():
                for vote in votes:
                    place = (id(trace), vote.turn, vote.text)
                    if place not in found and place[1:] not in known:
                        key = ReplyKey(trace.trace_id, vote.turn)
                        found[place] = Item(Moment(trace, vote.turn), vote.text, key, 0)
        return list(found.values())

    def _opinion(self, item: Item, said: Opinion | None) -> Opinion | None:
        own = None if said is None else replace(said, judge=self.identity.name)
        if own is None or item.proposal is None or own.status is VerdictStatus.UNSCORED:
            return own
        if own.probability is None:
            return replace(own, status=VerdictStatus.UNSCORED, cause=NO_PROBABILITY)
        score, scores, chances = logit(own.probability), self._session(item.moment.trace).scores, {}
        for person, votes in self.earlier(item):
            if any((vote.turn, vote.text) not in scores for vote in votes):
                return replace(own, status=VerdictStatus.UNSCORED, probability=None, cause=UNREACHED)
            known = [(heard, v.accepted) for v in votes if (heard := scores.get((v.turn, v.text))) is not None]
            chances[person] = sigma(score + fitted_shift([s for s, _ in known], [vote for _, vote in known]))
        if not chances:
            return own
        probability = most_accept(list(chances.values()))
        accepted = probability >= self.card.threshold
        return replace(
            own,
            status=VerdictStatus.ACCEPTED if accepted else VerdictStatus.REJECTED,
            probability=probability,
            reason=", ".join(f"{who(person)} {chance:.2f}" for person, chance in chances.items()),
        )


def _ballots(trace: Trace) -> Iterator[Ballot]:
    for turn, labels in enumerate(trace.labels or ()):
        for stored in labels.tasks if labels else ():
            yield Ballot(turn, stored.task, stored.votes, stored.annotators)


def _place(item: Item) -> tuple[int, str]:
    return item.moment.turn, item.proposal or ""


def _build(card: PersonalCard, building: Building) -> PersonalJudge:
    """The judge of a card. Raises `UsageError` for a base that has no probability of its own."""
    base = building.member(card.base)
    kind = base.identity.card.get("kind")
    if kind in _NO_BASE:
        raise BadArgument(
            f"judge {card.name}: base {card.base} is of the kind {kind}, and has no probability of its own: name one "
            "judge that has (base=lexical, or a card of kind llm, reward-model or classifier)"
        )
    return PersonalJudge(card, base, personal_identity(card, base))


KIND = JudgeKind(PersonalCard, _build)
