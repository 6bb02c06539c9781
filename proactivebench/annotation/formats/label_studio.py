"""Label Studio: a job as tasks with a labelling configuration, and its JSON and JSON-MIN exports as votes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
    occasion_of,
    seconds_of,
    short,
    text_in,
    time_of,
    told,
    values_of,
)
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import AnnotationItem, Vote

WANTED = "Label Studio's JSON or JSON-MIN export"
DOMAIN = "@annotators.invalid"  # an address there is a pseudonym: that of whoever answers with such an account
_QUESTION = re.compile(r"(?P<what>need|offer|reason)(?:_(?P<number>\d{1,4}))?")
_OFFER_AT, _REASON_AT = "offer_{{idx}}", "reason_{{idx}}"  # as Label Studio's Repeater counts

CONFIG = f"""<View>
  <Header value="What has happened so far" size="4"/>
  <Paragraphs name="session" value="$events" layout="dialogue" nameKey="when" textKey="what"/>
  <Header value="Would you want help now?" size="4"/>
  <Choices name="need" toName="session" choice="single-radio" required="true" showInline="true">
    <Choice value="Yes" alias="yes" hotkey="y"/>
    <Choice value="No" alias="no" hotkey="n"/>
    <Choice value="Unsure" alias="unsure" hotkey="u"/>
  </Choices>
  <TextArea name="reason" toName="session" placeholder="Why? (if you like)" maxSubmissions="1" rows="2"/>
  <View visibleWhen="choice-selected" whenTagName="need">
    <Repeater on="$offers" indexFlag="{{{{idx}}}}">
      <View style="border-top: 1px solid; padding: 0.5em 0">
        <Text name="text_{{{{idx}}}}" value="$offers[{{{{idx}}}}].text"/>
        <Choices name="{_OFFER_AT}" toName="text_{{{{idx}}}}" choice="single-radio" required="true" showInline="true">
          <Choice value="Accept" alias="accept"/>
          <Choice value="Reject" alias="reject"/>
          <Choice value="Not yet" alias="premature"/>
          <Choice value="Unsure" alias="unsure"/>
        </Choices>
        <TextArea name="{_REASON_AT}" toName="text_{{{{idx}}}}" placeholder="Why? (if you like)" maxSubmissions="1"/>
      </View>
    </Repeater>
  </View>
</View>
"""


# --- out --------------------------------------------------------------------------------------------------------------


def write(folder: JobFolder) -> Mapping[str, str]:
    """`config.xml` and `instructions.md` for the project, `tasks.json` to import into it, without any votes; and, where
    there are votes, `annotated.json` in the shape of its JSON export."""
    tasks = [
        {"data": _data(folder, item, 0)} for item in sorted(folder.items.values(), key=_place) if not item.practice
    ]
    files = {"config.xml": CONFIG, "tasks.json": as_json(tasks), "instructions.md": told_first(folder)}
    given: dict[tuple[str, int], dict[str, list[Vote]]] = defaultdict(lambda: defaultdict(list))
    for vote in folder.votes().values():
        given[vote.item_id, vote.occasion][vote.annotator].append(vote)
    if given:
        files["annotated.json"] = as_json(
            [
                {
                    "id": number,
                    "data": (data := _data(folder, folder.items[item_id], occasion)),
                    "annotations": [one for votes in people.values() for one in _annotations(votes, data)],
                    "predictions": [],
                }
                for number, ((item_id, occasion), people) in enumerate(sorted(given.items()), start=1)
            ]
        )
    return files


def _place(item: AnnotationItem) -> tuple[str, int, str]:
    return item.trace_id, item.turn, item.item_id


def _data(folder: JobFolder, item: AnnotationItem, occasion: int) -> dict[str, Any]:
    """A task: the session up to the item's moment, and its offers in an order that says nothing."""
    return {
        "item_id": item.item_id,
        "occasion": occasion,
        "events": [{"when": when, "what": what} for when, what in told(past(folder, item))],
        "offers": [{"offer_id": offer.offer_id, "text": offer.text} for offer in shuffled(folder, item)],
    }


def _annotations(votes: Sequence[Vote], data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One person's votes on an item, as annotations: one for all that was said at one time, for a time stands with an
    annotation and not with its parts."""
    places = {offer["offer_id"]: place for place, offer in enumerate(data["offers"])}
    times: dict[tuple[str, float | None], list[Vote]] = defaultdict(list)
    for vote in votes:
        times[vote.at.isoformat(), vote.seconds].append(vote)
    for (at, seconds), said in times.items():
        yield {
            "completed_by": {"email": f"{said[0].annotator}{DOMAIN}", "first_name": "", "last_name": ""},
            "result": [part for vote in said for part in _result(vote, places)],
            "was_cancelled": False,
            "ground_truth": False,
            "created_at": at,
            "lead_time": seconds,
        }


def _result(vote: Vote, places: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    place = None if vote.offer_id is None else places[vote.offer_id]
    name, to = ("need", "session") if place is None else (f"offer_{place}", f"text_{place}")
    answer = "" if vote.answer is None else vote.answer.value
    yield {"from_name": name, "to_name": to, "type": "choices", "value": {"choices": [answer]}}
    if vote.reason:
        name = "reason" if place is None else f"reason_{place}"
        yield {"from_name": name, "to_name": to, "type": "textarea", "value": {"text": [vote.reason]}}


# --- in ---------------------------------------------------------------------------------------------------------------


def read(files: Sequence[Path], folder: JobFolder, options: Options) -> Reading:  # noqa: ARG001 - the contract
    """The votes of JSON and JSON-MIN exports. Cancelled annotations, drafts, predictions and what other questions say
    are no votes; of two annotations by one person the later counts."""
    said: list[Said] = []
    left_out: Counter[str] = Counter()
    for file in files:
        for where, task in values_of(file, WANTED):
            for one in _task(task, where, left_out):
                item = folder.items.get(one.place.item_id or "")
                if item is not None and not item.ask_need and not one.place.on_offer:
                    left_out["answers to a need that the job does not ask"] += 1  # the configuration asks everywhere
                else:
                    said.append(one)
    names = {one.who: one.who.removesuffix(DOMAIN) for one in said if one.who.endswith(DOMAIN)}
    return Reading(tuple(said), left_out, names)


def _task(task: Any, where: str, left_out: Counter[str]) -> Iterator[Said]:
    if not isinstance(task, dict):
        raise DataError(f"{where}: {short(task)} stands where a task belongs: give {WANTED}")
    key = next((key for key in ("annotations", "completions") if key in task), None)
    if key is None and ("annotator" in task or "annotation_id" in task):
        yield from _min(task, where, left_out)
        return
    data = member(task, "data", where)
    for many in ("drafts", "predictions"):
        if isinstance(found := task.get(many), list):
            left_out[many] += len(found)
    if key is None:
        left_out["tasks that nobody annotated"] += 1
        return
    annotations = list_in(task[key], where, key)
    left_out["tasks that nobody annotated"] += not annotations
    for number, annotation in enumerate(annotations, start=1):
        yield from _annotation(annotation, data, f"{where}, annotation {number}", left_out)


def _annotation(annotation: Any, data: Any, where: str, left_out: Counter[str]) -> Iterator[Said]:
    results = list_in(member(annotation, "result", where), where, "result")
    if annotation.get("was_cancelled") or annotation.get("skipped"):
        left_out["cancelled annotations"] += 1
        return
    values: dict[str, Any] = {}
    for part in results:
        name = member(part, "from_name", where) if isinstance(part, dict) and "from_name" in part else None
        if not isinstance(name, str) or not _QUESTION.fullmatch(name):
            left_out["answers to other questions"] += 1
            continue
        value = member(part, "value", where)
        found = member(value, "text" if name.startswith("reason") else "choices", f"{where}, {name}")
        if name in values:
            raise DataError(f"{where}: {name} is answered twice")
        values[name] = found
    left_out["annotations without an answer"] += not values
    yield from _answers(values, data, annotation, where, annotation.get("completed_by"))


def _min(task: Mapping[str, Any], where: str, left_out: Counter[str]) -> Iterator[Said]:
    values = {name: value for name, value in task.items() if _QUESTION.fullmatch(name)}
    left_out["annotations without an answer"] += not values
    yield from _answers(values, task, task, where, task.get("annotator"))


def _answers(
    values: Mapping[str, Any], data: Any, annotation: Mapping[str, Any], where: str, by: Any
) -> Iterator[Said]:
    """The votes of one annotation: `values` are its answers by question, `data` is its task's."""
    if not values:
        return
    item_id = text_in(member(data, "item_id", where), where, "item_id")
    occasion = occasion_of(data.get("occasion", 0), where)
    offers = list_in(data.get("offers", []), where, "offers")
    at, seconds = time_of(annotation.get("created_at"), where), seconds_of(annotation.get("lead_time"), where)
    who = _who(by, where)
    for name, value in values.items():
        question = _QUESTION.fullmatch(name)
        if question is None or question["what"] == "reason":
            continue
        place = Place(item_id=item_id, occasion=occasion, offer_id=_offer_id(question, offers, f"{where}, {name}"))
        reason = values.get(name.replace("offer", "reason") if place.on_offer else "reason")
        yield Said(
            where=f"{where}, {name}",
            who=who,
            place=place,
            answer=answer_of(_single(value, f"{where}, {name}"), f"{where}, {name}", on_offer=place.on_offer),
            reason=_reason(reason, where),
            at=at,
            seconds=seconds,
        )


def _offer_id(question: re.Match[str], offers: Sequence[Any], where: str) -> str | None:
    """The id of the offer that a question is about, None for the need."""
    if question["what"] == "need":
        return None
    number = question["number"]
    if number is None or int(number) >= len(offers):
        raise DataError(f"{where}: the task has {len(offers)} offers, and none of that number")
    return text_in(member(offers[int(number)], "offer_id", where), where, "offer_id")


def _who(by: Any, where: str) -> str:
    """An annotator as Label Studio names them: by number or, where it is all there is or a pseudonym, by address."""
    if isinstance(by, dict):
        email = by.get("email")
        ours = isinstance(email, str) and email.endswith(DOMAIN)
        by = email if ours or by.get("id") is None else by["id"]
    if isinstance(by, str) and by.strip():
        return by.strip()
    if isinstance(by, int) and not isinstance(by, bool):
        return str(by)
    raise DataError(f"{where}: completed_by is {short(by)}: nobody knows whose vote it is")


def _single(value: Any, where: str) -> Any:
    """The one choice that was made. Raises `DataError` for more."""
    if isinstance(value, dict) and "choices" in value:
        value = value["choices"]
    if isinstance(value, list):
        if len(value) != 1:
            raise DataError(f"{where}: {len(value)} choices where one is due")
        return value[0]
    return value


def _reason(value: Any, where: str) -> str | None:
    if isinstance(value, dict) and "text" in value:
        value = value["text"]
    parts = value if isinstance(value, list) else [] if value is None else [value]
    return "\n".join(text_in(part, where, "a reason") for part in parts) or None


FORMAT = Format(
    "label-studio", "tasks and configuration; its JSON and JSON-MIN exports", read, write, None, Names.HASHED
)
