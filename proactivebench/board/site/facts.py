"""What a table says of a model beside its figures: how large, how open, how dear, how fast, how it was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_type_hints

from proactivebench.agents import is_baseline
from proactivebench.board.entry.form import Declaration, Entry, Price
from proactivebench.records import Record, Reply, ReplyStatus, Report

PER = 1_000  # moments that a cost is given for
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|\Z)")
_SIZES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


class Facts(Record):
    """`parameters`, `open_weights`, `released` and `price_basis` are its makers' word. `date` (the day of its last
    session), `tokens` per moment, `latency_p50` and `latency_p95` (seconds of a moment) and `response_format` stand in
    the evidence of its run; `cost` is the tokens at the stated prices, in USD for a thousand moments. None = not said,
    or not known."""

    parameters: int | None = None
    open_weights: bool | None = None
    released: str | None = None
    date: str | None = None
    cost: float | None = None
    price_basis: str | None = None
    tokens: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    response_format: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: its text, a second line, and what it is sorted by (empty: last)."""

    text: str = ""
    more: str = ""
    sort: str = ""


def _plain(facts: Facts, key: str) -> Cell:
    value = getattr(facts, key)
    return Cell() if value is None else Cell(str(value), sort=str(value))


def _parameters(facts: Facts, _key: str) -> Cell:
    return Cell() if facts.parameters is None else Cell(_size(facts.parameters), sort=str(facts.parameters))


def _open_weights(facts: Facts, _key: str) -> Cell:
    said = {None: "", True: "yes", False: "no"}[facts.open_weights]
    return Cell(said, sort=said)


def _money(facts: Facts, _key: str) -> Cell:
    if facts.tokens is None:
        return Cell()
    used = f"{facts.tokens:,.0f} tokens"
    return Cell(used) if facts.cost is None else Cell(f"${_significant(facts.cost)}", used, repr(facts.cost))


def _seconds(facts: Facts, _key: str) -> Cell:
    if facts.latency_p50 is None:
        return Cell()
    slow = "" if facts.latency_p95 is None else f"{_significant(facts.latency_p95)} s"
    return Cell(f"{_significant(facts.latency_p50)} s", slow, repr(facts.latency_p50))


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column of facts: the field it shows, its title, what it says, how it sorts (`less` is better first), what
    stands in its cell, and on an entry's own page how its second line reads (`{}` is that line)."""

    key: str
    title: str
    says: str
    kind: Literal["number", "text"] = "number"
    less: bool = False
    cell: Callable[[Facts, str], Cell] = _plain
    more: str = ""


# A column is a field of `Facts`, how `facts_of` comes by it, and its line here; tables, pages and files follow.
FACT_COLUMNS = (
    FactColumn("parameters", "Parameters", "how many parameters the model has, by its makers' word", cell=_parameters),
    FactColumn(
        "open_weights",
        "Open weights",
        "whether anybody can have its weights, by its makers' word",
        "text",
        cell=_open_weights,
    ),
    FactColumn("released", "Released", "the day the model came out, by its makers' word", "text"),
    FactColumn("date", "Run on", "the day its answers were asked for", "text"),
    FactColumn(
        "cost",
        f"Cost of {PER:,} moments",
        f"USD for {PER:,} moments: the tokens of all attempts and rounds, from the evidence, at the prices its makers "
        "state; below, tokens for a moment",
        less=True,
        cell=_money,
        more="; {} a moment",
    ),
    FactColumn(
        "latency_p50",
        "Latency",
        "median seconds of a moment, all attempts and rounds, as the run measured it; below, the 95th percentile",
        less=True,
        cell=_seconds,
        more=" at the median; {} at the 95th percentile",
    ),
    FactColumn("response_format", "Response format", "the form of the answer that was asked of the server", "text"),
)


def facts_of(entry: Entry, report: Report, replies: Iterable[Reply]) -> Facts:
    """The facts of an entry: what it declares, and what its run shows."""
    from proactivebench.scoring.conditions import UNKNOWN, conditions_of, response_format  # loads numpy

    declared, conditions = entry.declared, conditions_of(report)
    moments = report.moments_answered
    spent = _spent(replies) if moments else None
    metrics = report.judges[0].overall.metrics if report.judges else {}
    seconds = {key: metrics[key].value for key in ("latency_p50", "latency_p95") if key in metrics}
    form = response_format(conditions)
    return Facts(
        parameters=declared.parameters,
        open_weights=declared.open_weights,
        released=declared.released.isoformat() if declared.released else None,
        date=_day(entry) if conditions.decoding is not None and conditions.generated else None,
        cost=PER * _cost(spent, declared.price) / moments if spent and declared.price else None,
        price_basis=_basis(declared),
        tokens=sum(spent) / moments if spent else None,
        response_format=form if conditions.generated and form != UNKNOWN else None,
        **({} if is_baseline(report.agent.model) else seconds),
    )


def fact_columns(rows: Iterable[Any]) -> tuple[FactColumn, ...]:
    """The columns of which some row (with `facts`) has anything to show."""
    shown = [row.facts for row in rows]
    return tuple(column for column in FACT_COLUMNS if any(fact_cell(facts, column).text for facts in shown))


def fact_cell(facts: Facts, column: FactColumn) -> Cell:
    """What a row shows in a column; an empty text where nothing is known."""
    return column.cell(facts, column.key)


def fact_fields() -> dict[str, type]:
    """The fields of facts with their types, for tables in files."""
    hints = get_type_hints(Facts)
    return {name: next(kind for kind in get_args(hints[name]) if kind is not NoneType) for name in Facts.model_fields}


def fact_lines(facts: Facts) -> list[tuple[str, str]]:
    """All that is known of a model, in words, for its page: (what, how much)."""
    found = []
    for column in FACT_COLUMNS:
        cell = fact_cell(facts, column)
        if cell.text:
            found.append((column.title, cell.text + (column.more.format(cell.more) if cell.more else "")))
    if facts.price_basis:
        found.append(("Price", facts.price_basis))
    return found


def _basis(declared: Declaration) -> str | None:
    price = declared.price
    if price is None:
        return declared.price_basis
    cached = "" if price.cached is None else f", {price.cached:g} from a cache"
    said = f"${price.prompt:g} and ${price.completion:g} per million tokens in and out{cached}"
    return f"{said}; {declared.price_basis}" if declared.price_basis else said


def _spent(replies: Iterable[Reply]) -> tuple[int, int, int] | None:
    """Prompt tokens not from a cache, those from one, and completion tokens; None where a reply does not say (a refused
    request may have none)."""
    fresh = cached = completion = 0
    for reply in replies:
        usage = reply.usage
        if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            if reply.status is ReplyStatus.REFUSED:
                continue
            return None
        from_cache = min(usage.cached_tokens or 0, usage.prompt_tokens)
        fresh += usage.prompt_tokens - from_cache
        cached += from_cache
        completion += usage.completion_tokens
    return (fresh, cached, completion) if fresh + cached + completion else None


def _cost(spent: Sequence[int], price: Price) -> float:
    """USD of these tokens."""
    fresh, cached, completion = spent
    from_cache = price.prompt if price.cached is None else price.cached
    return (fresh * price.prompt + cached * from_cache + completion * price.completion) / 1e6


def _day(entry: Entry) -> str | None:
    """The day of the last session, if it reads as one."""
    sessions = entry.manifest.sessions
    found = _DAY.match(sessions[-1].started) if sessions else None
    return found[0] if found else None


def _size(count: int) -> str:
    for size, letter in _SIZES:
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return str(count)


def _significant(value: float) -> str:
    """Three figures, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.001 or value == 0 else f"{value:.6f}"
