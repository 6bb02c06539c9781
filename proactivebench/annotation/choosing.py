"""Which moments and offers people are asked about: a sample of runs' answers, or all of the data's moments."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from proactivebench.annotation.candidates import Likeness
from proactivebench.annotation.forecast import Forecast, forecast
from proactivebench.annotation.pooling import Place, Stratum, alike, made_items, pooled
from proactivebench.annotation.runs import Answered, check_sampled, read_runs
from proactivebench.annotation.sampling import Sample
from proactivebench.errors import BadArgument
from proactivebench.records import AnnotationItem, Drawn, DrawnFrom, ItemSource, ItemStratum, JobRun, Task, digest
from proactivebench.scoring.intervals import FEWEST_TRACES


class Asked(NamedTuple):
    """What people are asked, before practice: and where it is from."""

    drawn_from: DrawnFrom
    task: Task
    items: list[AnnotationItem]
    sources: list[ItemSource]
    runs: tuple[JobRun, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    notes: tuple[str, ...] = ()
    forecasts: tuple[Forecast, ...] = ()


def from_runs(
    runs: Sequence[Answered], per_stratum: int, seed: int, judge: str | None, correlation: float | None
) -> Asked:
    """Simple random samples of each run's offers and silences, pooled. Arguments and errors are those of `prepare`."""
    for run in runs:
        check_sampled(run)
    strata: dict[tuple[str, ItemStratum], Stratum] = {}
    notes: list[str] = []
    for run in runs:
        found = _strata(run, per_stratum, seed, notes)
        strata |= {(run.run.name, name): stratum for name, stratum in found.items()}
    task = runs[0].task
    items, sources = pooled(runs, strata, task.traces, _of_this_job(seed, task, runs))
    drawn = tuple(
        Drawn(run=run, stratum=name, size=one.sample.size, drawn=one.sample.drawn, probability=one.sample.probability)
        for (run, name), one in strata.items()
    )
    settled: dict[tuple[str, ItemStratum], list[float]] = defaultdict(list)
    for source in sources:
        settled[source.run, source.stratum].append(source.probability)
    forecasts = tuple(
        forecast(run, {name: settled[run.run.name, name] for name in ItemStratum}, judge, correlation) for run in runs
    )
    notes += [
        f"nobody has judged {run.run.path} yet: do so (`proactivebench judge`) before its score is corrected by labels"
        for run in runs
        if not run.store.judges
    ]
    notes += [f"{one.run} gets no corrected F1: {'; '.join(one.lacking)}" for one in forecasts if one.lacking]
    return Asked(DrawnFrom.RUNS, task, items, sources, tuple(run.run for run in runs), drawn, tuple(notes), forecasts)


def _of_this_job(seed: int, task: Task, runs: Sequence[Answered]) -> random.Random:
    """Whence ids and orders come: of another job with the same seed others, so that no vote fits both."""
    return random.Random(digest([seed, task.data_hash, *(run.run.manifest for run in runs)]))


def _strata(run: Answered, per_stratum: int, seed: int, notes: list[str]) -> Mapping[ItemStratum, Stratum]:
    """The samples of a run's offers and silences; `notes` gets what is to be said of them. Raises `BadArgument` where
    offers, or everything, cannot be sampled in four traces."""
    path = run.run.path
    found = {}
    for name in ItemStratum:
        answers = [said for said in run.said if said.stratum is name]
        where = len({said.trace_id for said in answers})
        if not answers:
            notes.append(f"{path} has no {name}: there are none to label")
            continue
        if where < FEWEST_TRACES:
            _refuse_few(run, name, where)
            notes.append(f"{path} has {name} in {where} traces only, of {FEWEST_TRACES} needed: they are left out")
            continue
        try:
            sample = Sample(
                [said.trace_id for said in answers], per_stratum, random.Random(f"{seed}:{run.run.name}:{name}")
            )
        except ValueError as error:
            raise BadArgument(f"{path}, {name}: {error}: give a larger --per_stratum") from None
        found[name] = Stratum(answers, sample)
        if sample.size <= per_stratum:
            notes.append(f"{path} has {sample.size} {name}: all of them are taken")
    if not found:
        raise BadArgument(f"{path} has nothing that could be sampled in {FEWEST_TRACES} traces: give a run on more")
    if unclean := run.unclean:
        notes.append(
            f"{path}: {unclean} of the silences are replies in no usable form: the user saw nothing, so they are drawn "
            "as silences"
        )
    return found


def _refuse_few(run: Answered, name: ItemStratum, where: int) -> None:
    if name is ItemStratum.OFFERS:
        task = run.manifest.task
        raise BadArgument(
            f"{run.run.path} has offers in {where} traces, and of fewer than {FEWEST_TRACES} no corrected score can "
            f"come: give a run on more traces, or have its offers voted on without one, by `annotate prepare "
            f"{task.spec or task.name} --candidates 1 --from {run.run.path}`"
        )


def from_traces(
    task: Task,
    candidates: int,
    candidates_from: Sequence[str | Path],
    limit: int | None,
    per_trace: int | None,
    seed: int,
) -> Asked:
    """Need at every moment of the traces, and the most central offers of runs. Arguments and errors are those of
    `prepare`."""
    if bool(candidates) != bool(candidates_from):
        missing = "--from RUN, whose offers they are" if candidates else "--candidates, how many offers a moment"
        raise BadArgument(f"--candidates and --from go together: give {missing}")
    rng = random.Random(f"{seed}:moments")
    asked: dict[Place, dict[str, str]] = {}
    for trace in task.traces[:limit]:
        turns = range(len(trace.events))
        chosen = turns if per_trace is None or per_trace >= len(turns) else sorted(rng.sample(turns, per_trace))
        asked |= {(trace.trace_id, turn): {} for turn in chosen}
    runs = read_runs(candidates_from, data=task) if candidates else []
    for place, texts in _central(runs, asked, candidates).items():
        asked[place] = {alike(text): text for text in texts}
    items = made_items(asked, task.traces, _of_this_job(seed, task, runs))
    return Asked(
        DrawnFrom.TRACES,
        task,
        items,
        _of_candidates(items, runs),
        tuple(run.run for run in runs),
        notes=_thin(asked, candidates) if candidates else (),
    )


def _central(runs: Iterable[Answered], asked: Mapping[Place, object], most: int) -> dict[Place, list[str]]:
    """The most central of the different offers that runs made at each moment."""
    made: dict[Place, dict[str, str]] = defaultdict(dict)
    for run in runs:
        for said in run.said:
            if said.text is not None and (said.trace_id, said.turn) in asked:
                made[said.trace_id, said.turn].setdefault(alike(said.text), said.text)
    likeness = Likeness(text for texts in made.values() for text in texts.values())
    return {place: likeness.central(sorted(texts.values()), most) for place, texts in made.items()}


def _of_candidates(items: Iterable[AnnotationItem], runs: Iterable[Answered]) -> list[ItemSource]:
    """Whose offers the candidates are. They were chosen, not drawn: certain, and random of nothing."""
    ids = {
        (item.trace_id, item.turn, alike(offer.text)): (item.item_id, offer.offer_id)
        for item in items
        for offer in item.offers
    }
    return [
        ItemSource(
            item_id=found[0],
            offer_id=found[1],
            run=run.run.name,
            repeat=said.repeat,
            round=said.round,
            candidate=said.candidate,
            probability=1,
        )
        for run in runs
        for said in run.said
        if said.text is not None and (found := ids.get((said.trace_id, said.turn, alike(said.text))))
    ]


def _thin(asked: Mapping[Place, Mapping[str, str]], candidates: int) -> tuple[str, ...]:
    fewer = sum(len(texts) < candidates for texts in asked.values())
    return (f"at {fewer:,} of {len(asked):,} moments the runs made fewer than {candidates} offers",) if fewer else ()
