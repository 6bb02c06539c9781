"""The paper's five figures as the paper prints them, beside the published rows."""

from __future__ import annotations

from collections.abc import Iterator

from proactivebench.board.site.published import PublishedTable, published
from proactivebench.cli.terminal import safe
from proactivebench.presets import PAPER
from proactivebench.records import JudgeReport, MeasurementStatus, MetricValue, Report

_NAME = 24
_CELLS = (10, 11, 11, 13, 10)
_SOURCES = {"released": "its released files, the same 227 moments", "paper": "its main table, judged in another run"}
_RELEASED_TEMPERATURE = 0.5


def paper_judge(report: Report) -> JudgeReport | None:
    """The report's judge that is the paper's, if there is one: of several the one that proved its weights."""
    named = [judged for judged in report.judges if judged.judge.name == PAPER.judge]
    return min(named, key=lambda judged: judged.measurement.status is not MeasurementStatus.PAPER, default=None)


def paper_lines(report: Report, *, rows: bool = True, judge: str | None = None) -> Iterator[str]:
    """The figures of a run in the paper's order and words, in per cent with 95 % intervals, under the judge of that id
    (None: the paper's); with `rows` the published ones below, as reported; then how those were made otherwise."""
    judged = next((found for found in report.judges if found.judge.id == judge), None) or paper_judge(report)
    if judged is None:
        yield f"the paper's measure needs its judge: proactivebench judge RUN --judge {PAPER.judge} --judge_model …"
        return
    yield f"The paper's measure ({judged.overall.moments} moments), per cent with 95 % intervals"
    yield _row("", [title for _, title in PAPER.metrics])
    figures = [judged.overall.metrics[key] for key, _ in PAPER.metrics]
    yield _row(report.agent.name, [percent(found.value) for found in figures])
    yield _row("", [_interval(found) for found in figures])
    for found, (_, title) in zip(figures, PAPER.metrics, strict=True):
        if found.value is None:
            yield f"  {title}: {found.reason}"
    if rows:
        for table in published().tables:
            if table.id in _SOURCES:
                yield ""
                yield f"As reported by {_SOURCES[table.id]}:"
                yield from _published_rows(table)
    yield ""
    yield f"Deviations: {'; '.join(deviations(report, judged))}."


def deviations(report: Report, judged: JudgeReport) -> Iterator[str]:
    """How this run differs from the one behind the published figures."""
    yield "failed turns count as silences (there they left the count)"
    temperature = report.decoding.temperature if report.decoding else None
    if temperature is None:
        yield "how the answers were decoded is not known"
    elif temperature == _RELEASED_TEMPERATURE:
        yield f"temperature {temperature:g} as the released script ran, against the paper's 0"
    else:
        yield f"temperature {temperature:g} where the released script ran {_RELEASED_TEMPERATURE:g}"
    yield "unscored is not a rejection" + (f" ({judged.unscored})" if judged.unscored_share else "")
    if judged.overall.moments != 227 * report.repeats and report.task.name != PAPER.tasks:
        yield f"{report.task.name} has {judged.overall.moments} moments where most published rows have 227"
    if report.protocol.candidates > 1 or report.protocol.feedback_rounds:
        yield (
            f"{report.protocol.candidates} candidates and {report.protocol.feedback_rounds} feedback rounds: "
            "compare with the paper's Table 4"
        )


def _published_rows(table: PublishedTable) -> Iterator[str]:
    for row in sorted(table.rows, key=lambda row: -row.f1):
        counts = row.confusion["all"]
        offers, right = counts.tp + counts.fp, counts.tp + counts.tn
        shares = (
            counts.tp / (counts.tp + counts.fn) if counts.tp + counts.fn else None,
            counts.tp / offers if offers else None,
            right / counts.moments,
            counts.fp / offers if offers else None,
            counts.f1,
        )
        yield _row(row.model, [percent(share) for share in shares])


def _row(name: str, cells: list[str]) -> str:
    shown = safe(name)
    head = shown if len(shown) <= _NAME else shown[: _NAME - 1] + "…"
    return (head.ljust(_NAME) + "".join(cell.rjust(width) for cell, width in zip(cells, _CELLS, strict=True))).rstrip()


def percent(value: float | None) -> str:
    """A share as the paper's tables show it; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.2f}"


def _interval(found: MetricValue) -> str:
    if found.interval is None:
        return "–"
    low, high = (100 * end for end in found.interval)
    return f"{low:.1f}–{high:.1f}"
