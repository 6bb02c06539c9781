"""What each setting may be: one table for the command line and the Python API, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proactivebench.errors import BadArgument, UnknownName
from proactivebench.naming import did_you_mean


@dataclass(frozen=True, slots=True)
class Term:
    """What a setting may be: of `kind`, at least `least` where it is a number; `optional`: None is one, too."""

    kind: type
    least: float = -math.inf
    optional: bool = False

    def refusal(self, value: object) -> str | None:
        """What should have been given in place of `value`; None where it may stand."""
        if value is None and self.optional:
            return None
        if isinstance(value, bool):
            fits = self.kind is bool
        elif isinstance(value, int | float):
            whole = isinstance(value, int) or self.kind is float
            fits = self.kind in (int, float) and whole and math.isfinite(value) and value >= self.least
        elif isinstance(value, str):
            fits = self.kind is str and bool(value.strip())
        else:
            fits = self.kind is Mapping and isinstance(value, Mapping)
        return None if fits else self.words

    @property
    def words(self) -> str:
        """What may be given, in words."""
        kinds = {bool: "True or False", str: "a text", int: "a whole number", float: "a number"}
        said = kinds.get(self.kind, "a mapping of names to values")
        if math.isfinite(self.least):
            said += f", {self.least:g} or more"
        return said + (" (or None)" if self.optional else "")


TERMS = {
    "model": Term(str),
    "tasks": Term(str, optional=True),
    "preset": Term(str, optional=True),
    "model_args": Term(Mapping),
    "judge": Term(str, optional=True),
    "judge_model": Term(str, optional=True),
    "judge_model_args": Term(Mapping),
    "judge_gen_kwargs": Term(Mapping),
    "predict_only": Term(bool),
    "measure_judge": Term(bool),
    "protocol": Term(str, optional=True),
    "history": Term(str, optional=True),
    "candidates": Term(int, 1, optional=True),
    "feedback_rounds": Term(int, 0, optional=True),
    "feedback_judge": Term(str, optional=True),
    "gen_kwargs": Term(Mapping),
    "seed": Term(int),
    "repeats": Term(int, 1),
    "judge_repeats": Term(int, 1),
    "judge_cache": Term(bool),
    "limit": Term(int, 1, optional=True),
    "concurrency": Term(int, 1),
    "timeout_s": Term(float, 0.001),
    "max_retries": Term(int, 0),
    "batch_size": Term(str),
    "device": Term(str, optional=True),
}


def check_terms(given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for the first of the settings in `given` that is not what its term says."""
    for name, value in given.items():
        refusal = TERMS[name].refusal(value) if name in TERMS else None
        if refusal:
            raise BadArgument(f"{name}={value!r:.60} cannot be: give {refusal}")


def check_known(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UsageError` for the first word of `given` that is no setting, with the nearest that are."""
    settings = sorted(known)
    for name in given:
        if name not in settings:
            raise UnknownName(
                f"there is no setting '{name}': {did_you_mean(name, settings)}known are {', '.join(settings)}"
            )
