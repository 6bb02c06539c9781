"""What the agent cost: tokens, money, waiting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from proactivebench.errors import DataError, UnknownName
from proactivebench.files import read_yaml
from proactivebench.naming import did_you_mean
from proactivebench.records import Record, ReplyStatus
from proactivebench.scoring.answers import ERROR, MISSING, STATUSES, Answers

_REFUSED = STATUSES.index(ReplyStatus.REFUSED)


class Prices(Record):
    """What a model costs, in one currency per million tokens. `cached` is the price of prompt tokens served from a
    cache (as `prompt` where it is not given)."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    currency: str = "USD"


def load_prices(path: str | Path, model: str) -> Prices:
    """The prices of `model` in a YAML table `{model: {prompt, completion, cached, currency}}`.

    Raises `DataError` where the table cannot be read, `UsageError` where it does not name the model.
    """
    table = read_yaml(Path(path), f"YAML of prices per million tokens, `{model}: {{prompt: 1, completion: 3}}`")
    if model not in table:
        hint = did_you_mean(model, map(str, table))
        raise UnknownName(f"{path} has no prices for {model}: {hint}add `{model}: {{prompt: …, completion: …}}`")
    try:
        return Prices.model_validate(table[model])
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise DataError(
            f"{path}: prices of {model}: {where or 'entry'}: {problem['msg']}: write {{prompt: 1, completion: 3}}"
        ) from error


def spent_tokens(answers: Answers) -> NDArray[np.float64] | None:
    """Agent tokens per moment and repeat, all rounds. None where any answer does not say how many (a refused request
    may have none)."""
    asked = (answers.status != MISSING) & (answers.status != ERROR)
    unknown = np.isnan(answers.tokens).any(axis=3)
    if not asked.any() or (asked & unknown & (answers.status != _REFUSED)).any() or (unknown | ~asked).all():
        return None
    return _summed(answers, answers.tokens[..., 0] + answers.tokens[..., 2])


def spent_money(answers: Answers, prices: Prices) -> NDArray[np.float64]:
    """Agent cost per moment and repeat, all rounds."""
    prompt, cached, completion = (answers.tokens[..., part] for part in range(3))
    cached_price = prices.prompt if prices.cached is None else prices.cached
    cost = (prompt - cached) * prices.prompt + cached * cached_price + completion * prices.completion
    return _summed(answers, cost / 1e6)


def latencies(answers: Answers) -> NDArray[np.float64]:
    """Wall time in seconds of each moment and repeat that has an outcome, rounds summed; NaN where it was not taken.
    What an answer waited for before it was asked is not in it."""
    return _timed(answers, answers.latency)


def queueing(answers: Answers) -> NDArray[np.float64]:
    """How long, in seconds, the same moments waited before they were asked."""
    return _timed(answers, answers.queue)


def _timed(answers: Answers, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    timed = np.where(np.isnan(seconds).all(axis=2), np.nan, np.nansum(seconds, axis=2))
    status = answers.at(answers.status, answers.last)
    return np.where((status == MISSING) | (status == ERROR), np.nan, timed)


def _summed(answers: Answers, values: NDArray[np.float64]) -> NDArray[np.float64]:
    status = answers.at(answers.status, answers.last)
    final = (status != MISSING) & (status != ERROR)
    return np.where(final, np.nansum(values, axis=2), 0.0)
