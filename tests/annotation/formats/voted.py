"""Jobs with votes in them, and what the votes say, for the tests of formats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from proactivebench.annotation.job import JobFolder
from proactivebench.records import AnnotationItem, Answer, Vote, VoteKey
from tests.annotation.jobs import WHEN, make_job

NEED = (Answer.YES, Answer.NO, Answer.UNSURE)
OFFER = (Answer.ACCEPT, Answer.REJECT, Answer.PREMATURE, Answer.UNSURE)
REASON = "=1+1, 'quoted', \"twice\"\nand 换行; 好"

Standing = dict[VoteKey, tuple[Answer | None, str | None]]


def voted_job(path: Path, people: Sequence[str] = ("ann", "bob")) -> JobFolder:
    """A job in which each of `people` answered everything, a few needs a second time, with reasons here and there."""
    folder = make_job(path, sessions=2, events=3)
    for number, name in enumerate(people):
        with folder.open_votes(name) as log:
            log.append(_votes(name, number, [item for item in folder.items.values() if not item.practice]))
    return folder


def _votes(name: str, number: int, items: Sequence[AnnotationItem]) -> list[Vote]:
    said: list[tuple[str, str | None, int, Answer]] = []
    for place, item in enumerate(items):
        said.append((item.item_id, None, 0, NEED[(place + number) % 3]))
        said += [
            (item.item_id, offer.offer_id, 0, OFFER[(place + at + number) % 4]) for at, offer in enumerate(item.offers)
        ]
    said.append((items[0].item_id, None, 1, Answer.NO))
    said.append((items[1].item_id, items[1].offers[0].offer_id, 1, Answer.ACCEPT))
    return [
        Vote(
            annotator=name,
            item_id=item,
            offer_id=offer,
            occasion=occasion,
            answer=answer,
            reason=REASON if order % 7 == 0 else None,
            at=WHEN + timedelta(seconds=3.25 * order),
            order=order,
            seconds=1.5 if order % 2 else None,
        )
        for order, (item, offer, occasion, answer) in enumerate(said)
    ]


def standing(folder: JobFolder) -> Standing:
    """Every answer that stands, with its reason."""
    return {key: (vote.answer, vote.reason) for key, vote in folder.votes().items()}


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """All files of a folder, locks aside, with their content."""
    found = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(".lock"))
    return [(str(file.relative_to(folder)), file.read_bytes()) for file in found]
