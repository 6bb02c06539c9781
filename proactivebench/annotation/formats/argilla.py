"""Argilla 2: a job as two data sets, one that asks for the need and one that asks about each offer, and the responses
in their records as votes."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from proactivebench.annotation.formats.contract import (
    Format,
    Names,
    Options,
    Place,
    Reading,
    Said,
    past,
    shuffled,
    told_first,
)
from proactivebench.annotation.formats.foreign import (
    answer_of,
    as_json,
    list_in,
    member,
    names_in,
    occasion_of,
    short,
    text_in,
    time_of,
    told,
    values_of,
)
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError, WrongFile
from proactivebench.records import AnnotationItem, OfferText, Vote

WANTED = "Argilla's records: a folder of `rg.Dataset.to_disk`, its records.json, or records as its API has them"
RECORDS, NAMES = "records.json", "names.json"
_OURS = uuid.UUID("7d1f0d0a-6b3e-5d52-9a4f-0f6a0b1c2d3e")  # of which the ids of pseudonyms are made
_COUNTED = ("submitted", None)  # a response that is neither a draft nor discarded, as far as its form says
_NEED, _OFFER, _REASON = "need", "offer", "reason"
_CHOICES = {
    _NEED: {"yes": "Yes", "no": "No", "unsure": "Unsure"},
    _OFFER: {"accept": "Accept", "reject": "Reject", "premature": "Not yet", "unsure": "Unsure"},
}
_TITLES = {_NEED: "Would you want help now?", _OFFER: "Would you accept this offer now?"}
_GUIDE = {
    _NEED: "Read what has happened so far, and say whether you would want help now. Do all of this before `offers`.",
    _OFFER: "Read what has happened so far and what is offered. Say what you think of the offer. `need` comes first.",
}


# --- out --------------------------------------------------------------------------------------------------------------


def write(folder: JobFolder) -> Mapping[str, str]:
    """Two data sets, as `rg.Dataset.from_disk` reads them, without any votes: `need`, to be answered first, and
    `offers`, a record for each offer. Where there are votes, the records with them as responses in `annotated`, under
    ids of users that follow from the pseudonyms; `names.json` there says whose they are."""
    given: dict[Place, list[Vote]] = defaultdict(list)
    for vote in folder.votes().values():
        given[Place(item_id=vote.item_id, offer_id=vote.offer_id, occasion=vote.occasion)].append(vote)
    ids = {name: str(uuid.uuid5(_OURS, name)) for name in folder.voters()}
    asked: dict[str, list[dict[str, Any]]] = {"need": [], "offers": []}
    answered: dict[str, list[dict[str, Any]]] = {"need": [], "offers": []}
    for item, offer in _questions(folder):
        name = "need" if offer is None else "offers"
        first = Place(item.item_id, offer_id=None if offer is None else offer.offer_id)
        record = _record(folder, item, offer)
        asked[name].append(record)
        for place in (first, first._replace(occasion=1)):
            if place in given:
                answered[name].append(_with_votes(record, place, given[place], ids))
    files = {f"{name}/{RECORDS}": as_json(found) for name, found in asked.items()}
    for name, question in (("need", _NEED), ("offers", _OFFER)):
        guide = f"{_GUIDE[question]}\n\n{told_first(folder)}"
        files[f"{name}/settings.json"] = as_json(_settings(question, guide, folder.job.plan.overlap))
        files[f"{name}/dataset.json"] = as_json(_dataset(f"{folder.job.name}-{name}", guide))
        if answered[name]:
            files[f"annotated/{name}/{RECORDS}"] = as_json(answered[name])
            files[f"annotated/{name}/{NAMES}"] = as_json({number: annotator for annotator, number in ids.items()})
    return files


def _questions(folder: JobFolder) -> Iterator[tuple[AnnotationItem, OfferText | None]]:
    """Every need (None) and offer that is asked about, session by session; offers in an order that says nothing."""
    for item in sorted(folder.items.values(), key=lambda one: (one.trace_id, one.turn, one.item_id)):
        if not item.practice:
            need = (None,) if item.ask_need else ()
            yield from ((item, offer) for offer in (*need, *shuffled(folder, item)))


def _record(folder: JobFolder, item: AnnotationItem, offer: OfferText | None) -> dict[str, Any]:
    lines = [f"{when}  {what}" for when, what in told(past(folder, item))]
    shown, known = ({}, {}) if offer is None else ({"offer_text": offer.text}, {"offer_id": offer.offer_id})
    return {
        "id": item.item_id if offer is None else f"{item.item_id}:{offer.offer_id}",
        "fields": {"session": "\n".join(lines), **shown},
        "metadata": {"item_id": item.item_id, "occasion": 0, **known},
        "suggestions": {},
        "responses": {},
        "vectors": {},
        "status": "pending",
        "_server_id": None,
    }


def _with_votes(
    record: Mapping[str, Any], place: Place, votes: Sequence[Vote], ids: Mapping[str, str]
) -> dict[str, Any]:
    """A record with the votes on it, of the first or second time that it was shown."""
    responses: dict[str, list[dict[str, str]]] = defaultdict(list)
    for vote in votes:
        if vote.answer is not None:
            user = {"user_id": ids[vote.annotator], "status": "submitted"}
            responses[_OFFER if place.on_offer else _NEED].append({"value": vote.answer.value, **user})
            if vote.reason:
                responses[_REASON].append({"value": vote.reason, **user})
    return {
        **record,
        "id": f"{record['id']}:again" if place.occasion else record["id"],
        "metadata": {**record["metadata"], "occasion": place.occasion},
        "responses": dict(responses),
    }


def _settings(question: str, guide: str, overlap: int) -> dict[str, Any]:
    """The settings of a data set: what is shown, and what is asked."""
    options = [{"value": value, "text": text} for value, text in _CHOICES[question].items()]
    fields = ["session"] if question == _NEED else ["session", "offer_text"]
    shown = {"session": "What has happened so far", "offer_text": "The offer"}
    kept = ["item_id", "occasion"] if question == _NEED else ["item_id", "occasion", "offer_id"]
    return {
        "guidelines": guide,
        "questions": [
            {
                "name": question,
                "title": _TITLES[question],
                "description": None,
                "required": True,
                "type": "label_selection",
                "settings": {"type": "label_selection", "options": options, "visible_options": len(options)},
            },
            {
                "name": _REASON,
                "title": "Why? (if you like)",
                "description": None,
                "required": False,
                "type": "text",
                "settings": {"type": "text", "use_markdown": False},
            },
        ],
        "fields": [
            {
                "name": name,
                "title": shown[name],
                "required": True,
                "description": None,
                "settings": {"type": "text", "use_markdown": False},
            }
            for name in fields
        ],
        "vectors": [],
        "metadata": [
            {
                "name": name,
                "title": name,
                "visible_for_annotators": False,
                "settings": {"visible_for_annotators": False}
                | ({"type": "integer", "min": None, "max": None} if name == "occasion" else _TERMS),
            }
            for name in kept
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": overlap},
        "mapping": None,
    }


_TERMS = {"type": "terms", "values": None}


def _dataset(name: str, guide: str) -> dict[str, Any]:
    return {"name": name, "status": "draft", "guidelines": guide, "allow_extra_metadata": True}


# --- in ---------------------------------------------------------------------------------------------------------------


class _Response(NamedTuple):
    question: str
    value: Any
    user: str
    status: str | None
    at: Any


def read(files: Sequence[Path], folder: JobFolder, options: Options) -> Reading:  # noqa: ARG001 - the contract
    """The responses in records, in the three forms that Argilla gives them: of `to_disk`, flat, and of its API. Drafts
    and discarded responses are no votes, where the form says so: that of `to_disk` does not."""
    said: list[Said] = []
    left_out: Counter[str] = Counter()
    names: dict[str, str] = {}
    for file in chain.from_iterable(map(_files, files)):
        beside = file.parent / NAMES
        if beside.is_file():
            names |= names_in(beside)
        for where, record in _records(file):
            said += _votes(record, where, left_out)
    return Reading(tuple(said), left_out, names)


def _files(given: Path) -> list[Path]:
    """What a user named, or the records in the folder, and below it, that they named."""
    if not given.is_dir():
        return [given]
    found = sorted(given.rglob(RECORDS))
    if not found:
        raise WrongFile(f"{given} holds no {RECORDS}: give {WANTED}")
    return found


def _records(file: Path) -> Iterator[tuple[str, Any]]:
    for where, value in values_of(file, WANTED):
        if isinstance(value, dict) and isinstance(value.get("items"), list):  # a page of the API's
            yield from ((f"{where}: item {number}", one) for number, one in enumerate(value["items"], start=1))
        else:
            yield where, value


def _votes(record: Any, where: str, left_out: Counter[str]) -> Iterator[Said]:
    responses = list(_responses(record, where))
    metadata = record.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise DataError(f"{where}: metadata is {short(metadata)}, not an object")
    where_from = {**record, **metadata}
    left_out["records without responses"] += not responses
    reasons = {one.user: one.value for one in responses if one.question == _REASON}
    for one in responses:
        if one.status not in _COUNTED:
            left_out[f"{one.status} responses"] += one.question != _REASON
        elif one.question in (_NEED, _OFFER):
            if one.value is None:
                left_out["responses without an answer"] += 1
                continue
            yield Said(
                where=f"{where}, {one.question}",
                who=one.user,
                place=_place(where_from, where, on_offer=one.question == _OFFER),
                answer=answer_of(one.value, f"{where}, {one.question}", on_offer=one.question == _OFFER),
                reason=None if reasons.get(one.user) is None else text_in(reasons[one.user], where, "a reason"),
                at=time_of(one.at, where),
            )
        elif one.question != _REASON:
            left_out["answers to other questions"] += 1


def _place(known: Mapping[str, Any], where: str, *, on_offer: bool) -> Place:
    return Place(
        item_id=text_in(member(known, "item_id", where), where, "item_id"),
        offer_id=text_in(member(known, "offer_id", where), where, "offer_id") if on_offer else None,
        occasion=occasion_of(known.get("occasion", 0), where),
    )


def _responses(record: Any, where: str) -> Iterator[_Response]:
    """Every response of a record, whatever the form."""
    if not isinstance(record, dict):
        raise DataError(f"{where}: {short(record)} stands where a record belongs: give {WANTED}")
    given = record.get("responses")
    if isinstance(given, dict):  # as `to_disk` has them, by question
        for question, answers in given.items():
            for one in list_in(answers, where, f"the responses to {short(question)}"):
                user, status = _user(member(one, "user_id", where), where), _status(one.get("status"), where)
                yield _Response(question, member(one, "value", where), user, status, None)
    elif isinstance(given, list):  # as the API has them, by user
        for one in given:
            user, status = _user(member(one, "user_id", where), where), _status(one.get("status"), where)
            values = one.get("values") or {}
            if not isinstance(values, dict):
                raise DataError(f"{where}: values is {short(values)}, not an object")
            for question, answer in values.items():
                value = member(answer, "value", where)
                yield _Response(question, value, user, status, one.get("inserted_at"))
    elif given is None and ("id" in record or any(key.endswith(".responses") for key in record)):
        yield from _flat(record, where)
    else:
        raise DataError(f"{where}: a record without responses: give {WANTED}")


def _flat(record: Mapping[str, Any], where: str) -> Iterator[_Response]:
    """The flat form, where each question has a list of answers, one of users and one of statuses."""
    for key, answers in record.items():
        if not key.endswith(".responses") or answers is None:
            continue
        question = key.removesuffix(".responses")
        values = list_in(answers, where, key)
        users = list_in(record.get(f"{key}.users"), where, f"{key}.users")
        statuses = record.get(f"{key}.status") or [None] * len(values)
        if not len(values) == len(users) == len(list_in(statuses, where, f"{key}.status")):
            raise DataError(
                f"{where}: {len(values)} answers, {len(users)} users, {len(statuses)} statuses: one for each"
            )
        for value, user, status in zip(values, users, statuses, strict=True):
            yield _Response(question, value, _user(user, where), _status(status, where), None)


def _user(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or value == "None":
        raise DataError(f"{where}: user_id is {short(value)}: nobody knows whose response it is")
    return value.strip()


def _status(value: Any, where: str) -> str | None:
    if value not in (None, "submitted", "draft", "discarded", "pending"):
        raise DataError(f"{where}: {short(value)} is no status: there are submitted, draft and discarded")
    return None if value is None else str(value)


FORMAT = Format("argilla", "two data sets of Argilla 2, and records with responses", read, write, None, Names.HASHED)
