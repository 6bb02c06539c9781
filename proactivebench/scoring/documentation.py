"""The metric table of docs/metrics.md, from the registry: `python -m proactivebench.scoring.documentation FILE`."""

from __future__ import annotations

import sys
from math import inf
from pathlib import Path

from proactivebench.scoring.metric import Interval, Metric, Need
from proactivebench.scoring.registry import METRICS

BEGIN, END = "<!-- metrics: written by proactivebench.scoring.documentation -->", "<!-- /metrics -->"
_LETTERS = {Need.PRICES: "U", Need.CLOCK: "U"}  # usage, to whoever reads the table
_ARROWS = {"up": "↑", "down": "↓", "": ""}


def metric_table() -> str:
    """Every metric of the registry as a Markdown table."""
    head = "| key | formula | range | better | undefined when | needs | interval | source | table | gate | lm-eval |"
    return "\n".join([head, "|---" * 11 + "|", *(_row(metric) for metric in METRICS.values())])


def with_table(text: str) -> str:
    """`text` with the table between its markers brought up to date. Raises `ValueError` without markers."""
    before, _, rest = text.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"no {BEGIN} … {END} in the text")
    return f"{before}{BEGIN}\n{metric_table()}\n{END}{after}"


def _row(metric: Metric) -> str:
    letters = {_LETTERS.get(need, need.value) for need in metric.needs}
    needs = " ".join(letter for letter in "OSLTU" if letter in letters) or "–"
    kind = "–" if metric.interval is Interval.NONE else metric.interval.value
    cells = (
        f"`{metric.key}`",
        metric.formula,
        f"{_end(metric.low)}…{_end(metric.high)}",
        _ARROWS[metric.better],
        metric.undefined,
        needs,
        kind,
        metric.source,
        metric.table.value,
        metric.gated,
        metric.columns.value or "–",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _end(value: float) -> str:
    return "∞" if value == inf else "−∞" if value == -inf else f"{value:g}".replace("-", "−")


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_table(file.read_text(encoding="utf-8")), encoding="utf-8")
