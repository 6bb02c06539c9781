"""What the user did: events, traces with their labels, tasks, and the moments an agent answers at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, model_validator

from proactivebench.records.base import Record, Sparse, digest


class Event(Sparse):
    """One thing the user did. `time` is kept as text: the release holds both Unix seconds and 'Day 1, 11:00 PM'.
    `boundary` declares that a new task or place begins here, or that none does; None where nobody said. It is stored
    only where given, so that older data hash as ever, and no agent is told of it."""

    sparse: ClassVar = ("boundary",)

    time: str
    event: str
    boundary: bool | None = None


class TaskVotes(Sparse):
    """The votes people gave on one proposed task at one moment: `annotators` the pseudonym behind each vote, in the
    votes' order, where known (one person may have voted twice); `premature` which of the rejections said
    "not yet"."""

    sparse: ClassVar = ("annotators", "premature")

    task: str
    votes: tuple[bool, ...] = Field(min_length=1)
    annotators: tuple[str, ...] = ()
    premature: tuple[bool, ...] = ()

    @model_validator(mode="after")
    def _one_word_per_vote(self) -> TaskVotes:
        for name, given in (("annotators", self.annotators), ("premature", self.premature)):
            if given and len(given) != len(self.votes):
                raise ValueError(f"{len(given)} {name}, {len(self.votes)} votes: give one per vote, or none")
        if any(early and vote for early, vote in zip(self.premature, self.votes, strict=False)):
            raise ValueError("a vote that accepts cannot be premature")
        return self

    @property
    def accepted(self) -> bool:
        """Whether a majority accepts: two of three votes, both of two."""
        return 2 * sum(self.votes) > len(self.votes)


class VoteCounts(NamedTuple):
    """Votes on offers: those that accept, that reject, and that say "not yet"."""

    accept: int
    reject: int
    not_yet: int


class MomentLabels(Sparse):
    """What people said about one moment. `need` is the unanimous rule (None where nobody voted on an offer here, so
    that the offer rules say nothing), `need_majority` the majority rule (None where the data has one need label only:
    then both rules coincide). `asked` holds the answers to "would you want help now?", `asked_by` the pseudonym behind
    each, where known."""

    sparse: ClassVar = ("asked", "asked_by")

    need: bool | None = None
    need_majority: bool | None = None
    tasks: tuple[TaskVotes, ...] = ()
    asked: tuple[bool, ...] = ()
    asked_by: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_name_per_answer(self) -> MomentLabels:
        if self.asked_by and len(self.asked_by) != len(self.asked):
            raise ValueError(f"{len(self.asked_by)} asked_by, {len(self.asked)} asked: give one per answer, or none")
        if self.need is None and (self.tasks or self.need_majority is not None):
            raise ValueError("votes on offers without `need`: say whether all accept some offer (true or false)")
        if self.need is None and not self.asked:
            raise ValueError("neither `need` nor `asked`: give one, or null in place of the label")
        return self

    @property
    def need_asked(self) -> bool | None:
        """Whether most of those who were asked wanted help (a tie: no); None where nobody was asked."""
        return 2 * sum(self.asked) > len(self.asked) if self.asked else None

    @property
    def said(self) -> VoteCounts:
        """How many votes on the offers of this moment accept, reject and say "not yet"."""
        votes = [vote for task in self.tasks for vote in task.votes]
        early = sum(sum(task.premature) for task in self.tasks)
        return VoteCounts(sum(votes), len(votes) - sum(votes) - early, early)

    def needs(self, rule: NeedRule) -> bool | None:
        """Whether help was needed here, by `rule`; None where nobody said what it goes by."""
        if rule is NeedRule.ASKED:
            return self.need_asked
        if rule is NeedRule.MAJORITY and self.need_majority is not None:
            return self.need_majority
        return self.need


class NeedRule(StrEnum):
    """When a moment counts as a moment of need: some stored proposal accepted by all annotators, or by most of them; or
    most of those who were asked whether they would want help said yes."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    ASKED = "asked"


OFFER_RULES = (NeedRule.UNANIMOUS, NeedRule.MAJORITY)  # what people think of offers says whether they needed help
ASKED_LEADS = 0.9  # the share of moments with a direct answer from which the rule `asked` leads


class Trace(Record):
    """One session of a user: its events in order and, where people labelled it, one label per event (or None)."""

    trace_id: str = Field(min_length=1)
    split: str = Field(min_length=1)
    events: tuple[Event, ...] = Field(min_length=1)
    labels: tuple[MomentLabels | None, ...] | None = None

    @model_validator(mode="after")
    def _one_label_per_event(self) -> Trace:
        if self.labels is not None and len(self.labels) != len(self.events):
            raise ValueError(f"{len(self.labels)} labels, {len(self.events)} events: give one per event, or null")
        return self


class Task(Record):
    """A benchmark: its traces with the provenance a reader needs to trust them. `revision` pins the data."""

    name: str
    version: str
    revision: str
    licence: str
    date: str
    source: str
    traces: tuple[Trace, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def data_hash(self) -> str:
        """sha256 over all traces with their labels: what a run was asked, and what runs must share to be compared."""
        return digest([trace.model_dump(mode="json") for trace in self.traces])

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Task:
        """A copy, whose data hash is its own."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("data_hash", "need_rules"):
            copied.__dict__.pop(name, None)
        return copied

    @cached_property
    def need_rules(self) -> tuple[NeedRule, ...]:
        """The rules by which these data say whether help was needed, the one that leads first. Direct answers lead
        where nine in ten moments have one, or no offer was voted on; without any the two offer rules are all."""
        asked = self.moments - self.lacking(NeedRule.ASKED)
        if not asked:
            return OFFER_RULES
        if self.lacking(NeedRule.UNANIMOUS) == self.moments:
            return (NeedRule.ASKED,)
        return (NeedRule.ASKED, *OFFER_RULES) if self._mostly(asked) else (*OFFER_RULES, NeedRule.ASKED)

    @property
    def labelled(self) -> bool:
        """Whether people said of all moments, by the rule that leads, if help was needed; direct answers of nine in ten
        are enough."""
        lead = self.need_rules[0]
        known = self.moments - self.lacking(lead)
        return known == self.moments or (lead is NeedRule.ASKED and self._mostly(known))

    def _mostly(self, asked: int) -> bool:
        return 10 * asked >= 10 * ASKED_LEADS * self.moments

    def lacking(self, rule: NeedRule) -> int:
        """Number of moments of which `rule` does not say whether help was needed."""
        labels = (label for trace in self.traces for label in trace.labels or ())
        return self.moments - sum(label is not None and label.needs(rule) is not None for label in labels)

    def part(self, traces: Iterable[Trace]) -> Task:
        """The task with some of its traces only, read by the same rules of need."""
        found = self.model_copy(update={"traces": tuple(traces)})
        found.__dict__["need_rules"] = self.need_rules
        return found

    @property
    def moments(self) -> int:
        """Number of moments (events) over all traces."""
        return sum(len(trace.events) for trace in self.traces)

    @property
    def unlabelled(self) -> int:
        """Number of moments without any labels."""
        return sum(len(t.events) if t.labels is None else sum(label is None for label in t.labels) for t in self.traces)


@dataclass(frozen=True, slots=True)
class Moment:
    """A trace up to one event (`turn`, from 0): where the agent answers and the user judges."""

    trace: Trace
    turn: int

    @property
    def events(self) -> tuple[Event, ...]:
        """The events so far, the current one last."""
        return self.trace.events[: self.turn + 1]

    @property
    def labels(self) -> MomentLabels | None:
        """What people said about this moment, if they did."""
        return None if self.trace.labels is None else self.trace.labels[self.turn]
