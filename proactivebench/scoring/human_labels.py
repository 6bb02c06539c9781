"""What people said of a run's answers: labels from a file, put where the run has the answers that they are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.records import SILENCE, HumanLabel
from proactivebench.scoring.answers import PROPOSED, Answers
from proactivebench.store import line_problem
from proactivebench.text import BadLine, read_lines

_WANTED = "JSON Lines, one label a line: {trace_id, turn, candidate (-1 = silence), accepted, random, blind}"
_OPEN = "some labels are not stated to be drawn at random and decided blind to the verdict"

Place = tuple[int, int, bool]  # moment, repeat, whether it is an offer


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of one answer: `accepted` of so many `votes`, `premature` of the others "not yet"; `probability`
    is the answer's chance of being drawn, None where all had the same."""

    accepted: int
    votes: int
    premature: int
    probability: float | None

    @property
    def majority(self) -> bool:
        """Whether most accept; a tie is a rejection."""
        return 2 * self.accepted > self.votes


@dataclass(frozen=True)
class People:
    """What people said of a run. `misplaced` labels are on no answer of it; `annotators` counts who said it, None where
    some labels do not say whose they are; `refused` is why no estimate may rest on it."""

    said: Mapping[Place, Said]
    misplaced: int
    annotators: int | None
    refused: str | None


def load_human_labels(path: str | Path) -> tuple[HumanLabel, ...]:
    """The labels of a JSONL file (gzipped or not), one a line. Raises `DataError` with the first bad line."""
    content = read_bytes(Path(path), _WANTED)
    labels: list[HumanLabel] = []
    try:
        for _, label in read_lines(content, HumanLabel.model_validate_json):
            labels.append(label)
    except BadLine as error:
        if not labels and (other := foreign(path, content, _WANTED, own="a file of people's labels")):
            raise other from None
        raise DataError(f"{path}:{error.number}: {line_problem(error)}: give {_WANTED}") from error
    if not labels:
        raise DataError(f"{path} holds no label: give {_WANTED}")
    return tuple(labels)


def people_of(answers: Answers, labels: Iterable[HumanLabel], run: str | None = None) -> People:
    """The labels put together by the answers of a run, each on the round that counts. Of one annotator's labels on the
    same answer the last counts; labels that do not say whose they are count each. `run` is the digest of the run's
    identity: labels that name another are on no answer of this one."""
    votes: dict[Place, dict[object, HumanLabel]] = {}
    names: set[str | None] = set()
    misplaced, refused = 0, None
    for number, label in enumerate(labels):
        names.add(label.annotator)
        refused = refused or (None if label.random and label.blind else _OPEN)
        place = None if run and label.run and label.run != run else _place(answers, label)
        if place is None:
            misplaced += 1
        else:
            votes.setdefault(place, {})[label.annotator or number] = label
    given = {place: list(found.values()) for place, found in votes.items()}
    refused = refused or _unequal(given) or (None if given or not misplaced else _elsewhere(misplaced))
    return People(
        said={place: _said(found) for place, found in given.items()},
        misplaced=misplaced,
        annotators=None if None in names else len(names),
        refused=refused,
    )


def _place(answers: Answers, label: HumanLabel) -> Place | None:
    """Where the answer stands that a label is on; None where the run has no such answer."""
    moments = answers.moments
    start, length = moments.place.get(label.trace_id, (0, 0))
    if not (0 <= label.turn < length and 0 <= label.repeat < moments.repeats):
        return None
    at = start + label.turn, label.repeat
    if int(answers.last[at]) != label.round:
        return None
    slot = (*at, label.round)
    offered = answers.status[slot] == PROPOSED
    there = label.candidate < answers.offered[slot] if offered else answers.final(answers.status[slot])
    if not there or (label.candidate == SILENCE) is bool(offered) or label.candidate < SILENCE:
        return None
    return (*at, bool(offered))


def _said(labels: list[HumanLabel]) -> Said:
    return Said(
        accepted=sum(label.accepted for label in labels),
        votes=len(labels),
        premature=sum(label.premature for label in labels),
        probability=labels[0].probability,
    )


def _unequal(given: Mapping[Place, list[HumanLabel]]) -> str | None:
    """Why the probabilities of the labels cannot be weighed by."""
    known = [label.probability is not None for found in given.values() for label in found]
    if any(known) and not all(known):
        return (
            f"{len(known) - sum(known)} of {len(known)} labels have no probability: give it with all of them, or none"
        )
    if any(len({label.probability for label in found}) > 1 for found in given.values()):
        return "labels on one answer state different probabilities of its being drawn"
    return None


def _elsewhere(labels: int) -> str:
    return f"none of the {labels} labels is on an answer of this run: are they of another?"
