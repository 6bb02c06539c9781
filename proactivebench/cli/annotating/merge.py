"""`proactivebench annotate merge`: votes become labels, of traces or of a run's answers."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from proactivebench.cli.annotating.serve import JOB
from proactivebench.cli.parameters import PATH, option

if TYPE_CHECKING:
    from proactivebench.annotation.merging import Merged


@click.command()
@click.argument("job", type=PATH, help=JOB)
@option("--output_path", type=PATH, required=True, help="traces.jsonl or labels.jsonl.")
@option("--form", metavar="traces|labels", help="What to write. [default: by the file's name]")
@option("--run", metavar="RUN", help="Whose labels: r1, … or the run's folder.")
def merge(job: Path, output_path: Path, form: str | None, run: str | None) -> None:
    """Let the votes count: as labels of the traces, for `run --tasks`, or of
    one run's answers, for `score --human_labels`.

    Unsure is no vote; practice and second showings never count. An earlier
    merge in the same place gives way.

    Example: proactivebench annotate merge job --output_path labels.jsonl
    """
    from proactivebench.annotation.job import JobFolder
    from proactivebench.annotation.merging import Form, form_of, labelled_traces, run_labels, run_of, write_merged
    from proactivebench.cli.terminal import safe
    from proactivebench.errors import BadArgument

    folder = JobFolder(job)
    sealed = folder.job.sealed
    if form is not None and form not in list(Form):
        raise BadArgument(f"--form takes traces or labels, not {form!r}")
    wanted = Form(form) if form else form_of(output_path)
    if run and wanted is Form.TRACES:
        raise BadArgument(
            "--run names whose answers are labelled, and traces are of no run: leave it, or ask for labels"
        )
    found = labelled_traces(folder) if wanted is Form.TRACES else run_labels(folder, run_of(folder, run))
    written = write_merged(folder, found, wanted, output_path)
    for line in _traces(found, written) if wanted is Form.TRACES else _labels(found, written):
        print(safe(line))
    if sealed:
        print(
            f"this job is sealed: its labels go to the maintainers only ({written} is readable by you alone)",
            file=sys.stderr,
        )


def _from(found: Merged) -> str:
    people = f"{found.people} {'person' if found.people == 1 else 'people'}"
    return f"{people}, {found.offer_votes:,} votes on offers and {found.need_votes:,} answers on need"


def _traces(found: Merged, written: Path) -> list[str]:
    from proactivebench.records import NeedRule, Trace

    traces = [one for one in found.records if isinstance(one, Trace)]
    labels = [label for trace in traces for label in trace.labels or () if label]
    moments = sum(len(trace.events) for trace in traces)
    lines = [f"{written}: {len(labels):,} of {moments:,} moments of {len(traces):,} traces labelled; {_from(found)}"]
    for rule in NeedRule:
        said = [need for label in labels if (need := label.needs(rule)) is not None]
        if said:
            lines.append(f"help needed ({rule}): {sum(said):,} of {len(said):,} moments")
    judge = " --judge labels"
    if len(labels) < moments:
        lines.append("moments without a label stay so: the judge `labels` decides where there are labels throughout")
        judge = ""
    return [*lines, f"next: proactivebench run --model always --tasks {quote(str(written))}{judge}"]


def _labels(found: Merged, written: Path) -> list[str]:
    from proactivebench.records import SILENCE, HumanLabel

    assert found.run is not None  # noqa: S101 - labels are of a run
    labels = [one for one in found.records if isinstance(one, HumanLabel)]
    answers = {(one.trace_id, one.turn, one.repeat, one.round, one.candidate) for one in labels}
    silences = sum(answer[-1] == SILENCE for answer in answers)
    drawn = all(one.random and one.blind for one in labels)
    how = "drawn at random and decided blind" if drawn else "not drawn at random"
    return [
        f"{written}: {len(labels):,} labels of {len(answers) - silences:,} offers and {silences:,} silences of "
        f"{found.run.name} ({found.run.agent}), {how}; {_from(found)}",
        f"next: proactivebench score {quote(found.run.path)} --human_labels {quote(str(written))}"
        if drawn
        else "they correct no score; merged into traces (--form traces) they label the data",
    ]
