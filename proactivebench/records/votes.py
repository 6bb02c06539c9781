"""What people are asked about, and what they say: items of an annotation job, votes, consent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, AwareDatetime, Field

from proactivebench.records.base import Record

PSEUDONYM = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MOST_REASON = 2_000  # characters
Pseudonym = Annotated[str, Field(pattern=PSEUDONYM)]
_YEARS = range(1970, 9999)  # a time beyond them has no equal in some zone


def is_pseudonym(name: str) -> bool:
    """Whether an annotator can be called that."""
    return re.fullmatch(PSEUDONYM, name) is not None


def possible_time(at: datetime) -> datetime:
    """A time that somebody can have said something at, as it is. Raises `ValueError` for one at the ends of the
    calendar, which no clock shows and which cannot be told in every zone."""
    if at.year not in _YEARS:
        raise ValueError(f"{at.isoformat()} is no time that anything was said at")
    return at


Given = Annotated[AwareDatetime, AfterValidator(possible_time)]


class Answer(StrEnum):
    """What a person can say: YES and NO to "would you want help now?", ACCEPT, REJECT and PREMATURE ("not yet") to an
    offer, UNSURE to both. PREMATURE is a rejection in every metric and shown apart; UNSURE is no vote."""

    YES = "yes"
    NO = "no"
    ACCEPT = "accept"
    REJECT = "reject"
    PREMATURE = "premature"
    UNSURE = "unsure"

    @property
    def vote(self) -> bool | None:
        """As a vote: for or against; None for UNSURE, which is none."""
        return None if self is Answer.UNSURE else self in (Answer.YES, Answer.ACCEPT)

    @property
    def on_need(self) -> bool:
        """Whether it can be said to the question of need."""
        return self in (Answer.YES, Answer.NO, Answer.UNSURE)

    @property
    def on_offer(self) -> bool:
        """Whether it can be said to an offer."""
        return self not in (Answer.YES, Answer.NO)


class OfferText(Record):
    """One offer that people are asked about. `known` is the answer that a practice item teaches."""

    offer_id: str
    text: str
    known: Answer | None = None


class AnnotationItem(Record):
    """One moment that people are asked about: whether they would want help (`ask_need`), and each of the offers, after
    that. A `practice` item comes first, tells what its maker says (`known_need`, each offer's `known`, `why`), and
    counts nowhere."""

    item_id: str
    trace_id: str
    turn: int = Field(ge=0)
    ask_need: bool = True
    offers: tuple[OfferText, ...] = ()
    practice: bool = False
    known_need: Answer | None = None
    why: str | None = None


class VoteKey(NamedTuple):
    """What a vote is on: of whom, which item, which showing of it (1: shown again, to see who stays with their word)
    and which of its offers (None: the need itself)."""

    annotator: str
    item_id: str
    occasion: int
    offer_id: str | None


class Vote(Record):
    """One answer of one person, or none any more (`answer` None: undone). A later line for the same key replaces an
    earlier one. `at` is when it was given, with its time zone; `order` counts the annotator's answers from 0, in the
    order they were first given; `seconds` is how long the item had been on the screen, where known."""

    kind: Literal["vote"] = "vote"
    annotator: Pseudonym
    item_id: str
    occasion: int = Field(default=0, ge=0)
    offer_id: str | None = None
    answer: Answer | None = None
    reason: str | None = Field(default=None, max_length=MOST_REASON)
    at: Given
    order: int = Field(ge=0)
    seconds: float | None = Field(default=None, ge=0)

    @property
    def key(self) -> VoteKey:
        """The key under which a later line replaces an earlier one."""
        return VoteKey(self.annotator, self.item_id, self.occasion, self.offer_id)

    @property
    def counts(self) -> bool:
        """Whether it is for or against, and not at a second showing."""
        return not self.occasion and self.answer is not None and self.answer.vote is not None

    @property
    def accepts(self) -> bool:
        """Whether it is for help, or for the offer."""
        return self.answer is not None and bool(self.answer.vote)


class Consent(Record):
    """That a person read the instructions with this hash and agreed to take part."""

    kind: Literal["consent"] = "consent"
    annotator: Pseudonym
    instructions: str
    at: Given


def current_votes(lines: Iterable[Vote]) -> dict[VoteKey, Vote]:
    """The vote that stands under each key, in the order the keys first came; what was undone is left out."""
    found: dict[VoteKey, Vote] = {}
    for vote in lines:
        found[vote.key] = vote
    return {key: vote for key, vote in found.items() if vote.answer is not None}
