"""From runs or traces to an annotation job: which moments people are asked about, of whom and how often."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from proactivebench.annotation.choosing import from_runs, from_traces
from proactivebench.annotation.forecast import Forecast
from proactivebench.annotation.job import JobFolder
from proactivebench.annotation.order import showings
from proactivebench.annotation.practice import own_practice, practice_items, read_practice
from proactivebench.annotation.runs import read_runs
from proactivebench.errors import BadArgument, UsageError, WrongFile
from proactivebench.files import no_run, read_text
from proactivebench.records import Job, Plan, Task
from proactivebench.store import refuse_full
from proactivebench.traces import given_task

PER_STRATUM = 40  # 30 are needed, and of some people will be unsure
LANGUAGES = ("en", "zh")
_LANGUAGE = re.compile(r"\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?)\.[^.]+$")
_INSTRUCTIONS = "a Markdown file of instructions, NAME.md or, in another language, NAME.zh.md"
_TEXTS = (".md", ".markdown", ".txt")
_LONGEST = 100_000  # characters of instructions


@dataclass(frozen=True, slots=True)
class Prepared:
    """A new job, `notes` on what whoever made it should know, and what each run's labels will buy."""

    folder: JobFolder
    notes: tuple[str, ...] = ()
    forecasts: tuple[Forecast, ...] = ()

    def workloads(self, most: int = 30) -> list[list[int]]:
        """For each of the planned annotators, or the first so many, how many offers each item has that they are shown,
        practice and repeats included."""
        job, items = self.folder.job, list(self.folder.items.values())
        slots = range(min(most, job.plan.annotators))
        return [[len(one.offers) for one in showings(job, items, slot)] for slot in slots]


def effort(offers: int) -> float:
    """What an item with so many offers takes, in times of one that has one or none: half of it for each further one."""
    return 1 + max(0, offers - 1) / 2


def plan_of(annotators: int = 3, overlap: int | None = None, repeats: float = 0.1) -> Plan:
    """Who is asked how often: each item of `overlap` people (default: three, or all where there are fewer), a share of
    `repeats` of each one's items twice. Raises `BadArgument` for more votes an item than people."""
    if overlap is not None and overlap > annotators:
        raise BadArgument(
            f"{overlap} votes an item of {annotators} annotators: --overlap takes 1 to {annotators}, or give more "
            "--annotators"
        )
    return Plan(annotators=annotators, overlap=overlap or min(3, annotators), repeats=repeats)


def prepare(
    source: Task | str | Path | Sequence[str | Path],
    output_path: str | Path,
    *,
    per_stratum: int | None = None,
    candidates: int = 0,
    candidates_from: Sequence[str | Path] = (),
    limit: int | None = None,
    per_trace: int | None = None,
    tasks: str | None = None,
    judge: str | None = None,
    correlation: float | None = None,
    plan: Plan | None = None,
    practice: str | Path | None = None,
    instructions: Sequence[str | Path] = (),
    seed: int = 0,
    sealed: bool = False,
) -> Prepared:
    """Make an annotation job from runs, whose answers are sampled, or from traces, where need is asked everywhere.

    Args:
        source: Folders of runs on the same data; or data: a `Task`, or what `--tasks` takes.
        output_path: The job's folder, new or empty.
        per_stratum: Of runs: how many offers, and how many silences, are drawn of each. Default: 40.
        candidates: Of data: how many of the offers that runs made at a moment people vote on, the most central ones.
        candidates_from: The folders of these runs.
        limit: Of data: the first so many traces.
        per_trace: Of data: so many moments of each trace, drawn at random.
        tasks: Of runs: where their data is now, should it have moved.
        judge: Of runs: by whose verdicts the forecast goes, id or name. Default: the first that judged them.
        correlation: Of its verdicts with people's, for the forecast. Default: by its measured errors.
        plan: Who is asked how often (`plan_of`).
        practice: JSON Lines of practice sessions in place of the package's own; "none" for none.
        instructions: Markdown files in place of the package's own: NAME.md, NAME.zh.md, …
        seed: Reproduces every draw and order.
        sealed: Whether the labels stay with whoever collects them.

    Returns:
        The job with notes and forecasts.

    Raises:
        UsageError: What cannot be: no run, runs on other data, too few traces, a folder that holds something.
        InvalidRun: A run that is incomplete or spoilt.
        DataError: What cannot be read.
        CannotWrite: The folder cannot be written.
    """
    plan = plan or plan_of()
    refuse_full(Path(output_path))
    texts = read_instructions(instructions)
    sessions = None if practice is None or str(practice) == "none" else read_practice(Path(practice))
    paths = _runs(source)
    if paths:
        _refuse(
            "runs, whose answers are sampled",
            {"--candidates": candidates, "--from": candidates_from, "--limit": limit, "--per_trace": per_trace},
        )
        asked = from_runs(read_runs(paths, tasks), per_stratum or PER_STRATUM, seed, judge, correlation)
    else:
        _refuse(
            "data, of which no run is scored",
            {
                "--per_stratum": per_stratum,
                "--judge": judge,
                "--judge_correlation": correlation,
                "--tasks": tasks,
            },
        )
        task = source if isinstance(source, Task) else _data(_one(source))
        asked = from_traces(task, candidates, candidates_from, limit, per_trace, seed)
    if practice is None:
        sessions = own_practice(asked.task.traces)
    needed = {item.trace_id for item in asked.items}
    shown = [trace for trace in asked.task.traces if trace.trace_id in needed]
    taught, lessons = practice_items(
        sessions or (), (trace.trace_id for trace in asked.task.traces), random.Random(f"{seed}:practice")
    )
    job = Job(
        name=Path(output_path).resolve().name,
        made=datetime.now(UTC),
        seed=seed,
        drawn_from=asked.drawn_from,
        task=asked.task.name,
        data_hash=asked.task.data_hash,
        licence=asked.task.licence,
        runs=asked.runs,
        drawn=asked.drawn,
        plan=plan,
        sealed=sealed,
    )
    traces = (trace.model_copy(update={"labels": None}) for trace in (*taught, *shown))
    folder = JobFolder.create(output_path, job, traces, (*lessons, *asked.items), asked.sources, texts)
    return Prepared(folder, asked.notes, asked.forecasts)


def _runs(source: Task | str | Path | Sequence[str | Path]) -> list[str | Path]:
    """The run folders that were given; none where it is data. Raises `WrongFile` and `BadArgument`."""
    if isinstance(source, Task):
        return []
    given = [source] if isinstance(source, str | Path) else list(source)
    if not given:
        raise BadArgument("nothing is given: name runs, or data as for --tasks")
    runs = [one for one in given if (Path(one) / "manifest.json").is_file()]
    others = [one for one in given if one not in runs]
    if len(given) > 1 and others:
        raise no_run(Path(others[0]))
    return runs


def _data(word: str | Path) -> Task:
    """The data that a word names. Raises `WrongFile` where it rather is a run's folder, or would be if spelt right."""
    try:
        return given_task(str(word))
    except UsageError:
        path = Path(word)
        if path.is_dir() or (not path.exists() and "did you mean" in str(no_run(path))):
            raise no_run(path) from None
        raise


def _one(source: str | Path | Sequence[str | Path]) -> str | Path:
    return source if isinstance(source, str | Path) else source[0]


def _refuse(whose: str, options: Mapping[str, object]) -> None:
    """Raise `BadArgument` for an option that says nothing here."""
    for option, value in options.items():
        if value not in (None, 0, (), []):
            raise BadArgument(f"{option} does not go with {whose}: leave it")


def read_instructions(given: Sequence[str | Path] = ()) -> dict[str, str]:
    """What annotators read, by language: the package's own text unless files are given. Raises `WrongFile` and
    `BadArgument`."""
    if not given:
        texts = files("proactivebench.annotation") / "texts"
        names = {language: f"instructions{'' if language == 'en' else f'.{language}'}.md" for language in LANGUAGES}
        return {language: (texts / name).read_text(encoding="utf-8") for language, name in names.items()}
    found: dict[str, str] = {}
    for path in map(Path, given):
        said = _LANGUAGE.search(path.name)
        language = said[1] if said else "en"
        if language in found:
            raise BadArgument(f"{path}: a second text of instructions in {language}: name it NAME.LANGUAGE.md")
        if path.suffix.lower() not in _TEXTS:
            raise WrongFile(f"{path} is not named as Markdown: give {_INSTRUCTIONS}")
        text = read_text(path, _INSTRUCTIONS)
        if not text.strip() or len(text) > _LONGEST:
            why = "holds nothing" if not text.strip() else f"has more than {_LONGEST:,} characters"
            raise WrongFile(f"{path} {why}: give {_INSTRUCTIONS}")
        found[language] = text
    return found if "en" in found else {"en": next(iter(found.values())), **found}
