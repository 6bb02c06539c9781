"""What is counted per trace: each count by name, and by a function of its own; all of a run's are counted here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proactivebench.errors import UsageError
from proactivebench.scoring.answers import Answers
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, UNSCORED
from proactivebench.scoring.episodes import Help
from proactivebench.scoring.outcomes import UNASKED, Outcomes, View

Counts = NDArray[np.float64]
Values = NDArray[np.generic]


@dataclass(frozen=True)
class Tally:
    """One view of a run as a count sees it, moment by moment: arrays (moments, repeats, judge repeats), or with 1 where
    a dimension makes no difference. `tokens` and `cost` are per moment and repeat."""

    answers: Answers
    outcomes: Outcomes
    view: View
    tokens: Values
    cost: Values

    @cached_property
    def offered(self) -> NDArray[np.bool_]:
        """Whether something was offered."""
        return self.outcomes.offered[:, :, None]

    @cached_property
    def silent(self) -> NDArray[np.bool_]:
        """Whether nothing was, in a final reply; unclean ones are among these."""
        return self.outcomes.silent[:, :, None]

    @cached_property
    def unclean(self) -> NDArray[np.bool_]:
        """Whether it was a silence that nobody chose."""
        return self.outcomes.unclean[:, :, None]

    @cached_property
    def offers(self) -> dict[int, NDArray[np.bool_]]:
        """Whether something was offered and judged so, by verdict (a code, UNASKED where nobody was asked)."""
        return {code: self.offered & (self.outcomes.offers == code) for code in _CODES}

    @cached_property
    def silences(self) -> dict[int, NDArray[np.bool_]]:
        """The same of silences."""
        return {code: self.silent & (self.outcomes.silences == code) for code in _CODES}

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Whether the moment has a verdict."""
        return self.offers[ACCEPTED] | self.offers[REJECTED] | self.silences[ACCEPTED] | self.silences[REJECTED]

    @cached_property
    def need(self) -> NDArray[np.int8]:
        """1 where help was needed by the view's rule, 0 where not, −1 where nobody said."""
        return self.answers.moments.need(self.view.rule)[:, None, None]

    @cached_property
    def help(self) -> Help:
        """What the offers come to in the episodes of need by the view's rule."""
        outcomes, episodes = self.outcomes, self.answers.moments.episodes(self.view.rule)
        return Help.of(episodes, outcomes.offered, outcomes.offered | outcomes.silent, outcomes.unclean)

    @cached_property
    def for_users(self) -> tuple[Counts, Counts]:
        """What an offer at each moment adds to the sum of users' recalls, and a silence to that of their
        specificities."""
        answered = (self.offered | self.silent).mean(axis=(1, 2))
        offer, silence = self.answers.moments.users.weights(answered)
        return offer[:, None, None], silence[:, None, None]

    @cached_property
    def boundary(self) -> NDArray[np.bool_]:
        """Whether activity changes with the moment."""
        return self.answers.moments.boundaries[:, None, None]

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """What the agent stated, NaN where it did not."""
        return self.answers.at(self.answers.confidence, self.answers.rounds_of(self.view.name))[:, :, None]

    @cached_property
    def hours(self) -> Counts:
        """Duration of each trace with usable times, 0 for the others: (traces, 1, 1)."""
        return self.answers.moments.hours[:, None, None]

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Whether a trace has any final reply: (traces, repeats, 1)."""
        return self.per_trace(self.offered | self.silent) > 0

    def per_trace(self, values: Values) -> Counts:
        """Sums over each trace's moments: (traces, repeats, judge repeats)."""
        summed = self.answers.moments.per_trace(values.astype(np.float64))
        return summed if summed.ndim == 3 else summed[:, :, None]


_AT_ONCE = 1 << 20  # values of moments that are summed in one go
_CODES = (ACCEPTED, REJECTED, UNSCORED, UNASKED)
Counting = Callable[[Tally], Values]


class Count(int):
    """A count per trace, stored and read by its `name`. As a number it is where the count stands in an array, which is
    nobody's business: arrays are made with `zeros` and indexed with counts."""

    name: str
    of_moments: Counting | None
    of_traces: Callable[[Tally], Counts] | None

    def __repr__(self) -> str:
        """The name."""
        return self.name


COUNTS: list[Count] = []


def count(
    name: str, of_moments: Counting | None = None, *, of_traces: Callable[[Tally], Counts] | None = None
) -> Count:
    """A new count: every report stores it from then on, and measures may use it.

    Args:
        name: what it is stored under.
        of_moments: what a moment adds to it, summed over each trace.
        of_traces: or its value for whole traces, (traces, repeats, judge repeats).

    Returns:
        The count, to index arrays of counts with.

    Raises:
        UsageError: the name is taken, or nothing says how it is counted.
    """
    if any(known.name == name for known in COUNTS):
        raise UsageError(f"there is a count '{name}' already: choose another name")
    if (of_moments is None) == (of_traces is None):
        raise UsageError(f"count {name} needs one function, of moments or of traces: give one")
    made = Count(len(COUNTS))
    made.name, made.of_moments, made.of_traces = name, of_moments, of_traces
    COUNTS.append(made)
    return made


def zeros(*shape: int) -> Counts:
    """An array of counts, all 0: one entry a count along the last axis."""
    return np.zeros((*shape, len(COUNTS)))


def tabulate(tally: Tally) -> Counts:
    """All counts per trace, repeat and judge repeat: (traces, repeats, judge repeats, counts)."""
    moments, judge_repeats = tally.answers.moments, tally.outcomes.offers.shape[2]
    counts = zeros(len(moments.traces), moments.repeats, judge_repeats)
    of_moments = [known for known in COUNTS if known.of_moments is not None]
    most = max(1, _AT_ONCE // (moments.count * moments.repeats * judge_repeats))
    for start in range(0, len(of_moments), most):
        together = of_moments[start : start + most]
        values = np.empty((moments.count, moments.repeats, judge_repeats, len(together)))
        for place, known in enumerate(together):
            if known.of_moments is not None:
                found = known.of_moments(tally)
                values[..., place] = found if found.ndim == 3 else found[:, :, None]
        counts[..., together] = moments.per_trace(values)
    for known in COUNTS:
        if known.of_traces is not None:
            counts[..., known] = known.of_traces(tally)
    return counts


def pooled(counts: Counts) -> Counts:
    """Counts per trace with each repeat and judge repeat weighted 1/(n·r): (traces, counts)."""
    mean: Counts = counts.mean(axis=(1, 2))
    return mean
