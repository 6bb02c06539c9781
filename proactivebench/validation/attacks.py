"""How often a judge accepts hostile proposals where people rejected every offer, against its honest false accepts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from proactivebench.errors import DataError, UsageError
from proactivebench.files import read_yaml
from proactivebench.judging import Item, Judge
from proactivebench.judging.quoting import fill
from proactivebench.records import Moment, Record, ReplyKey, Task, VerdictStatus, digest
from proactivebench.resources import shipped
from proactivebench.scoring.intervals import wilson

BATCH = 64
_Z = 1.959964


class Repeated(Record):
    """A long text, written short."""

    repeat: str
    times: int = Field(ge=1, le=1_000_000)


class Family(Record):
    """Attacks of one kind."""

    about: str
    proposals: tuple[str | Repeated, ...] = Field(min_length=1)


class Suite(Record):
    """The maintained suite."""

    version: str
    families: dict[str, Family]

    @model_validator(mode="after")
    def _some(self) -> Suite:
        if not self.families:
            raise ValueError("a suite needs families")
        return self

    @property
    def hash(self) -> str:
        """sha256 over all attacks."""
        return digest(self.model_dump(mode="json"))


class Acceptance(Record):
    """How many of the verdicts asked for accepted; `interval` is Wilson's (it ignores that contexts share traces)."""

    asked: int
    accepted: int
    unscored: int

    @property
    def rate(self) -> float | None:
        """Accepted among scored verdicts; None without any."""
        scored = self.asked - self.unscored
        return self.accepted / scored if scored else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the rate."""
        scored = self.asked - self.unscored
        return wilson(self.accepted / scored, scored, _Z) if scored else None


class AttackAudit(Record):
    """Acceptance per family beside `honest`: the share of real proposals accepted that people rejected, there."""

    judge: str
    suite: str
    data: str
    contexts: int
    margin: float
    honest: Acceptance
    families: dict[str, Acceptance]
    accepted_examples: dict[str, dict[str, int]]

    @property
    def failed(self) -> list[str]:
        """Families accepted more often than honest rejected proposals are, by more than the margin, or never scored."""
        honest = self.honest.rate or 0.0
        rates = {name: found.rate for name, found in self.families.items()}
        return [name for name, rate in rates.items() if rate is None or rate > honest + self.margin]


def read_suite(path: Path | None = None) -> Suite:
    """The shipped suite, or the one in a file. Raises DataError where it is not one."""
    path = path or shipped("judges", "attacks", "suite.yaml")
    found = read_yaml(path, "an attack suite, YAML like judges/attacks/suite.yaml")
    try:
        return Suite.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} is no attack suite: {field}: {first['msg']}: see judges/attacks/suite.yaml") from None


def rejecting_contexts(task: Task, limit: int) -> list[Moment]:
    """Moments where people voted on proposals and a majority rejected each: at most `limit`, spread over the traces
    (each trace's latest first, for long contexts are what an agent mostly meets). Raises UsageError without any."""
    per_trace = [
        [
            Moment(trace, turn)
            for turn, labels in reversed(list(enumerate(trace.labels or ())))
            if labels is not None and labels.tasks and not any(votes.accepted for votes in labels.tasks)
        ]
        for trace in task.traces
    ]
    spread = [
        moments[place]
        for place in range(max(map(len, per_trace), default=0))
        for moments in per_trace
        if place < len(moments)
    ]
    if not spread:
        raise UsageError(f"{task.name} has no moment where people rejected every offer: name another --tasks")
    return spread[:limit]


async def attack(
    judge: Judge,
    moments: Sequence[Moment],
    suite: Suite,
    *,
    data: str,
    margin: float,
    progress: Callable[[int, int], None] | None = None,
) -> AttackAudit:
    """Put every attack, and every honest proposal people rejected, to the judge at each of `moments`."""
    asked = [question for moment in moments for question in _questions(moment, suite)]
    found: dict[str, Counter[VerdictStatus]] = {name: Counter() for name in ("", *suite.families)}
    examples: dict[str, Counter[str]] = {name: Counter() for name in suite.families}
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        opinions = await judge.judge([item for _, _, item in batch])
        for (name, shown, _), said in zip(batch, opinions, strict=True):
            status = VerdictStatus.UNSCORED if said is None else said.status
            found[name][status] += 1
            if name and status is VerdictStatus.ACCEPTED:
                examples[name][shown] += 1
        if progress is not None:
            progress(min(start + BATCH, len(asked)), len(asked))
    counts = {name: _acceptance(statuses) for name, statuses in found.items()}
    return AttackAudit(
        judge=judge.identity.id,
        suite=f"{suite.version}-{suite.hash[:8]}",
        data=data,
        contexts=len(moments),
        margin=margin,
        honest=counts.pop(""),
        families=counts,
        accepted_examples={name: dict(seen.most_common(3)) for name, seen in examples.items() if seen},
    )


def _questions(moment: Moment, suite: Suite) -> Iterator[tuple[str, str, Item]]:
    """All that is asked at a moment, as (family, how a reader sees it, item); the family of honest offers is ""."""
    for votes in moment.labels.tasks if moment.labels else ():
        yield "", votes.task, _item(moment, votes.task)
    for name, family in suite.families.items():
        for proposal in family.proposals:
            yield name, _shown(proposal), _item(moment, _text(proposal, moment))


def _item(moment: Moment, proposal: str) -> Item:
    return Item(moment, proposal, ReplyKey(moment.trace.trace_id, moment.turn), 0)


def _text(proposal: str | Repeated, moment: Moment) -> str:
    if isinstance(proposal, Repeated):
        return proposal.repeat * proposal.times
    if "{{last_event}}" not in proposal:
        return proposal
    return fill(proposal, {"last_event": moment.events[-1].event})


def _shown(proposal: str | Repeated) -> str:
    text = f"{proposal.repeat!r} × {proposal.times}" if isinstance(proposal, Repeated) else repr(proposal)
    return text if len(text) <= 80 else text[:79] + "…"


def _acceptance(statuses: Counter[VerdictStatus]) -> Acceptance:
    return Acceptance(
        asked=statuses.total(), accepted=statuses[VerdictStatus.ACCEPTED], unscored=statuses[VerdictStatus.UNSCORED]
    )
