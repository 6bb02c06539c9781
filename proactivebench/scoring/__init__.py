"""From verdicts to numbers: confusion, metrics, intervals, comparison, judge correction."""

from proactivebench.scoring.report import build_report

__all__ = ["build_report"]
