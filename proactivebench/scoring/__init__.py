"""From verdicts to numbers: confusion, metrics, intervals, comparison, judge correction."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proactivebench.scoring.report import build_report

__all__ = ["build_report"]


def __getattr__(name: str) -> Any:
    """Load the report's builder when it is asked for: a metric of one's own is declared without it."""
    if name not in __all__:
        raise AttributeError(f"module 'proactivebench.scoring' has no attribute '{name}'")
    from proactivebench.scoring.report import build_report

    return build_report
