"""Donating a job: its sessions and votes as a data set's folder, with everything left out that says who voted.

README.md                 the data set's card, with a header that the Hub reads
data/traces.jsonl         sessions with labels, as `annotate merge` gives them, under ids drawn afresh
data/reasons.jsonl        people's reasons, redacted; only where they are asked for
consent/instructions.md   what people agreed to, as they read it (each language); consent.json: its hash, how many
redaction.json            how much of which kind was marked where, without what stood there
LICENCE.md, SHA256SUMS    the licence by name; the sha256 of every other file
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from proactivebench.annotation.data_card import Facts, card, licence_text
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.merging import Form, labelled_traces, refuse_other
from proactivebench.annotation.showing import Material
from proactivebench.errors import BadArgument, CheckFailed, WrongFile
from proactivebench.files import read_bytes
from proactivebench.records import Answer, Consent, Event, MomentLabels, Task, TaskVotes, Trace, Vote
from proactivebench.store import cannot_write, whole_folder, write_whole
from proactivebench.text import redacted, write_lines
from proactivebench.text.redaction import Kind
from proactivebench.traces.jsonl import PUBLISHED, parse_traces

FEWEST_VOTES = 20  # below which a data set says more of a person than of a question
UNKNOWN = "unknown"
SUMS = "SHA256SUMS"
_TO_EDIT = ("README.md", "LICENCE.md")  # by whoever publishes, before it is put up


class Published(NamedTuple):
    """A data set ready to be written: its files by relative name, what it holds, and what was left out, in words."""

    files: Mapping[str, bytes]
    facts: Facts
    left_out: tuple[str, ...]
    labelled: tuple[Trace, ...]


class _Redaction:
    """Redacts texts of files and keeps count of what was marked where."""

    def __init__(self, own: Sequence[Kind]) -> None:
        self._own = own
        self.counts: dict[str, Counter[str]] = {}
        self.places: list[dict[str, object]] = []

    def text(self, text: str, file: str, **place: object) -> str:
        """The text, redacted; `place` says where it stands."""
        found, counts = redacted(text, self._own)
        if counts:
            self.counts.setdefault(file, Counter()).update(counts)
            self.places.append({"file": file, **place, "kinds": dict(sorted(counts.items()))})
        return found

    def report(self) -> bytes:
        """What was marked, by file and by place, as JSON."""
        said = {
            "own_words": len(self._own),
            "counts": {file: dict(sorted(found.items())) for file, found in sorted(self.counts.items())},
            "places": self.places,
        }
        return (json.dumps(said, indent=2, ensure_ascii=False) + "\n").encode()

    @property
    def total(self) -> Counter[str]:
        """How many things of each kind were marked, in all files."""
        return sum(self.counts.values(), Counter())


def publishable(
    folder: JobFolder,
    *,
    licence: str | None = None,
    own: Sequence[Kind] = (),
    traces_only: bool = False,
    with_reasons: bool = False,
    name: str | None = None,
) -> Published:
    """What a job gives to the public.

    Args:
        folder: The job.
        licence: Of the data set; None: that of the data it was made from.
        own: Kinds of text to redact beside the known ones.
        traces_only: Sessions without any label, as sealed jobs are published.
        with_reasons: With what people wrote, redacted.
        name: The data set's repository on the Hub (ORG/NAME), for the card.

    Raises:
        BadArgument: No licence is known, or the job is sealed and its labels would be published.
        CheckFailed: Somebody whose votes count did not agree to the instructions as they stand, or there are fewer
            than 20 votes.
        UsageError, DataError: Nobody voted, or the job cannot be read.
    """
    job = folder.job
    if job.sealed and not traces_only:
        raise BadArgument(
            f"{folder.path} is sealed, its labels stay with whoever collects them: publish its sessions alone with "
            "--traces_only"
        )
    if traces_only and with_reasons:
        raise BadArgument("--traces_only publishes nothing that people said: leave --with_reasons")
    chosen = licence or (None if job.licence.casefold() in ("", UNKNOWN) else job.licence)
    if chosen is None:
        raise BadArgument(f"{folder.path} is of data whose licence is not known: say under which with --licence")
    material = Material(folder)
    redaction = _Redaction(own)
    names: dict[str, str] = {}
    traces: Sequence[Trace] = tuple(folder.sessions.values())
    said = folder.votes()
    if not traces_only:
        _refuse(folder, said.values(), material.instructions_sha256)
    if any(vote.counts for vote in said.values()):
        traces = [trace for trace in labelled_traces(folder).records if isinstance(trace, Trace)]
        names = fresh_names({key.annotator for key in said})
    renamed = {trace.trace_id: redaction.text(trace.trace_id, PUBLISHED, field="trace_id") for trace in traces}
    if len(set(renamed.values())) < len(renamed):
        renamed = {old: f"session-{number}" for number, old in enumerate(renamed, 1)}
    unseen = _Redaction(own) if traces_only else redaction  # what is not published is not reported either
    labelled = tuple(_public(trace, renamed, names, redaction, unseen) for trace in traces)
    shown = tuple(trace.model_copy(update={"labels": None}) for trace in labelled) if traces_only else labelled
    files = {PUBLISHED: write_lines(shown)}
    if with_reasons:
        files["data/reasons.jsonl"] = _reasons(folder, said.values(), names, renamed, redaction)
    for language, text in material.texts.items():
        files[f"consent/instructions{'' if language == 'en' else '.' + language}.md"] = text.encode()
    agreed: dict[str, object] = {"instructions_sha256": material.instructions_sha256}
    if not traces_only:
        agreed |= {"agreed": len(names)}
    files["consent/consent.json"] = (json.dumps(agreed, indent=2) + "\n").encode()
    title = redaction.text(job.name, "README.md", field="name")
    facts = Facts(
        title=title,
        name=name,
        licence=chosen,
        data_licence=job.licence,
        made_from=redaction.text(job.task.replace("\\", "/").rpartition("/")[2], "README.md", field="task"),
        job=job,
        task=Task(name=title, version="0", revision="0", licence=chosen, date=UNKNOWN, source=UNKNOWN, traces=shown),
        people=len(names),
        instructions=material.instructions_sha256,
        marked=redaction.total,
        reasons=with_reasons,
        traces_only=traces_only,
    )
    files["redaction.json"] = redaction.report()
    files["LICENCE.md"] = licence_text(facts).encode()
    files["README.md"] = card(facts).encode()
    files[SUMS] = _sums(files)
    return Published(files, facts, _left_out(said.values(), facts, material, own), labelled)


def fresh_names(pseudonyms: Iterable[str]) -> dict[str, str]:
    """A new id for each pseudonym, `p1` to `pn` as chance has it: nothing but this map leads back, and it is not
    kept."""
    people = sorted(pseudonyms)
    secrets.SystemRandom().shuffle(people)
    return {person: f"p{number}" for number, person in enumerate(people, 1)}


def write_published(
    published: Published, output_path: Path, job: JobFolder, *, private_labels: Path | None = None
) -> Path:
    """Write a data set into a new or empty folder, all of it or nothing. Returns its card.

    Args:
        published: The data set.
        output_path: The folder.
        job: What it was made of.
        private_labels: A file elsewhere for the labels of these sessions; without it nothing is published either.

    Raises:
        WrongFile: The folder holds something, or lies in the job's; or the file does, or holds no traces.
        CannotWrite: It cannot be written.
    """
    job.refuse_inside(output_path)
    with whole_folder(output_path):
        for name, content in published.files.items():
            with cannot_write(output_path):
                (output_path / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(output_path / name, content.decode())
        if private_labels is not None:
            write_private(published, private_labels, job)
    return output_path / "README.md"


def write_private(published: Published, file: Path, job: JobFolder) -> None:
    """Write the labels of the published sessions into a file that its owner alone can read, in place of an earlier one;
    its folder is made. Raises `WrongFile` where something else stands there, or the job's folder is around it,
    `CannotWrite`."""
    refuse_other(job, Form.TRACES, file)
    with cannot_write(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, write_lines(published.labelled).decode(), private=True)


def as_it_lies(output_path: Path, published: Published) -> dict[str, bytes]:
    """The files of an earlier publication of the same job, to be put up as they were looked through: the card and the
    licence may have been edited since, and get new sums.

    Raises:
        WrongFile: The folder holds something else, too.
        CheckFailed: A file was altered, or the job says other things now (somebody withdrew, say).
    """
    there = {file.relative_to(output_path).as_posix(): file for file in output_path.rglob("*") if file.is_file()}
    if more := sorted(set(there) - set(published.files)):
        raise WrongFile(
            f"{output_path} holds {more[0]}, which no publication wrote: take it out, or give another folder"
        )
    files = {name: read_bytes(file, "a file of a published data set") for name, file in there.items()}
    sums = dict(
        line.split("  ", 1)[::-1] for line in files.pop(SUMS).decode(errors="replace").splitlines() if "  " in line
    )
    for name, content in files.items():
        if name not in _TO_EDIT and hashlib.sha256(content).hexdigest() != sums.get(name):
            raise CheckFailed(f"{output_path / name} was altered since it was written: publish into another folder")
    now = _anonymous(published.facts.task.traces)
    if set(files) | {SUMS} != set(published.files) or _anonymous(parse_traces(files[PUBLISHED], PUBLISHED)) != now:
        raise CheckFailed(f"{output_path} is not what the job says now: publish into another folder")
    return {**files, SUMS: _sums(files)}


def _anonymous(traces: Iterable[Trace]) -> list[object]:
    """What was said, whoever said it."""
    return [
        (
            trace.trace_id,
            trace.split,
            trace.events,
            [
                label
                and (
                    label.need,
                    label.need_majority,
                    sorted(label.asked),
                    [(task.task, sorted(task.votes), sum(task.premature)) for task in label.tasks],
                )
                for label in trace.labels or ()
            ],
        )
        for trace in traces
    ]


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(files[file]).hexdigest()}  {file}\n" for file in sorted(files)).encode()


def _refuse(folder: JobFolder, votes: Collection[Vote], instructions: str) -> None:
    """Raise `CheckFailed` where somebody did not agree, or too little was said."""
    for voter in sorted({vote.annotator for vote in votes}):
        agreed = [said.instructions for said in folder.spoken(voter) if isinstance(said, Consent)]
        if not agreed:
            raise CheckFailed(
                f"{folder.path}: {voter} voted and there is no consent of theirs: let them agree on their page, or "
                "`annotate withdraw` their votes"
            )
        if agreed[-1] != instructions:
            raise CheckFailed(
                f"{folder.path}: {voter} agreed to other instructions than those that stand: put those back, or let "
                "them agree to these on their page"
            )
    counted = sum(vote.counts for vote in votes)
    if counted < FEWEST_VOTES:
        raise CheckFailed(f"{folder.path} has {counted} votes, and a data set takes {FEWEST_VOTES}: collect more")


def _public(
    trace: Trace,
    renamed: Mapping[str, str],
    names: Mapping[str, str],
    redaction: _Redaction,
    of_labels: _Redaction,
) -> Trace:
    own = renamed[trace.trace_id]
    events = tuple(
        Event(
            time=redaction.text(event.time, PUBLISHED, trace_id=own, turn=turn, field="time"),
            event=redaction.text(event.event, PUBLISHED, trace_id=own, turn=turn, field="event"),
        )
        for turn, event in enumerate(trace.events)
    )
    labels = trace.labels and tuple(
        None if label is None else _public_label(label, names, of_labels, trace_id=own, turn=turn)
        for turn, label in enumerate(trace.labels)
    )
    split = redaction.text(trace.split, PUBLISHED, trace_id=own, field="split")
    return trace.model_copy(update={"trace_id": own, "split": split, "events": events, "labels": labels})


def _public_label(
    label: MomentLabels, names: Mapping[str, str], redaction: _Redaction, *, trace_id: str, turn: int
) -> MomentLabels:
    tasks = []
    for offer, task in enumerate(label.tasks):
        text = redaction.text(task.task, PUBLISHED, trace_id=trace_id, turn=turn, field=f"offer {offer}")
        early = task.premature or (False,) * len(task.votes)
        said = _by_person(names, task.annotators, task.votes, early)
        tasks.append(
            TaskVotes(
                task=text,
                votes=tuple(vote for _, vote, _ in said),
                annotators=tuple(person for person, _, _ in said),
                premature=tuple(one for _, _, one in said) if any(early) else (),
            )
        )
    asked = _by_person(names, label.asked_by, label.asked)
    return label.model_copy(
        update={
            "tasks": tuple(tasks),
            "asked": tuple(answer for _, answer in asked),
            "asked_by": tuple(person for person, _ in asked),
        }
    )


def _by_person(names: Mapping[str, str], people: Sequence[str], *said: Sequence[bool]) -> list[tuple]:  # type: ignore[type-arg]
    """What was said, under new ids and in their order: the old order would tell who is who."""
    return sorted(zip((names[person] for person in people), *said, strict=True), key=lambda one: int(one[0][1:]))


def _reasons(
    folder: JobFolder,
    votes: Iterable[Vote],
    names: Mapping[str, str],
    renamed: Mapping[str, str],
    redaction: _Redaction,
) -> bytes:
    """People's reasons as JSON Lines, in the order of sessions, moments and offers, then of the new ids."""
    file = "data/reasons.jsonl"
    offers = {(item.item_id, offer.offer_id): offer.text for item in folder.items.values() for offer in item.offers}
    rows = []
    for vote in votes:
        if not vote.reason or vote.answer is None or vote.occasion:
            continue
        item = folder.items[vote.item_id]
        session, turn = renamed[item.trace_id], item.turn
        text = "" if vote.offer_id is None else offers[vote.item_id, vote.offer_id]
        offer = redaction.text(text, file, trace_id=session, turn=turn, field="offer") or None
        said = {
            "trace_id": session,
            "turn": turn,
            "offer": offer,
            "annotator": names[vote.annotator],
            "answer": vote.answer.value,
            "reason": redaction.text(vote.reason, file, trace_id=session, turn=turn, field="reason"),
        }
        rows.append(((session, turn, offer or "", int(names[vote.annotator][1:])), said))
    return write_lines(said for _, said in sorted(rows, key=itemgetter(0)))


def _left_out(votes: Iterable[Vote], facts: Facts, material: Material, own: Sequence[Kind]) -> tuple[str, ...]:
    """Everything of the job that is not in the data set, in words."""
    said = list(votes)
    again = sum(bool(vote.occasion) for vote in said)
    unsure = sum(vote.answer is Answer.UNSURE and not vote.occasion for vote in said)
    reasons = sum(vote.reason is not None for vote in said)
    reasons_again = sum(vote.reason is not None and bool(vote.occasion) for vote in said)
    found = ["pseudonyms, links and the order of people (new ids are drawn each time, and their map is kept nowhere)"]
    if facts.traces_only:
        found.append(f"all {len(said):,} answers and all offers (--traces_only)")
    else:
        found.append("the time of each vote, and how long it took")
        if again or unsure:
            found.append(f"{again:,} answers at a second showing and {unsure:,} unsure ones, which are no votes")
        if facts.reasons and reasons_again:
            found.append(f"{reasons_again:,} reasons at a second showing")
        elif reasons and not facts.reasons:
            found.append(f"{reasons:,} reasons (--with_reasons adds them, redacted)")
    found.append("practice items, the seed, and which run, model or agent an offer is from")
    kept = sum((redacted(text, own)[1] for text in material.texts.values()), Counter[str]())
    if kept:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kept.items()))
        found.append(f"nothing of the instructions, which stand as people agreed to them: they hold {listed}")
    return tuple(found)
