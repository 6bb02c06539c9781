"""Votes as this package stores them, one JSON object a line: also those of real users of a live agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proactivebench.annotation.formats.contract import Draft, Format, Options, Place, Reading, Said
from proactivebench.annotation.formats.drafting import drafted
from proactivebench.annotation.formats.foreign import answer_of, lines_of, short, text_in, time_of
from proactivebench.annotation.job import JobFolder
from proactivebench.errors import DataError
from proactivebench.records import Vote
from proactivebench.store import first_problem
from proactivebench.text import write_lines

WANTED = "JSON Lines of votes: {annotator, trace_id, turn, offer, answer, at}"
_ALIASES = ("trace_id", "turn", "offer")
_OTHERS = ("consent", "mailed")  # lines of a votes file that are no votes


def read(files: Sequence[Path], folder: JobFolder, options: Options) -> Reading:  # noqa: ARG001 - the contract
    """The votes of the files; a later line on the same question replaces an earlier one, as everywhere."""
    return _read(files)


def begin(files: Sequence[Path], options: Options) -> Draft:
    """A job from sessions and the votes on them: an item for every moment, with the offers that were voted on."""
    return drafted(options.traces, _read(files))


def write(folder: JobFolder) -> Mapping[str, str]:
    """All votes that stand, practice aside, in one file."""
    return {"votes.jsonl": write_lines(folder.votes().values()).decode()}


def _read(files: Sequence[Path]) -> Reading:
    said: dict[tuple[str, Place], Said] = {}
    reading = Reading(())
    for file in files:
        for where, value in lines_of(file, WANTED):
            if isinstance(value, dict) and value.get("kind") in _OTHERS:
                reading.left_out["lines that are no votes"] += 1
                continue
            one = _said(value, where)
            if one is None:
                said.pop(_key(value), None)
            else:
                said.pop((one.who, one.place), None)
                said[one.who, one.place] = one
    return Reading(tuple(said.values()), reading.left_out)


def _said(value: Any, where: str) -> Said | None:
    """One line as a vote, None where it takes an answer back. A line may name its moment by `trace_id` and `turn`, and
    its offer by its text (`offer`), in place of `item_id` and `offer_id`."""
    if not isinstance(value, dict):
        raise DataError(f"{where}: {short(value)} is no vote: give {WANTED}")
    plain = {key: one for key, one in value.items() if key not in _ALIASES}
    # checked as the record it is, whose numbers nobody has to give: they are given again where it is stored
    plain = {"item_id": "by trace and turn", "order": 0, "at": "2026-01-01T00:00:00Z", **plain}
    if isinstance(plain.get("answer"), str):
        plain["answer"] = answer_of(plain["answer"], where, on_offer=_names_offer(value))
    try:
        vote = Vote.model_validate(plain)
    except ValidationError as error:
        raise DataError(f"{where} is no vote: {first_problem(error)}") from None
    if ("item_id" in value) == ("trace_id" in value):
        raise DataError(f"{where}: name the moment by item_id, or by trace_id and turn")
    if vote.answer is None:
        return None
    return Said(
        where=where,
        who=vote.annotator,
        place=_place(value, where),
        answer=vote.answer,
        reason=vote.reason,
        at=time_of(value.get("at"), where),
        seconds=vote.seconds,
    )


def _place(value: Mapping[str, Any], where: str) -> Place:
    turn = value.get("turn")
    if "trace_id" in value and (not isinstance(turn, int) or isinstance(turn, bool)):
        raise DataError(f"{where}: turn is {short(turn)}, not a number from 0")
    offer = value.get("offer")
    return Place(
        item_id=value.get("item_id"),
        trace_id=None if "trace_id" not in value else text_in(value["trace_id"], where, "trace_id"),
        turn=turn,
        offer_id=value.get("offer_id"),
        offer=None if offer is None else text_in(offer, where, "offer"),
        occasion=value.get("occasion", 0),
    )


def _key(value: Mapping[str, Any]) -> tuple[str, Place]:
    return value["annotator"], _place(value, "")


def _names_offer(value: Mapping[str, Any]) -> bool:
    return value.get("offer_id") is not None or value.get("offer") is not None


FORMAT = Format(
    "votes", "votes as they are stored, also of a live agent's users", read, write, begin, takes=frozenset({"traces"})
)
