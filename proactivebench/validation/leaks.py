"""Does judge-training data hold what the judge is tested on, or what it will score? Usable on anyone's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proactivebench.errors import DataError
from proactivebench.files import foreign, read_bytes
from proactivebench.recognition import recognised
from proactivebench.records import Record, Trace
from proactivebench.text import BadLine, load_json, read_lines
from proactivebench.traces import LabelledItem, labelled_items, load_task
from proactivebench.traces.jsonl import TRACES
from proactivebench.traces.labels import sessions
from proactivebench.validation.people import LabelSet, own_labels

Texts = tuple[str, ...]
_WANTED = (
    "JSON Lines, one row a line: {obs, pred_task, valid, help_needed?}, or traces with labels; or release:train, "
    "release:test"
)


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One item of judge-training data: the texts of the events so far, the proposal (None = silence) and its label.
    `need` says whether help was needed there, where the data has it."""

    events: Texts
    proposal: str | None
    label: bool
    need: bool | None = None


class LookupScore(Record):
    """How well labels of the test rows are told by looking up the same moment in training, without any model."""

    rows: int
    correct: int

    @property
    def accuracy(self) -> float:
        """Share of the test rows found in training whose label the lookup tells."""
        return self.correct / self.rows


class LeakAudit(Record):
    """What the three sets share. A moment is the texts of the events so far; a trace is a longest one."""

    train_rows: int
    test_rows: int
    test_rows_with_shared_moment: int
    test_traces: int
    test_traces_shared: int
    test_rows_exact: int
    conflicting_duplicates: int
    lookup_by_sibling: LookupScore | None
    lookup_by_need: LookupScore | None
    majority_label: float
    benchmark_moments: int
    benchmark_moments_in_train: int
    train_rows_on_benchmark: int
    test_rows_on_benchmark: int

    @property
    def leaks(self) -> bool:
        """Whether anything is shared at all."""
        return bool(self.test_rows_with_shared_moment or self.test_traces_shared or self.train_rows_on_benchmark)


def audit(train: Sequence[TrainingRow], test: Sequence[TrainingRow], benchmark: Iterable[Trace]) -> LeakAudit:
    """Count what is shared between judge-training data, its test data and a benchmark."""
    if not train or not test:
        raise DataError("a leak audit needs rows to train on and rows to test on: one of the files is empty")
    seen = {row.events for row in train}
    exact = {(row.events, row.proposal): row.label for row in train}
    again = [row for row in test if (row.events, row.proposal) in exact]
    moments = {events for trace in benchmark for events in _prefixes(tuple(event.event for event in trace.events))}
    traces = sessions(row.events for row in test)
    return LeakAudit(
        train_rows=len(train),
        test_rows=len(test),
        test_rows_with_shared_moment=sum(row.events in seen for row in test),
        test_traces=len(traces),
        test_traces_shared=sum(any(prefix in seen for prefix in _prefixes(trace)) for trace in traces),
        test_rows_exact=len(again),
        conflicting_duplicates=sum(exact[row.events, row.proposal] != row.label for row in again),
        lookup_by_sibling=_lookup(train, test, siblings=True),
        lookup_by_need=_lookup(train, test, siblings=False),
        majority_label=max(sum(row.label for row in test), sum(not row.label for row in test)) / len(test),
        benchmark_moments=len(moments),
        benchmark_moments_in_train=len(moments & seen),
        train_rows_on_benchmark=sum(row.events in moments for row in train),
        test_rows_on_benchmark=sum(row.events in moments for row in test),
    )


def _lookup(train: Sequence[TrainingRow], test: Sequence[TrainingRow], *, siblings: bool) -> LookupScore | None:
    """Silence: right iff no help was needed at the same moment of the training data. Proposal: accepted iff a sibling
    was, or (not `siblings`) iff help was needed. Where the data has no need label, an accepted sibling is need."""
    accepted: dict[Texts, bool] = {}
    need: dict[Texts, bool] = {}
    for row in train:
        if row.proposal is not None:
            accepted[row.events] = accepted.get(row.events, False) or row.label
        if row.need is not None:
            need[row.events] = row.need
    need = accepted | need
    told = need if not siblings else need | accepted
    known = [row for row in test if row.events in need]
    if not known:
        return None
    correct = sum((not need[row.events] if row.proposal is None else told[row.events]) == row.label for row in known)
    return LookupScore(rows=len(known), correct=correct)


def _prefixes(events: Texts) -> Iterable[Texts]:
    return (events[:length] for length in range(1, len(events) + 1))


def released_rows(items: Iterable[LabelledItem], file: str) -> list[TrainingRow]:
    """The release's rows of one file (`train` or `test`)."""
    return [
        TrainingRow(tuple(event.event for event in item.events), item.pred_task, item.valid, item.help_needed)
        for item in items
        if item.file == file
    ]


def read_training(source: str) -> list[TrainingRow]:
    """Rows of judge-training data: `release:train` or `release:test`, a JSONL file of rows or of traces with people's
    labels, or such traces at `hf:ORG/NAME`. Raises `DataError`, and `UsageError` for a name that is none of these."""
    if source in ("release:train", "release:test"):
        return released_rows(labelled_items(), source.partition(":")[2])
    path = Path(source).expanduser()
    if source.startswith("hf:") or (path.is_file() and _of_traces(path)):
        return rows_of(own_labels(load_task(source), source))
    return read_rows(path)


def rows_of(labels: LabelSet) -> list[TrainingRow]:
    """People's labels as judge-training data: what most said, and the need by the rule that leads."""
    rule = labels.rules[0]
    return [
        TrainingRow(
            tuple(event.event for event in item.row.events),
            item.row.pred_task,
            item.category(rule).accepted,
            item.labels.needs(rule),
        )
        for item in labels.items
        if item.applies(rule)
    ]


def _of_traces(path: Path) -> bool:
    """Whether a file's rows are traces."""
    kind = recognised(read_bytes(path, _WANTED), path.name)
    return kind is not None and kind.name == TRACES


def read_rows(path: Path) -> list[TrainingRow]:
    """Rows of a JSONL file in the release's form: `obs` (events with `event`), `pred_task`, `valid`, and `help_needed`
    where known. Raises DataError naming the line."""
    content = read_bytes(path, _WANTED)
    rows: list[TrainingRow] = []
    try:
        for _, row in read_lines(content, _row):
            rows.append(row)
    except BadLine as error:
        told = DataError(
            f"{path}:{error.number}: not a row of judge-training data ({error}): it needs obs, pred_task, valid"
        )
        raise (not rows and foreign(path, content, _WANTED, own="a file of judge-training rows")) or told from None
    if not rows:
        raise DataError(f"{path} holds no row: give {_WANTED}")
    return rows


def _row(line: str) -> TrainingRow:
    """A row from its text. Raises `ValueError`."""
    row: Mapping[str, Any] = load_json(line)
    try:
        events = tuple(seen["event"] for seen in row["obs"])
        proposal, label, need = row["pred_task"], row["valid"], row.get("help_needed")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(repr(error)) from None
    typed = isinstance(label, bool) and isinstance(need, bool | None) and isinstance(proposal, str | None)
    if not typed or not events or not all(isinstance(text, str) for text in events):
        raise ValueError("obs must hold events with text, pred_task text or null, valid true or false")
    return TrainingRow(events, proposal, label, need)
