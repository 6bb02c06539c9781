"""People who answer a job without a browser: every line as the server would write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.order import showings
from proactivebench.annotation.showing import Material
from proactivebench.records import AnnotationItem, Annotator, Answer, Consent, OfferText, Vote
from tests.annotation.jobs import WHEN

Choose = Callable[[AnnotationItem, OfferText | None, int], Answer]  # item, offer or the need itself, occasion


def seat(folder: JobFolder, *names: str) -> None:
    """A place for each, in this order."""
    folder.write_annotators(
        Annotator(pseudonym=name, slot=slot, token_sha256="0" * 64, made=WHEN) for slot, name in enumerate(names)
    )


def answer(
    folder: JobFolder,
    name: str,
    choose: Choose,
    *,
    most: int | None = None,
    start: datetime = WHEN,
    seconds: float = 6.0,
) -> None:
    """Let one who has a place answer what they are shown, or the first `most` showings, one after the other."""
    place = folder.annotators()[name]
    at = start
    lines: list[Consent | Vote] = [Consent(annotator=name, instructions=Material(folder).instructions_sha256, at=at)]
    for shown in showings(folder.job, list(folder.items.values()), place.slot)[:most]:
        item = folder.items[shown.item_id]
        texts = {offer.offer_id: offer for offer in item.offers}
        asked: list[OfferText | None] = [None] if item.ask_need else []
        at += timedelta(seconds=seconds)
        for offer in [*asked, *(texts[one] for one in shown.offers)]:
            said = choose(item, offer, shown.occasion)
            vote = Vote(
                annotator=name,
                item_id=item.item_id,
                occasion=shown.occasion,
                offer_id=offer.offer_id if offer else None,
                answer=said,
                reason="because" if said is Answer.REJECT else None,
                at=at,
                order=len(lines) - 1,
                seconds=seconds,
            )
            lines.append(vote)
    with folder.open_votes(name) as log:
        log.append(lines)
