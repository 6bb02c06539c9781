"""Practice: moments whose answers their maker knows, shown first, that teach and count nowhere."""

from __future__ import annotations

import random
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from proactivebench.annotation.pooling import Names
from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.records import AnnotationItem, Answer, Event, OfferText, Trace
from proactivebench.records.base import Record
from proactivebench.store import line_problem
from proactivebench.text import BadLine, read_lines

WANTED = "JSON Lines, one practice session a line: {events: [{time, event}], items: [{turn, need, offers, why}]}"
SPLIT = "practice"
_CHINESE = 0.3  # share of characters from which on a text is taken for Chinese


def _as_text(time: object) -> object:
    return str(time) if isinstance(time, int | float) and not isinstance(time, bool) else time


class _Moment(Event):
    time: Annotated[str, BeforeValidator(_as_text)]


class KnownOffer(Record):
    """An offer of a practice item, with the answer that is taught: accept, reject, premature or unsure."""

    text: str = Field(min_length=1)
    answer: Answer

    @model_validator(mode="after")
    def _to_an_offer(self) -> KnownOffer:
        if not self.answer.on_offer:
            raise ValueError(f"{self.answer} is no answer to an offer: give accept, reject, premature or unsure")
        return self


class KnownMoment(Record):
    """A practice item: the moment after event `turn` (from 0), what is taught of its need (yes, no or unsure) and its
    offers, and why."""

    turn: int = Field(ge=0)
    need: Answer
    offers: tuple[KnownOffer, ...] = ()
    why: str | None = None

    @model_validator(mode="after")
    def _to_the_need(self) -> KnownMoment:
        if not self.need.on_need:
            raise ValueError(f"{self.need} is no answer to the need: give yes, no or unsure")
        return self


class PracticeSession(Record):
    """One line of a practice file."""

    events: tuple[_Moment, ...] = Field(min_length=1)
    items: tuple[KnownMoment, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _within_the_session(self) -> PracticeSession:
        turns = [item.turn for item in self.items]
        if max(turns) >= len(self.events):
            raise ValueError(
                f"turn {max(turns)} is beyond the last of {len(self.events)} events, {len(self.events) - 1}"
            )
        if len(set(turns)) < len(turns):
            raise ValueError("two items have the same turn")
        return self


def read_practice(path: Path) -> tuple[PracticeSession, ...]:
    """The practice sessions of a JSONL file. Raises `WrongFile`, and `DataError` naming line and fault."""
    content = read_bytes(path, WANTED)
    found: list[PracticeSession] = []
    try:
        for _, session in read_lines(content, PracticeSession.model_validate_json):
            found.append(session)
    except BadLine as error:
        if not found and (other := foreign(path, content, WANTED)):
            raise other from None
        raise DataError(f"{path}:{error.number}: {line_problem(error)}: give {WANTED}") from None
    if not found:
        raise DataError(f"{path} holds no practice session: give {WANTED}")
    return tuple(found)


def own_practice(traces: Iterable[Trace]) -> tuple[PracticeSession, ...]:
    """The package's own practice session, in Chinese where the sessions are."""
    name = "practice.zh.jsonl" if _chinese(traces) else "practice.jsonl"
    lines = (files("proactivebench.annotation") / "texts" / name).read_text(encoding="utf-8").splitlines()
    return tuple(PracticeSession.model_validate_json(line) for line in lines)


def practice_items(
    sessions: Iterable[PracticeSession], taken: Iterable[str], rng: random.Random
) -> tuple[list[Trace], list[AnnotationItem]]:
    """Practice sessions as traces, under ids that none of the `taken` has, and their items in the order given."""
    known, names = set(taken), Names(rng)
    traces: list[Trace] = []
    items: list[AnnotationItem] = []
    for number, session in enumerate(sessions, 1):
        trace_id = f"practice-{number}"
        while trace_id in known:
            trace_id += "-"
        known.add(trace_id)
        traces.append(Trace(trace_id=trace_id, split=SPLIT, events=session.events))
        items += [
            AnnotationItem(
                item_id=names.next("p"),
                trace_id=trace_id,
                turn=one.turn,
                offers=tuple(
                    OfferText(offer_id=names.next("o"), text=offer.text, known=offer.answer) for offer in one.offers
                ),
                practice=True,
                known_need=one.need,
                why=one.why,
            )
            for one in session.items
        ]
    return traces, items


def _chinese(traces: Iterable[Trace]) -> bool:
    text = "".join(event.event for trace in list(traces)[:20] for event in trace.events[:20])
    return sum("\u4e00" <= character <= "\u9fff" for character in text) > _CHINESE * len(text)
