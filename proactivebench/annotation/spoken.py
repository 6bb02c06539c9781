"""What one annotator said so far, line by line, each checked as it comes: the last word on a question counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from proactivebench.errors import DataError
from proactivebench.records import AnnotationItem, Answer, Consent, Vote, printable
from proactivebench.records.votes import MOST_REASON
from proactivebench.text.redaction import redact

MOST_AHEAD = timedelta(hours=1)  # of our clock: nothing that comes from elsewhere was said later


class Said(NamedTuple):
    """What stands on one question. `order` stays that of the first answer."""

    order: int
    answer: Answer | None
    reason: str | None
    at: datetime


class Spoken:
    """The consent and votes of one annotator.

    Args:
        pseudonym: Whose they are.
        items: What the job asks, by id.
    """

    def __init__(self, pseudonym: str, items: Mapping[str, AnnotationItem]) -> None:
        self.pseudonym = pseudonym
        self.agreed: str | None = None  # to the instructions of this hash
        self._items = items
        self._said: dict[tuple[str, int, str | None], Said] = {}

    def take(self, said: Vote | Consent) -> None:
        """Count what was written.

        Raises `DataError` where it is not theirs, not about this job, or not in the order of its file.
        """
        if said.annotator != self.pseudonym:
            raise DataError(f"it is of {said.annotator!r}, in the file of {self.pseudonym!r}")
        if isinstance(said, Consent):
            self.agreed = said.instructions
            return
        refuse_foreign(said, self._items)
        key = (said.item_id, said.occasion, said.offer_id)
        before = self._said.get(key)
        due = before.order if before else self.answers
        if said.order != due:
            raise DataError(f"order {said.order} stands where {due} belongs")
        now = Said(due, said.answer, said.reason, said.at)
        if before == now:
            raise DataError("the same vote stands there twice")
        self._said[key] = now

    def stands(self, vote: Vote) -> Said | None:
        """The last word on what this vote is on, an undoing included; None where there is none."""
        return self._said.get((vote.item_id, vote.occasion, vote.offer_id))

    @property
    def answers(self) -> int:
        """On how many questions there is a word: the number of order of the next new one."""
        return len(self._said)


def reason_kept(text: str | None) -> str | None:
    """What is written down of a reason: without what should not be kept (see `text.redaction`); None for none."""
    return redact(printable(text).strip())[:MOST_REASON].strip() or None if text else None


def fits(answer: Answer, offer_id: str | None) -> bool:
    """Whether this can be said to that: to an offer, or (None) to the need."""
    return answer.on_need if offer_id is None else answer.on_offer


def seconds_an_item(votes: Iterable[Vote]) -> float | None:
    """One person's median over items of how long each had been on the screen when its last answer came; None where no
    vote says how long."""
    longest: dict[tuple[str, int], float] = {}
    for vote in votes:
        if vote.seconds is not None:
            key = (vote.item_id, vote.occasion)
            longest[key] = max(vote.seconds, longest.get(key, 0.0))
    return median(longest.values()) if longest else None


def refuse_foreign(vote: Vote, items: Mapping[str, AnnotationItem]) -> None:
    """Raise `DataError` where a vote is on nothing that the job asks, or says what cannot be said to it."""
    item = items.get(vote.item_id)
    if item is None:
        raise DataError(f"it is on item {vote.item_id[:60]!r}, which the job does not have")
    if vote.offer_id is None and not item.ask_need:
        raise DataError(f"it is on the need at {vote.item_id!r}, which is not asked there")
    if vote.offer_id is not None and all(offer.offer_id != vote.offer_id for offer in item.offers):
        raise DataError(f"it is on offer {vote.offer_id[:60]!r} of {vote.item_id!r}, which the job does not have")
    if vote.occasion > 1 or (vote.occasion and item.practice):
        raise DataError(f"occasion {vote.occasion} of {vote.item_id!r} does not exist")
    if vote.answer is not None and not fits(vote.answer, vote.offer_id):
        raise DataError(f"{vote.answer.value!r} is no answer to {'an offer' if vote.offer_id else 'the need'}")
