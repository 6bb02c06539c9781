"""What the user did: events, traces with their labels, tasks, and the moments an agent answers at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from proactivebench.records.base import Record, digest


class Event(Record):
    """One thing the user did. `time` is kept as text: the release holds both Unix seconds and 'Day 1, 11:00 PM'."""

    time: str
    event: str


class _Voted(Record):
    """A record of votes, whose fields on who voted are stored only where known: older data hash as ever."""

    @model_serializer(mode="wrap")
    def _known_only(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = write(self)
        return {name: value for name, value in found.items() if value or name not in _WHERE_KNOWN}


_WHERE_KNOWN = ("annotators", "premature", "asked", "asked_by")


class TaskVotes(_Voted):
    """The votes people gave on one proposed task at one moment: `annotators` the pseudonym behind each vote, in the
    votes' order, where known (one person may have voted twice); `premature` which of the rejections said
    "not yet"."""

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


class MomentLabels(_Voted):
    """What people said about one moment. `need` is the unanimous rule, `need_majority` the majority rule
    (None where the data has one need label only: then both rules coincide). `asked` holds the answers to "would you
    want help now?", `asked_by` the pseudonym behind each, where known."""

    need: bool
    need_majority: bool | None = None
    tasks: tuple[TaskVotes, ...] = ()
    asked: tuple[bool, ...] = ()
    asked_by: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_name_per_answer(self) -> MomentLabels:
        if self.asked_by and len(self.asked_by) != len(self.asked):
            raise ValueError(f"{len(self.asked_by)} asked_by, {len(self.asked)} asked: give one per answer, or none")
        return self

    @property
    def need_asked(self) -> bool | None:
        """Whether most of those who were asked wanted help (a tie: no); None where nobody was asked."""
        return 2 * sum(self.asked) > len(self.asked) if self.asked else None

    def needs(self, rule: NeedRule) -> bool:
        """Whether help was needed here, by `rule`."""
        if rule is NeedRule.MAJORITY and self.need_majority is not None:
            return self.need_majority
        return self.need


class NeedRule(StrEnum):
    """When a moment counts as a moment of need: some stored proposal accepted by all annotators, or by most of them."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"


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
        copied.__dict__.pop("data_hash", None)
        return copied

    @property
    def moments(self) -> int:
        """Number of moments (events) over all traces."""
        return sum(len(trace.events) for trace in self.traces)

    @property
    def unlabelled(self) -> int:
        """Number of moments without need labels."""
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
