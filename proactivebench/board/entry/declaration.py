"""Who stands behind an entry: from the words of the command line to what `entry.json` declares."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from proactivebench.board.entry.form import MAX_PARAMETERS, MAX_PRICE, TRIVIAL, Declaration, Name
from proactivebench.board.entry.rules import RESERVED
from proactivebench.errors import BadArgument
from proactivebench.records import Manifest

_NAME = "use letters, digits, . _ -, no spaces; a letter or digit first, last and beside each mark, 96 at most"
_LINE = "one line of 300 characters at most"
_LINKS = "https links only, 10 at most, each of 300 plain characters at most"
_PARAMETERS = f"a number of at least 1 and at most {MAX_PARAMETERS:.0e}, such as 7600000000 or 7.6B"
_PRICE = f"USD per million tokens, from 0 to {MAX_PRICE}, such as prompt=0.15,completion=0.6,cached=0.075"
_COUNT = re.compile(r"(\d{1,16}(?:\.\d{1,12})?)([KMBT]?)", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_THOUSANDS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
# Per field of a declaration: its option and its rule.
_RULES = {
    "organisation": ("--organisation", _NAME),
    "model": ("--model_name", _NAME),
    "revision": ("--model_revision", _LINE),
    "licence": ("--licence", _LINE),
    "contact": ("--contact", _LINE),
    "notes": ("--notes", _LINE),
    "links": ("--link", _LINKS),
    "parameters": ("--parameters", _PARAMETERS),
    "price": ("--price", _PRICE),
    "price_basis": ("--price_basis", _LINE),
}


def declaration(
    *,
    organisation: str | None,
    model: str | None,
    licence: str | None,
    contact: str | None,
    trained_on_traces: str | None,
    trained_on_labels: str | None,
    parameters: str | None = None,
    open_weights: str | None = None,
    released: str | None = None,
    price: str | None = None,
    **rest: Any,
) -> Declaration | None:
    """A declaration from the words of the command line; None where nothing was declared.

    Raises `UsageError` naming what is missing or malformed.
    """
    due = {
        "organisation": organisation,
        "model_name": model,
        "licence": licence,
        "contact": contact,
        "trained_on_traces": trained_on_traces,
        "trained_on_labels": trained_on_labels,
    }
    missing = [f"--{name}" for name, value in due.items() if value is None]
    if len(missing) == len(due) and not any((*rest.values(), parameters, open_weights, released, price)):
        return None
    if missing:
        raise BadArgument(f"an entry says who stands behind it: {', '.join(missing)} still to give")
    try:
        return Declaration.model_validate(
            {
                "organisation": organisation,
                "model": model,
                "licence": licence,
                "contact": contact,
                "trained_on_traces": _answer("--trained_on_traces", trained_on_traces),
                "trained_on_labels": _answer("--trained_on_labels", trained_on_labels),
                "parameters": _count(parameters),
                "open_weights": _answer("--open_weights", open_weights or "unknown"),
                "released": _day(released),
                "price": prices(price),
                **rest,
            }
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option, rule = _RULES[str(problem["loc"][0])]
        given = f" {problem['input']!r}" if isinstance(problem["input"], str) else ""
        raise BadArgument(f"{option}{given}: {rule}") from None


def default_declaration(manifest: Manifest) -> Declaration:
    """The declaration of a trivial agent. Raises `UsageError` for any other, naming what to give."""
    if manifest.agent.model not in TRIVIAL:
        raise BadArgument(
            "an entry says who stands behind it: give --organisation, --model_name, --licence, --contact, "
            "--trained_on_traces and --trained_on_labels"
        )
    return Declaration(
        organisation=RESERVED,
        model=manifest.agent.model,
        licence="Apache-2.0",
        trained_on_traces=False,
        trained_on_labels=False,
        contact="the maintainers of this board",
        notes="A trivial agent: an anchor of the table.",
    )


def check_run_id(run_id: str | None) -> None:
    """Raises `UsageError` for a run id that is no name."""
    try:
        TypeAdapter(Name).validate_python(run_id or "r1")
    except ValidationError:
        raise BadArgument(f"--run_id {run_id!r}: {_NAME}") from None


def _count(text: str | None) -> int | None:
    """How many parameters `7.6B` are."""
    if text is None:
        return None
    found = _COUNT.fullmatch(text.strip().replace("_", "").replace(",", ""))
    if not found:
        raise BadArgument(f"--parameters {text!r}: {_PARAMETERS}")
    return int(Decimal(found[1]) * _THOUSANDS[found[2].upper()])


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise BadArgument(f"--released {text!r}: a day, such as 2025-03-01") from None


def prices(text: str | None) -> dict[str, float] | None:
    """The prices in `prompt=0.15,completion=0.6`. Raises `UsageError`."""
    if text is None:
        return None
    found = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise BadArgument(f"--price {text!r}: {_PRICE}") from None
    if not {"prompt", "completion"} <= set(found) <= {"prompt", "completion", "cached"}:
        raise BadArgument(f"--price {text!r}: {_PRICE}")
    return found


def _answer(option: str, word: str | None) -> bool | None:
    answers = {"yes": True, "no": False, "unknown": None}
    if word not in answers:
        raise BadArgument(f"{option} {word}: answer yes, no or unknown")
    return answers[word]
