"""Episodes of need, moment by moment: where they begin and end, and how long help is waited for in each.

An episode is a run of consecutive moments of need in one trace, as long as it gets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]
Shares = Flags | Values

_CERTAIN = -1000.0  # the logarithm that stands for no chance at all: exp of it is 0


@dataclass(frozen=True, slots=True)
class Episodes:
    """The episodes among moments that follow each other, (moments,) each. `need` says which moments are in one, `first`
    and `last` where it begins and ends, `preceded` at its first moment whether help was not needed just before; `begin`
    is the index of the first moment of each moment's episode."""

    need: Flags
    first: Flags
    last: Flags
    preceded: Flags
    begin: NDArray[np.int64]

    @classmethod
    def of(cls, need: NDArray[np.int8] | Flags, starts: NDArray[np.int64]) -> Episodes:
        """The episodes by `need` (1, 0, or another number where nobody said) in traces that begin at `starts`."""
        needed, opens = need == 1, np.zeros(len(need), dtype=bool)
        opens[starts[starts < len(need)]] = True
        before, closes = np.roll(need, 1), np.roll(opens, -1)
        first = needed & (opens | (before != 1))
        last = needed & (closes | (np.roll(need, -1) != 1))
        begin = np.maximum.accumulate(np.where(first, np.arange(len(need)), 0))
        return cls(needed, first, last, first & ~opens & (before == 0), begin)

    def whole(self, answered: Flags) -> Flags:
        """Which moments are in an episode all of whose moments are `answered`, (moments, repeats)."""
        if answered.all():
            return np.broadcast_to(self.need[:, None], answered.shape)
        lost = ~answered & self.need[:, None]
        missing = np.cumsum(lost, axis=0)
        missing_before: NDArray[np.int64] = missing - lost
        ends = np.flatnonzero(self.last)
        if not len(ends):
            return np.zeros_like(answered)
        place = np.minimum(np.searchsorted(ends, np.arange(len(self.need))), len(ends) - 1)
        found: Flags = self.need[:, None] & (missing[ends[place]] == missing_before[self.begin])
        return found

    def waiting(self, offered: Shares) -> Values:
        """At each moment of an episode the chance that it, and all before it in the episode, are without an offer, 0
        elsewhere: (moments, repeats). `offered` says where there are offers, or how likely one is, each for itself."""
        if offered.dtype == bool:
            silent = np.where(offered, _CERTAIN, 0.0)
        else:
            silent = np.where(offered >= 1, _CERTAIN, np.log1p(-np.where(offered >= 1, 0.0, offered)))
        total: Values = np.cumsum(silent, axis=0)
        since: Values = total - (total - silent)[self.begin]
        found: Values = np.where(self.need[:, None], np.exp(np.where(self.need[:, None], since, 0.0)), 0.0)
        return found

    def before(self, values: Shares) -> Values:
        """What `values`, (moments, repeats), say of the moment before each that begins an episode and has one without
        need before it; 0 elsewhere."""
        return np.where(self.preceded[:, None], np.roll(values, 1, axis=0), 0.0)


@dataclass(frozen=True, slots=True)
class Help:
    """What offers come to in episodes, as values of moments to be summed: (moments, repeats). An episode stands at its
    first moment (where it is counted, and whether an offer came before it) or its last (whether it got an offer), delay
    at every moment that waits. Those in `unclean` are what changes if unclean replies are offers."""

    episodes: Values
    helped: Values
    delay: Values
    offers: Values
    preceded: Values
    early: Values
    unclean: tuple[Values, Values, Values, Values]  # of helped, delay, offers, early

    @classmethod
    def of(cls, episodes: Episodes, offered: Shares, answered: Flags, unclean: Flags | None = None) -> Help:
        """The help in `episodes`. Of an episode with a moment that is not `answered` nothing is counted; nor is what
        came before one, where that moment has no answer."""
        whole = episodes.whole(answered)
        counted, preceded = whole * episodes.first[:, None], episodes.before(answered) * whole
        helped, delay, offers = _in_episodes(episodes, offered, whole)
        early = episodes.before(offered) * preceded
        none = np.zeros_like(delay)
        more = (none, none, none, none)
        if unclean is not None and unclean.any():
            shown = offered.astype(bool) | unclean
            at_need = zip(_in_episodes(episodes, shown, whole), (helped, delay, offers), strict=True)
            by = [then - now for then, now in at_need]
            more = (by[0], by[1], by[2], episodes.before(unclean) * preceded)
        return cls(counted.astype(float), helped, delay, offers, preceded, early, more)


def _in_episodes(episodes: Episodes, offered: Shares, whole: Flags) -> tuple[Values, Values, Values]:
    """Whether each episode got an offer (at its last moment), which moments wait for one, and how many offers there
    are."""
    delay = episodes.waiting(offered) * whole
    return (1 - delay) * whole * episodes.last[:, None], delay, offered * whole.astype(float)
