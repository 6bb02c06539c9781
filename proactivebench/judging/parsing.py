"""Reading a judge's text: exactly one JSON object with exactly one verdict, or the cause why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import model_validator

from proactivebench.records import Record
from proactivebench.text import broken, find_objects, says_more, split_reasoning

READING = "2"  # part of such a judge's hash: raise it when a rule below, or in proactivebench/text, changes

LONGEST = 2 * 2**20  # characters


class Output(Record):
    """The verdict's contract: one JSON object whose `field` holds one of the two words; `reason` may explain it."""

    field: str = "verdict"
    accept: str = "accepted"
    reject: str = "rejected"
    reason: str | None = "reason"

    @model_validator(mode="after")
    def _two_words(self) -> Output:
        if self.accept.casefold() == self.reject.casefold():
            raise ValueError("accept and reject must be two different words")
        return self


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge's text says: `accepted` (None: nothing to score, and `cause` says why) and its reason."""

    accepted: bool | None
    reason: str | None = None
    cause: str | None = None


def read_verdict(text: str, output: Output, *, cut: bool = False) -> Reading:
    """The verdict in a judge's text by the card's contract. Never raises. Causes: empty, no_json, no_verdict,
    two_verdicts, bad_value, too_long; truncated where the text was `cut` off without a verdict as its last thing."""
    if len(text) > LONGEST:
        return Reading(None, cause="too_long")
    answer = split_reasoning(text)[1].strip()
    found = find_objects(answer)
    ours = [item for item in found if item.pairs.values_of(output.field)]
    if cut and (not ours or says_more(answer, ours[-1].end)):
        return Reading(None, cause="truncated")
    if not answer:
        return Reading(None, cause="empty")
    if not found:
        return Reading(None, cause="no_json")
    verdicts = [value for item in ours for value in item.pairs.values_of(output.field)]
    if not verdicts:
        return Reading(None, cause="no_verdict")
    if len(verdicts) > 1 or broken(answer, found, output.field):
        return Reading(None, cause="two_verdicts")
    word = verdicts[0].strip().casefold() if isinstance(verdicts[0], str) else None
    if word not in (output.accept.casefold(), output.reject.casefold()):
        return Reading(None, cause="bad_value")
    reasons = [said for said in ours[0].pairs.values_of(output.reason or "") if isinstance(said, str)]
    return Reading(word == output.accept.casefold(), reasons[0] if output.reason and reasons else None)


def verdict_schema(output: Output) -> dict[str, Any]:
    """JSON schema of a well-formed verdict: the reason first, so that it comes before the decision."""
    reason = {} if output.reason is None else {output.reason: {"type": "string", "maxLength": 600}}
    properties = {**reason, output.field: {"type": "string", "enum": [output.accept, output.reject]}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
