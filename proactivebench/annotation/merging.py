"""Where votes go: into the labels of traces, and into people's labels of one run's answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from proactivebench.annotation.job import JobFolder, nobody_voted
from proactivebench.annotation.pooling import alike
from proactivebench.errors import BadArgument, DataError, UnknownName, UsageError, WrongFile
from proactivebench.files import folder as is_folder
from proactivebench.naming import did_you_mean
from proactivebench.records import (
    SILENCE,
    Answer,
    DrawnFrom,
    HumanLabel,
    JobRun,
    MomentLabels,
    Record,
    TaskVotes,
    Trace,
    Vote,
    digest,
)
from proactivebench.store import RunStore, cannot_write, write_whole
from proactivebench.text import BadLine, read_lines, write_lines


class Form(StrEnum):
    """What votes are merged into: labels of traces, or labels of one run's answers."""

    TRACES = "traces"
    LABELS = "labels"


class Merged(NamedTuple):
    """What was merged, and from how much: people, votes on offers, direct answers; `run` where it is of one run."""

    records: tuple[Record, ...]
    people: int
    offer_votes: int
    need_votes: int
    run: JobRun | None = None


_KINDS: Mapping[Form, type[Record]] = {Form.TRACES: Trace, Form.LABELS: HumanLabel}


def form_of(output_path: Path) -> Form:
    """What a file is to hold, by its name: `traces.jsonl`, `labels.jsonl`. Raises `BadArgument` where it has neither
    word, or both."""
    name = output_path.name.casefold()
    found = [form for form in Form if form.value.rstrip("s") in name]
    if len(found) != 1:
        raise BadArgument(
            f"{output_path.name} does not say what is wanted: name it traces.jsonl or labels.jsonl, or say --form"
        )
    return found[0]


def counted_votes(folder: JobFolder) -> list[Vote]:
    """The votes that count, by pseudonym: not on practice items, not at a second showing, not unsure. Raises
    `UsageError` where nobody voted, `DataError` for a file that holds what cannot be a vote."""
    found = [vote for vote in folder.votes().values() if vote.counts]
    if not found:
        raise nobody_voted(folder)
    return sorted(found, key=lambda vote: (vote.annotator, vote.order))


def labelled_traces(folder: JobFolder) -> Merged:
    """The job's sessions with what people said of them: votes on offers, direct answers, and the need that follows from
    offers by each rule (none where nobody voted on an offer). Raises what `counted_votes` does."""
    votes = counted_votes(folder)
    moments: dict[tuple[str, int], list[Vote]] = defaultdict(list)
    for vote in votes:
        item = folder.items[vote.item_id]
        moments[item.trace_id, item.turn].append(vote)
    texts = {(item.item_id, o.offer_id): o.text for item in folder.items.values() for o in item.offers}
    records = []
    for name, trace in folder.sessions.items():
        labels = tuple(
            _moment(moments[name, turn], texts) if (name, turn) in moments else None
            for turn in range(len(trace.events))
        )
        records.append(trace.model_copy(update={"labels": labels if any(labels) else None}))
    return _merged(records, votes)


def run_labels(folder: JobFolder, run: JobRun) -> Merged:
    """What each person said of each answer of one run, with the chance that answer had of being asked about. A silence
    is right where that person wanted no help.

    Raises what `counted_votes` does, and `UsageError` where nobody voted on an answer of that run.
    """
    votes = counted_votes(folder)
    asked: dict[tuple[str, str | None], list[Vote]] = defaultdict(list)
    for vote in votes:
        asked[vote.item_id, vote.offer_id].append(vote)
    strata = {one.stratum for one in folder.job.drawn if one.run == run.name}
    labels, used = [], []
    for source in folder.sources:
        if source.run != run.name:
            continue
        item = folder.items[source.item_id]
        drawn = folder.job.drawn_from is DrawnFrom.RUNS and source.stratum in strata
        for vote in asked[source.item_id, source.offer_id]:
            used.append(vote)
            silence = source.offer_id is None
            labels.append(
                HumanLabel(
                    trace_id=item.trace_id,
                    turn=item.turn,
                    repeat=source.repeat,
                    round=source.round,
                    candidate=SILENCE if silence else source.candidate,
                    accepted=vote.accepts is not silence,
                    run=run.manifest,
                    random=drawn,
                    blind=drawn,
                    annotator=vote.annotator,
                    premature=vote.answer is Answer.PREMATURE,
                    probability=source.probability if drawn else None,
                )
            )
    if not labels:
        raise UsageError(f"{folder.path}: nobody has voted on an answer of {run.name} ({run.agent}) yet")
    return _merged(labels, used, run)


def run_of(folder: JobFolder, named: str | None) -> JobRun:
    """The run that is named: as the job calls it (`r1`), or by a folder that holds it, wherever it was then; the only
    one where none is named. Raises `UsageError` where the job has no run, or several and none is named, `UnknownName`
    where it is none of them."""
    runs = {run.name: run for run in folder.job.runs}
    if not runs:
        raise UsageError(
            f"{folder.path} was made from traces, of no run: merge it into traces (--form traces), which "
            "`run --tasks` takes"
        )
    listed = ", ".join(f"{run.name} ({run.agent}, {run.path})" for run in runs.values())
    if named is None:
        if len(runs) > 1:
            raise BadArgument(f"{folder.path} has answers of several runs: give one with --run, of {listed}")
        return next(iter(runs.values()))
    if named in runs:
        return runs[named]
    if not Path(named).exists():
        known = [*runs, *(run.path for run in runs.values())]
        raise UnknownName(f"{folder.path} has no run {named!r}: {did_you_mean(named, known)}there are {listed}")
    is_folder(Path(named), "a run's folder, or its name in the job")
    same = digest(RunStore(named).manifest.identity())
    found = [run for run in runs.values() if run.manifest == same]
    by_path = [run for run in found if Path(run.path).resolve() == Path(named).resolve()]
    if not found:
        raise UnknownName(f"{named} is none of the runs that {folder.path} asks about: {listed}")
    if len(found) > 1 and not by_path:
        raise BadArgument(
            f"{named} may be any of {', '.join(run.name for run in found)}: give --run one of these names"
        )
    return (by_path or found)[0]


def write_merged(folder: JobFolder, merged: Merged, form: Form, output_path: Path) -> Path:
    """Write what was merged, in place of an earlier merge of the same form; of a sealed job for its owner alone.

    Raises:
        WrongFile: The file holds something else, or lies in the job's folder.
        CannotWrite: It cannot be written.
    """
    refuse_other(folder, form, output_path)
    with cannot_write(output_path):
        output_path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(output_path, write_lines(merged.records).decode(), private=folder.job.sealed)


def refuse_other(folder: JobFolder, form: Form, output_path: Path) -> None:
    """Raise `WrongFile` where a file for traces or labels would take the place of something else, or lie in the job's
    folder."""
    folder.refuse_inside(output_path)
    if output_path.is_dir():
        raise WrongFile(f"{output_path} is a folder: give the name of a file, as {output_path / f'{form}.jsonl'}")
    if output_path.suffix == ".gz":
        raise WrongFile(f"{output_path} would not be gzip, as its name says: give a name that ends in .jsonl")
    if output_path.is_file() and not _holds(output_path, _KINDS[form]):
        raise WrongFile(f"{output_path} is there already and holds no {form} of an earlier merge: give another name")


def _moment(votes: Iterable[Vote], texts: Mapping[tuple[str, str], str]) -> MomentLabels:
    """What was said at one moment. An offer that stands there twice, or with other white space, has one list of votes;
    a person is asked for their need once."""
    asked: dict[str, bool] = {}
    offered: dict[str, tuple[str, list[Vote]]] = {}
    for vote in votes:
        if vote.offer_id is None:
            asked.setdefault(vote.annotator, vote.accepts)
        else:
            text = texts[vote.item_id, vote.offer_id]
            offered.setdefault(alike(text), (text, []))[1].append(vote)
    tasks = tuple(_task(text, given) for text, given in offered.values())
    return MomentLabels(
        need=any(all(task.votes) for task in tasks) if tasks else None,
        need_majority=any(task.accepted for task in tasks) if tasks else None,
        tasks=tasks,
        asked=tuple(asked.values()),
        asked_by=tuple(asked),
    )


def _task(text: str, votes: list[Vote]) -> TaskVotes:
    early = tuple(vote.answer is Answer.PREMATURE for vote in votes)
    return TaskVotes(
        task=text,
        votes=tuple(vote.accepts for vote in votes),
        annotators=tuple(vote.annotator for vote in votes),
        premature=early if any(early) else (),
    )


def _merged(records: Iterable[Record], votes: list[Vote], run: JobRun | None = None) -> Merged:
    keys = {vote.key for vote in votes}
    offers = sum(key.offer_id is not None for key in keys)
    return Merged(tuple(records), len({key.annotator for key in keys}), offers, len(keys) - offers, run)


def _holds(file: Path, kind: type[Record]) -> bool:
    """Whether a file is empty or begins with such a record. Raises `DataError` where it cannot be read."""
    try:
        with file.open("rb") as lines:
            return next((True for _ in read_lines(lines, kind.model_validate_json)), True)
    except BadLine:
        return False
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
