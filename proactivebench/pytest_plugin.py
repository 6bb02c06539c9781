"""pytest plugin: hold a run up against a baseline in a test suite.

    pytest --proactivebench-baseline=baseline/report.json

    def test_the_agent_did_not_get_worse(proactivebench_gate):
        proactivebench_gate("runs/candidate", metric=["f1=0.05", "needless_offer_rate=10%"])

Without the option such tests are skipped, so a suite runs anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from proactivebench.records import GateResult, Report

_OPTION = "--proactivebench-baseline"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    group = parser.getgroup("proactivebench")
    group.addoption(
        _OPTION,
        metavar="RUN",
        default=None,
        help="run directory or report.json that `proactivebench_gate` holds candidates up against",
    )


class Gate:
    """Calls the gate against the session's baseline; what it decided stands in `results`."""

    def __init__(self, baseline: Path) -> None:
        self.baseline = baseline
        self.results: list[GateResult] = []

    def __call__(
        self,
        candidate: str | Path | Report,
        metric: str | Sequence[str] | None = None,
        *,
        max_drop: float | str | None = None,
        rule: str = "significant",
        exact: bool = False,
        judge: str | None = None,
        split: str | None = None,
        allow_conditions: bool = False,
    ) -> GateResult:
        """Fail the test where `candidate` (a run directory, a report.json or a `Report`) is a regression in a `metric`
        (`KEY` or `KEY=DROP`; `max_drop`, .05 by default, is for those without), as `proactivebench gate` has it:
        without a metric in need detection where people labelled need, else in F1.

        Returns the verdict. Raises `ProactiveBenchError` where there can be none: unreadable, incomparable, incomplete
        or invalid runs, which pytest reports as errors of their own.
        """
        from proactivebench.cli.stored import load_report
        from proactivebench.cli.verdicts import lines
        from proactivebench.records import GateRule, Report
        from proactivebench.scoring.gate import gate

        result = gate(
            load_report(self.baseline, as_written=exact),
            candidate if isinstance(candidate, Report) else load_report(Path(candidate)),
            metric,
            max_drop=max_drop,
            rule=GateRule(rule),
            exact=exact,
            judge=judge,
            split=split,
            allow_conditions=allow_conditions,
        )
        self.results.append(result)
        text = "\n".join(lines(result))
        print(text)  # noqa: T201  # pytest shows it with the test
        if not result.passed:
            pytest.fail(text, pytrace=False)
        return result


@pytest.fixture
def proactivebench_gate(request: pytest.FixtureRequest) -> Gate:
    """The gate against the run of `--proactivebench-baseline`; skips the test where none is given."""
    baseline = request.config.getoption(_OPTION)
    if baseline is None:
        pytest.skip(f"no baseline to hold the run up against: give {_OPTION}=RUN")
    return Gate(Path(baseline))
