"""Who did what in a job, and when it will be done; read beside a server that writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from proactivebench.annotation.job import JobFolder, numbered_spoken, spoken_in
from proactivebench.annotation.order import Showing, showings
from proactivebench.annotation.showing import Material
from proactivebench.annotation.spoken import refuse_foreign, seconds_an_item
from proactivebench.errors import DataError
from proactivebench.records import Annotator, Answer, Consent, Record, Vote, VoteKey, current_votes
from proactivebench.text import write_lines

_PACE_FROM = 3  # items, below which nobody's pace is known


class PersonStatus(Record):
    """One annotator's part: `done` of `items` are answered wholly, `repeats_done` of `repeats` a second time.
    `practice_right` of `practice_answered` answers on practice items are those that its maker gives. `seconds` is the
    median time of an item. `outdated`: what they agreed to are not the instructions as they stand. `faults` says what
    is wrong with their file."""

    annotator: str
    place: bool
    consented: datetime | None = None
    outdated: bool = False
    items: int = 0
    done: int = 0
    repeats: int = 0
    repeats_done: int = 0
    practice_right: int = 0
    practice_answered: int = 0
    first: datetime | None = None
    last: datetime | None = None
    seconds: float | None = None
    minutes_left: float | None = None
    expected: datetime | None = None
    faults: tuple[str, ...] = ()


class JobStatus(Record):
    """A job's people, and how many of its `items` have as many answers as the plan says (`answered`), and as many votes
    (`voted`: unsure is none). `expected` is when the last of those whose pace is known will be done; `idle` have not
    begun, or have too few answers to tell."""

    job: str
    sealed: bool
    people: tuple[PersonStatus, ...]
    planned: int
    overlap: int
    items: int
    answered: int
    voted: int
    expected: datetime | None = None
    idle: int = 0


def status_of(folder: JobFolder) -> JobStatus:
    """What stands in a job's files now. A file that cannot be read to its end is said, with what it holds up to there.

    Raises `WrongFile` where there is no job, `DataError` where what it asks cannot be read.
    """
    material = Material(folder)
    places = folder.annotators()
    names = dict.fromkeys([*places, *folder.voters()])
    read = {name: _read(folder, name) for name in names}
    people = tuple(_person(material, name, places.get(name), *read[name]) for name in names)
    answers, votes = _given(material, (said for said, _ in read.values()))
    asked = [item for item in folder.items.values() if not item.practice]
    overlap = min(folder.job.plan.overlap, folder.job.plan.annotators)
    questions = {
        item.item_id: [*([None] if item.ask_need else []), *(offer.offer_id for offer in item.offers)] for item in asked
    }

    def enough(counted: Mapping[tuple[str, str | None], int]) -> int:
        return sum(all(counted[name, one] >= overlap for one in asking) for name, asking in questions.items())

    unfinished = [one for one in people if one.place and (one.done, one.repeats_done) != (one.items, one.repeats)]
    known = [one.expected for one in unfinished if one.expected]
    return JobStatus(
        job=folder.job.name,
        sealed=folder.job.sealed,
        people=people,
        planned=folder.job.plan.annotators,
        overlap=overlap,
        items=len(asked),
        answered=enough(answers),
        voted=enough(votes),
        expected=max(known, default=None),
        idle=len(unfinished) - len(known) + max(0, folder.job.plan.annotators - len(people)),
    )


def _read(folder: JobFolder, name: str) -> tuple[list[Vote | Consent], list[str]]:
    """What somebody said up to the first line that cannot be read, and what is wrong with their file."""
    file = folder.votes_file(name)
    if not file.exists():
        return [], []
    said: list[Vote | Consent] = []
    faults: list[str] = []
    try:
        for number, one in numbered_spoken(file):
            why = _misplaced(folder, name, one)
            if why:
                faults.append(f"{file.name}:{number}: {why}")
            else:
                said.append(one)
    except DataError as error:
        faults.append(str(error).replace(str(file), file.name, 1))
    return said, [*faults, *_by_hand(file)]


def _misplaced(folder: JobFolder, name: str, said: Vote | Consent) -> str | None:
    """Why a line cannot stand in this file."""
    if said.annotator != name:
        return f"it is of {said.annotator!r}, in the file of {name!r}"
    if isinstance(said, Vote):
        try:
            refuse_foreign(said, folder.items)
        except DataError as error:
            return str(error)
    return None


def _by_hand(file: Path) -> list[str]:
    """What in a file this program would not have written: a last line without an end, lines in another spelling, time
    that goes back, answers out of their order."""
    lines = file.read_bytes().split(b"\n")
    found = [f"{file.name}: its last line is not whole: it is being written, or was torn"] if lines[-1].strip() else []
    odd, back, moved, before = [], [], [], None
    orders: dict[VoteKey, int] = {}
    latest = -1
    for number, line in enumerate(lines[:-1], start=1):
        if not line.strip():
            odd.append(number)
            continue
        said = spoken_in(line)
        if said is None:  # said by whoever reads it, and what comes after it is not read
            break
        if write_lines([said]) != line + b"\n":
            odd.append(number)
        elif before is not None and said.at < before:
            back.append(number)
        before = said.at
        if isinstance(said, Vote):
            due = orders.get(said.key, latest + 1)
            if said.order != due:
                moved.append(number)
            latest = max(latest, orders.setdefault(said.key, said.order))
    for numbers, what in (
        (odd, "not as it is written here: edited by hand?"),
        (back, "earlier than the line before"),
        (moved, "not the next in order: a line before it was moved or taken out"),
    ):
        if numbers:
            more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            found.append(f"{file.name}:{numbers[0]}{more}: {what}")
    return found


def _person(
    material: Material, name: str, place: Annotator | None, said: list[Vote | Consent], faults: list[str]
) -> PersonStatus:
    consents = [one for one in said if isinstance(one, Consent)]
    votes = current_votes(one for one in said if isinstance(one, Vote))
    right, tried = _practised(material, votes)
    clicks = [one.at for one in said if isinstance(one, Vote)]
    whole = {
        "annotator": name,
        "place": place is not None,
        "consented": consents[-1].at if consents else None,
        "outdated": bool(consents) and consents[-1].instructions != material.instructions_sha256,
        "practice_right": right,
        "practice_answered": tried,
        "first": min(clicks, default=None),
        "last": max(clicks, default=None),
        "faults": tuple(faults),
    }
    if place is None:
        return PersonStatus(**whole)
    shown = [
        one
        for one in showings(material.job, list(material.items.values()), place.slot)
        if not material.items[one.item_id].practice
    ]
    done = [one for one in shown if _complete(material, name, one, votes)]
    seconds = seconds_an_item(vote for vote in votes.values() if not material.items[vote.item_id].practice)
    left = len(shown) - len(done)
    return PersonStatus(
        **whole,
        items=sum(not one.occasion for one in shown),
        done=sum(not one.occasion for one in done),
        repeats=sum(bool(one.occasion) for one in shown),
        repeats_done=sum(bool(one.occasion) for one in done),
        seconds=seconds,
        minutes_left=round(left * seconds / 60, 1) if seconds is not None and len(done) >= _PACE_FROM else None,
        expected=_expected(clicks, len(done), left),
    )


def _expected(clicks: list[datetime], done: int, left: int) -> datetime | None:
    """When the rest is done at the pace, breaks included, from the first click to the last."""
    if done < _PACE_FROM or not left:
        return None
    first, last = min(clicks), max(clicks)
    return last + timedelta(seconds=(last - first).total_seconds() / done * left)


def _complete(material: Material, name: str, shown: Showing, votes: Mapping[VoteKey, Vote]) -> bool:
    asked: list[str | None] = [None] if material.items[shown.item_id].ask_need else []
    return all(VoteKey(name, shown.item_id, shown.occasion, one) in votes for one in [*asked, *shown.offers])


def _practised(material: Material, votes: Mapping[VoteKey, Vote]) -> tuple[int, int]:
    """How many answers on practice items are those its maker gives, and how many there are."""
    known: dict[tuple[str, str | None], Answer] = {}
    for item in material.items.values():
        if item.practice:
            taught = [(None, item.known_need), *((offer.offer_id, offer.known) for offer in item.offers)]
            known |= {(item.item_id, one): answer for one, answer in taught if answer is not None}
    given = [(vote.answer, known[key.item_id, key.offer_id]) for key, vote in votes.items() if key[1::2] in known]
    return sum(said is right for said, right in given), len(given)


def _given(
    material: Material, said: Iterable[list[Vote | Consent]]
) -> tuple[Counter[tuple[str, str | None]], Counter[tuple[str, str | None]]]:
    """Per question how many people answered it, and how many of them with a vote; at its first showing."""
    answers: Counter[tuple[str, str | None]] = Counter()
    votes: Counter[tuple[str, str | None]] = Counter()
    for lines in said:
        for vote in current_votes(one for one in lines if isinstance(one, Vote)).values():
            if not vote.occasion and vote.answer and not material.items[vote.item_id].practice:
                answers[vote.item_id, vote.offer_id] += 1
                votes[vote.item_id, vote.offer_id] += vote.answer.vote is not None
    return answers, votes
