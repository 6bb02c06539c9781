"""What an annotator is shown, and what they said to it, as plain data: the one source for the local server and for the
mailed page. Nothing of the future, of models, verdicts or runs is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, StrictInt

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.order import Showing, showings
from proactivebench.annotation.page import texts_of
from proactivebench.annotation.spoken import Said, Spoken, fits, reason_kept
from proactivebench.errors import BadArgument, DataError, UsageError
from proactivebench.files import read_text
from proactivebench.records import AnnotationItem, Annotator, Answer, Consent, Event, OfferText, Vote, digest
from proactivebench.records.base import Record
from proactivebench.records.votes import MOST_REASON, Pseudonym

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LONGEST = 3_600  # seconds at an item: who takes longer was away
_PACE_FROM, _PACE_OVER = 5, 50  # answered showings: the fewest that tell a pace, and how many of the last ones do


class NotYet(UsageError):
    """What is asked for comes later: the instructions, an earlier item or the need of this one have no answer yet."""


class Click(Record):
    """What the page sends: the answer to the need of the showing `index` (`offer_id` None) or to one of its offers;
    `answer` None takes it back. `seconds` is how long the item has been on the screen."""

    index: StrictInt = Field(ge=0)
    offer_id: str | None = None
    answer: Answer | None
    reason: str | None = Field(default=None, max_length=MOST_REASON)
    seconds: float | None = Field(default=None, ge=0)


class Mailed(Record):
    """The first line of the votes file that a mailed page hands back: of which job it is (its name, and
    `Material.identity`), and whose."""

    kind: Literal["mailed"] = "mailed"
    job: str
    identity: str
    annotator: Pseudonym


@dataclass(frozen=True, slots=True)
class Shown:
    """One showing, without what was said to it: `events` up to the item's turn, `offers` in the order shown, `session`
    its place among the sessions of this person, from 1."""

    index: int
    occasion: int
    session: int
    item: AnnotationItem
    events: tuple[Event, ...]
    offers: tuple[OfferText, ...]

    @property
    def taught(self) -> dict[str, Any] | None:
        """What a practice item teaches once all of it is answered."""
        if not self.item.practice:
            return None
        known = {offer.offer_id: offer.known for offer in self.offers}
        return {"need": self.item.known_need, "offers": known, "why": self.item.why}


class Material:
    """What a job asks of everyone: items, sessions and instructions, read once and checked.

    Raises `WrongFile` or `DataError` naming the file where the job cannot be shown.
    """

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self.job = folder.job
        self.items = folder.items
        self.traces = folder.traces
        self.texts = _instructions(folder.path)
        self.instructions = {language: safe_html(text) for language, text in self.texts.items()}
        self.instructions_sha256 = digest(self.texts)
        self.page_texts = texts_of(folder.path)
        self.languages = tuple(self.page_texts)
        self.identity = digest([self.job.name, self.job.made.isoformat(), self.job.seed, self.job.data_hash])
        for item in self.items.values():
            trace = self.traces.get(item.trace_id)
            if trace is None or item.turn >= len(trace.events):
                raise DataError(
                    f"{folder.path / 'items.jsonl'}: item {item.item_id!r} stands on event {item.turn} of session "
                    f"{item.trace_id!r}, which traces.jsonl does not have: prepare the job again"
                )


class Progress(Spoken):
    """One annotator's way through a job: what comes in which order, and what they have said so far.

    Args:
        material: What the job asks.
        annotator: Whose way it is.
    """

    def __init__(self, material: Material, annotator: Annotator) -> None:
        super().__init__(annotator.pseudonym, material.items)
        self.material = material
        self._order = showings(material.job, list(material.items.values()), annotator.slot)
        self._sessions = _numbered(material, self._order)
        self._place = {(one.item_id, one.occasion): index for index, one in enumerate(self._order)}
        self._seconds: dict[int, float] = {}
        self._from = 0  # no showing before this one lacks an answer

    # --- what is shown ------------------------------------------------------------------------------------------------

    @property
    def mailed(self) -> Mailed:
        """The first line of this annotator's votes file, where they answer by mail."""
        return Mailed(job=self.material.job.name, identity=self.material.identity, annotator=self.pseudonym)

    @property
    def total(self) -> int:
        """How many showings there are."""
        return len(self._order)

    @property
    def position(self) -> int:
        """The first showing that lacks an answer; `total` where none does."""
        while self._from < self.total and self._complete(self._from):
            self._from += 1
        return self._from

    @property
    def consented(self) -> bool:
        """Whether they agreed to the instructions as they stand."""
        return self.agreed == self.material.instructions_sha256

    def state(self) -> dict[str, Any]:
        """Where they are, and what the page needs before the first item."""
        return {
            "job": self.material.job.name,
            "annotator": self.pseudonym,
            "total": self.total,
            "position": self.position,
            "instructions": self.material.instructions,
            "instructions_sha256": self.material.instructions_sha256,
            "consented": self.consented,
            "minutes_left": self._minutes_left(),
        }

    def shown(self, index: int) -> Shown:
        """The showing at `index`, whatever was said so far. Raises `BadArgument` where there is none."""
        if not 0 <= index < self.total:
            raise BadArgument(f"there is no item {index}: they go from 0 to {self.total - 1}")
        one = self._order[index]
        item = self.material.items[one.item_id]
        texts = {offer.offer_id: offer for offer in item.offers}
        return Shown(
            index=index,
            occasion=one.occasion,
            session=self._sessions[index],
            item=item,
            events=self.material.traces[item.trace_id].events[: item.turn + 1],
            offers=tuple(texts[name] for name in one.offers),
        )

    def showing(self, index: int) -> dict[str, Any]:
        """The showing at `index` with what was said to it; its offers only where the need has its answer.

        Raises `NotYet` where an earlier one is not answered yet, `BadArgument` where there is none.
        """
        shown = self.shown(index)
        self._refuse_beyond(index)
        need, complete = self._answered(index, None), self._complete(index)
        hidden = shown.item.ask_need and need is None
        said = {} if hidden else {one.offer_id: self._answered(index, one.offer_id) for one in shown.offers}
        found = {
            "index": index,
            "total": self.total,
            "practice": shown.item.practice,
            "session": shown.session,
            "events": [event.model_dump() for event in shown.events],
            "ask_need": shown.item.ask_need,
            "offers": None if hidden else [{"offer_id": one.offer_id, "text": one.text} for one in shown.offers],
            "said": {
                "need": need and need.answer,
                "need_reason": need and need.reason,
                "offers": {name: {"answer": one.answer, "reason": one.reason} for name, one in said.items() if one},
            },
            "complete": complete,
        }
        return {**found, "taught": shown.taught} if shown.item.practice and complete else found

    # --- what is said -------------------------------------------------------------------------------------------------

    def vote(self, click: Click, at: datetime) -> Vote | None:
        """The vote that a click makes, to be written and then given to `take`; None where the same stands already.

        Raises `NotYet` before the consent, before its item or its need is due; `BadArgument` where the answer does not
        fit the question.
        """
        shown = self.shown(click.index)
        if not self.consented:
            raise NotYet("the instructions come first: agree to them, then answer")
        self._refuse_beyond(click.index)
        self._refuse_unfit(shown, click)
        key = (shown.item.item_id, shown.occasion, click.offer_id)
        stands = self._said.get(key)
        reason = None if click.answer is None else reason_kept(click.reason)
        if (stands.answer, stands.reason) == (click.answer, reason) if stands else click.answer is None:
            return None
        return Vote(
            annotator=self.pseudonym,
            item_id=shown.item.item_id,
            occasion=shown.occasion,
            offer_id=click.offer_id,
            answer=click.answer,
            reason=reason,
            at=at,
            order=stands.order if stands else self.answers,
            seconds=click.seconds,
        )

    def take(self, said: Vote | Consent) -> None:
        """Count what was written. Votes on what this annotator is not shown are kept and move nothing.

        Raises `DataError` where it cannot be their word (see `Spoken.take`).
        """
        super().take(said)
        if isinstance(said, Consent):
            return
        index = self._place.get((said.item_id, said.occasion))
        if index is not None:
            self._from = min(self._from, index)
            self._clock(index, said.seconds)

    # --- by itself ----------------------------------------------------------------------------------------------------

    def _answered(self, index: int, offer_id: str | None) -> Said | None:
        """What stands on one question of a showing; None where nothing does, or it was taken back."""
        one = self._order[index]
        said = self._said.get((one.item_id, one.occasion, offer_id))
        return said if said and said.answer else None

    def _complete(self, index: int) -> bool:
        one = self._order[index]
        asked: list[str | None] = [*one.offers]
        if self.material.items[one.item_id].ask_need:
            asked.append(None)
        return all(self._answered(index, offer_id) for offer_id in asked)

    def _clock(self, index: int, seconds: float | None) -> None:
        if seconds is not None:
            self._seconds[index] = max(min(seconds, _LONGEST), self._seconds.pop(index, 0.0))
            if len(self._seconds) > _PACE_OVER:
                del self._seconds[next(iter(self._seconds))]

    def _minutes_left(self) -> float | None:
        if len(self._seconds) < _PACE_FROM:
            return None
        return round((self.total - self.position) * median(self._seconds.values()) / 60, 1)

    def _refuse_beyond(self, index: int) -> None:
        if index > self.position:
            raise NotYet(f"item {index} comes later: item {self.position} has no answer yet")

    def _refuse_unfit(self, shown: Shown, click: Click) -> None:
        if click.offer_id is None:
            if not shown.item.ask_need:
                raise BadArgument("this item does not ask whether help is wanted")
        elif all(offer.offer_id != click.offer_id for offer in shown.offers):
            raise BadArgument("this item has no such offer")
        elif shown.item.ask_need and self._answered(click.index, None) is None:
            raise NotYet("say first whether you would want help now, then what you think of the offers")
        if click.answer is not None and not fits(click.answer, click.offer_id):
            raise BadArgument(f"{click.answer.value!r} is no answer to {'an offer' if click.offer_id else 'the need'}")


def safe_html(markdown: str) -> str:
    """Markdown as HTML that loads nothing and runs nothing: no HTML of its own, pictures as their words, links that
    tell nobody where they were followed from."""
    return str(_markdown().render(markdown))


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.common.utils import escapeHtml

    found = MarkdownIt("commonmark", {"html": False}).enable("table")

    def link(renderer: Any, tokens: Any, at: int, options: Any, _env: Any) -> str:
        outside = str(tokens[at].attrs.get("href", "")).startswith(("https://", "http://", "mailto:"))
        tokens[at].attrs |= {"rel": "noopener noreferrer", "target": "_blank"} if outside else {"href": "#"}
        return str(renderer.renderToken(tokens, at, options, _env))

    def image(_renderer: Any, tokens: Any, at: int, _options: Any, _env: Any) -> str:
        return str(escapeHtml(tokens[at].content))

    found.add_render_rule("link_open", link)
    found.add_render_rule("image", image)
    return found


def _instructions(path: Path) -> dict[str, str]:
    """The Markdown texts of a job by language, English first."""
    files = {"en": path / "instructions.md"}
    files |= {file.name.split(".")[1]: file for file in sorted(path.glob("instructions.*.md"))}
    wanted = "what annotators read first and agree to, Markdown in UTF-8"
    return {language: read_text(file, wanted) for language, file in files.items()}


def _numbered(material: Material, order: tuple[Showing, ...]) -> list[int]:
    """The number of each showing's session, from 1: practice and what comes again are sessions of their own."""
    found: list[int] = []
    before = None
    for one in order:
        item = material.items[one.item_id]
        here = (item.practice, one.occasion, item.trace_id)
        found.append(found[-1] + (here != before) if found else 1)
        before = here
    return found
