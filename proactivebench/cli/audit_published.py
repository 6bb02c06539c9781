"""`proactivebench audit-published`: what printed scores can mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proactivebench.cli import options
from proactivebench.cli.parameters import PATH
from proactivebench.cli.terminal import print_json
from proactivebench.errors import CheckFailed

if TYPE_CHECKING:
    from proactivebench.validation.published import Fit, RowAudit

_FEW = 3


@click.command("audit-published")
@click.argument("file", type=PATH, help="CSV or YAML: name, moments, figures.")
@options.as_json
def audit_published(file: Path, as_json: bool) -> None:
    """Every confusion matrix that gives the figures of a published table.

    Columns: name, moments, and any of recall, precision, f1, accuracy,
    false_discovery_rate, as percentages or fractions, with the digits printed.
    Says of each row what its figures imply: how often the agent kept silent,
    the share of moments right for an offer, and what an agent that always
    offers would score there. Exit 1 where no matrix gives a row's figures.

    Example: proactivebench audit-published table.csv
    """
    from proactivebench.validation.published import read_table

    audits = read_table(file)
    if as_json:
        print_json([audit.model_dump(mode="json") for audit in audits])
    else:
        print("\n\n".join("\n".join(_lines(audit)) for audit in audits))
    impossible = [audit.name for audit in audits if not audit.possible]
    if impossible:
        raise CheckFailed(
            f"no confusion matrix gives the figures of {', '.join(impossible[:_FEW])}"
            f"{f' and {len(impossible) - _FEW} more' if len(impossible) > _FEW else ''}: "
            "neither rounded nor truncated; check the number of moments"
        )


def _lines(audit: RowAudit) -> Iterator[str]:
    from proactivebench.cli.terminal import safe

    figures = ", ".join(f"{key} {safe(text)}" for key, text in audit.figures.items())
    yield f"{safe(audit.name)}: {audit.moments} moments, {figures}"
    for fit in audit.fits:
        yield from _fit_lines(fit, audit.moments)


def _fit_lines(fit: Fit, moments: int) -> Iterator[str]:
    if not fit.count or fit.prevalence is None or fit.silences is None:
        yield f"  {fit.convention.value}: no matrix gives these figures"
        return
    shown = "; ".join(f"TP {m.tp} FP {m.fp} TN {m.tn} FN {m.fn}" for m in fit.matrices[:_FEW])
    more = f"; {fit.count - _FEW:,} more" if fit.count > _FEW else ""
    yield f"  {fit.convention.value}: {fit.count:,} matri{'x' if fit.count == 1 else 'ces'} ({shown}{more})"
    if fit.always_f1 and fit.beyond_always:
        yield (
            f"    silent at {_ends(*fit.silences)} of {moments} moments; an offer was right at "
            f"{_ends(*fit.prevalence, style='.1%')}"
        )
        yield f"    always offering has F1 {_ends(*fit.always_f1, style='.3f')}: {_beyond(*fit.beyond_always)}"


def _beyond(low: float, high: float) -> str:
    if high <= 0:
        return f"this row is {_ends(-high, -low, style='.3f')} below it"
    if low >= 0:
        return f"this row is {_ends(low, high, style='.3f')} above it"
    return f"this row is between {-low:.3f} below and {high:.3f} above it"


def _ends(low: float, high: float, style: str = "d") -> str:
    first, last = format(low, style), format(high, style)
    return first if first == last else f"{first} to {last}"
