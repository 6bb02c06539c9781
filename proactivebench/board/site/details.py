"""What stands behind a board's tables: the test of any two rows, moment by moment who spoke, judge against judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proactivebench.board.entry.form import TRIVIAL
from proactivebench.board.site.difficulty import DifficultyTable, Spoke, difficulty_tables
from proactivebench.board.site.judge_agreement import JudgeAgreement, judge_agreements
from proactivebench.board.site.pairs import Candidate, PairTable, pair_tables
from proactivebench.board.site.recomputing import Recomputed
from proactivebench.board.site.row import Row
from proactivebench.board.site.when import NO_FAMILY, When
from proactivebench.errors import ProactiveBenchError
from proactivebench.records import Task, TaskIdentity
from proactivebench.traces import load_task


@dataclass(frozen=True, slots=True)
class Details:
    """What a reader finds behind the tables of a board."""

    pairs: list[PairTable] = field(default_factory=list)
    moments: list[DifficultyTable] = field(default_factory=list)
    agreements: list[JudgeAgreement] = field(default_factory=list)

    def pairs_of(self, table: Row | When) -> PairTable | None:
        """The pairs that a table, or any row of it, belongs to."""
        wanted = table.task.data_hash, table.protocol.hash
        return next((each for each in self.pairs if (each.task.data_hash, each.protocol.hash) == wanted), None)


def details_of(entries: Sequence[Recomputed], groups: Iterable[Sequence[Row]], *, with_texts: bool = True) -> Details:
    """The details of a board's `entries`, whose judged rows are in `groups`. The family of tests is fixed here: all
    entries but the trivial agents, copies and what is not whole; by a judge's word only what the maintainers had
    decided again, under a judge that leads. Texts of events are left out unless `with_texts`."""
    rows: dict[str, list[Row]] = {}
    for row in (row for group in groups for row in group):
        rows.setdefault(row.key, []).append(row)
    family = [
        entry
        for entry in entries
        if entry.report.agent.model not in TRIVIAL
        and not any(word in NO_FAMILY for row in rows.get(entry.key, ()) for word, _ in row.badges)
    ]
    names = _names(family)
    tasks = _tasks(family)
    spoke: dict[str, list[Spoke]] = {}
    for entry in family:
        if entry.timing is not None:
            place = spoke.setdefault(entry.report.task.data_hash, [])
            place.append(Spoke(entry.key, names[entry.key], entry.timing))
    candidates = [
        Candidate(
            entry.key,
            names[entry.key],
            entry.report,
            entry.timing,
            frozenset(row.judge.id for row in rows.get(entry.key, ()) if row.measurement.leads and not row.reported),
        )
        for entry in family
    ]
    return Details(
        pairs=pair_tables(candidates, {data_hash: task for data_hash, (_, task) in tasks.items()}),
        moments=difficulty_tables(spoke, tasks, with_texts=with_texts),
        agreements=judge_agreements(
            (entry.report.task, {judged.judge.id: judged.judge for judged in entry.report.judges}, entry.together)
            for entry in entries
        ),
    )


def _tasks(entries: Iterable[Recomputed]) -> Mapping[str, tuple[TaskIdentity, Task]]:
    """The data of the entries, by hash, as far as it is at hand."""
    found: dict[str, tuple[TaskIdentity, Task]] = {}
    for entry in entries:
        identity = entry.report.task
        if identity.data_hash not in found:
            try:
                found[identity.data_hash] = identity, load_task(identity.name)
            except ProactiveBenchError:  # it was at hand when the entry was recomputed
                continue
    return found


def _names(entries: Sequence[Recomputed]) -> dict[str, str]:
    """What a reader calls each entry: its model, with its organisation or run where others share the name."""
    models = [entry.declared.model for entry in entries]
    whole = [f"{entry.declared.model} ({entry.declared.organisation})" for entry in entries]
    found = {}
    for entry, model, both in zip(entries, models, whole, strict=True):
        if models.count(model) == 1:
            found[entry.key] = model
        elif whole.count(both) == 1:
            found[entry.key] = both
        else:
            found[entry.key] = f"{both}, run {entry.key.rpartition('/')[2]}"
    return found
