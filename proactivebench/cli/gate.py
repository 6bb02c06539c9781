"""`proactivebench gate`: one verdict for a pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH, Words, option, switch
from proactivebench.errors import CannotWrite, CheckFailed, ProactiveBenchError
from proactivebench.records import GatedMetric, GateRule, Report


@click.command()
@click.argument("baseline", type=PATH, help="The run to hold up: a directory or report.json.")
@click.argument("candidate", type=PATH, help="The run that may not be worse.")
@option(
    "--metric",
    multiple=True,
    metavar="KEY[=DROP]",
    help="What may not drop, and by how much; repeatable [need detection where people labelled need, else f1].",
)
@option("--max_drop", metavar="DROP", help="0.05 or 10%: where --metric says none.  [default: 0.05]")
@option("--preset", help="paper: its figures, under its judge; F1 by default.")
@option("--rule", type=Words(GateRule), default=GateRule.SIGNIFICANT.value, help="When a larger drop fails.")
@switch("--exact", help="Nothing may change (frozen replies).")
@options.which_judge
@options.which_split
@switch("--allow_conditions", help="Runs may differ in response format, decoding, history.")
@option("--junit", type=PATH, help="Write a JUnit XML file.")
@option("--markdown", type=PATH, help="Write Markdown for a comment.")
@switch("--json", "as_json", help="The verdict as JSON.")
def gate(
    baseline: Path,
    candidate: Path,
    metric: tuple[str, ...],
    max_drop: str | None,
    preset: str | None,
    rule: GateRule,
    exact: bool,
    judge: str | None,
    split: str | None,
    allow_conditions: bool,
    junit: Path | None,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Pass or fail CANDIDATE against BASELINE.

    Exit 0: passed; 1: regression; 2: unreadable or wrong usage; 3: a run is invalid or incomplete.

    In GitHub Actions it also writes the step summary and an annotation.

    DROP is in the metric's own unit, or a share of the baseline's value (10%).

    Example: proactivebench gate baseline.json runs/pr --metric f1=0.05
    """
    from proactivebench.cli import verdicts
    from proactivebench.cli.stored import load_report
    from proactivebench.judging.measurement import worth
    from proactivebench.presets import judge_of, preset_named
    from proactivebench.scoring.gate import gate as decide
    from proactivebench.scoring.registry import metric_key

    judge = judge_of(preset, judge)
    words = [each.partition("=") for each in metric]
    asked = (
        ["".join((metric_key(key), *drop)) for key, *drop in words] or (preset and preset_named(preset).metric) or None
    )
    summary, annotate = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_ACTIONS") == "true"
    try:
        before = load_report(baseline, as_written=exact)
        after = load_report(candidate)
        result = decide(
            before,
            after,
            asked,
            max_drop=max_drop,
            rule=rule,
            exact=exact,
            judge=judge,
            split=split,
            allow_conditions=allow_conditions,
        )
    except ProactiveBenchError as error:
        if junit:
            _write(
                junit,
                verdicts.junit_error(
                    f"{', '.join(metric) or asked or 'need detection'} against {baseline}", str(error)
                ),
            )
        if annotate:
            print(verdicts.annotation("error", "ProactiveBench gate could not decide", str(error)))
        if summary:
            _append(Path(summary), f"### ProactiveBench gate: no verdict\n\n{verdicts.escaped(str(error))}\n")
        raise
    judged = next((found for found in before.judges if found.judge.id == result.judge), None)
    if judged is not None and not judged.measurement.leads and not all(map(_judge_free, result.metrics)):
        said = worth(judged, str(candidate))[1:]
        result = result.model_copy(update={"warnings": (*result.warnings, *said)})
    if junit:
        _write(junit, verdicts.junit(result))
    if markdown:
        _write(markdown, verdicts.markdown(result))
    if summary:
        _append(Path(summary), verdicts.markdown(result))
    if as_json:
        print(result.model_dump_json(indent=2))
    else:
        print("\n".join((*_figures(preset, result.judge, before, after), *verdicts.lines(result))))
        if annotate:
            print("\n".join(verdicts.workflow_notes(result)))
    if not result.passed:
        raise CheckFailed(f"gate failed: {result.why}")


def _figures(preset: str | None, judge: str, *reports: Report) -> Iterator[str]:
    """The published figures of each report, where a preset asks for them."""
    if preset:
        from proactivebench.cli.paper import paper_lines

        for report in reports:
            yield from (*paper_lines(report, rows=False, judge=judge), "")


def _judge_free(found: GatedMetric) -> bool:
    from proactivebench.scoring.registry import metric_for

    return metric_for(found.metric).judge_free


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror}; give another path") from error


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CannotWrite(f"cannot write the step summary {path}: {error.strerror}") from error
