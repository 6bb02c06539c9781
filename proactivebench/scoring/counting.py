"""From outcomes to counts per trace, and to the corners that unclean and unscored moments leave open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.answers import Answers
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, UNSCORED
from proactivebench.scoring.measures import Column, Counts
from proactivebench.scoring.outcomes import UNASKED, Outcomes, View

C = Column


def tabulate(
    answers: Answers, found: Outcomes, view: View, tokens: NDArray[np.float64], cost: NDArray[np.float64]
) -> Counts:
    """Counts per trace, repeat and judge repeat: (traces, repeats, judge repeats, columns). `tokens` and `cost` are per
    moment and repeat."""
    moments = answers.moments
    shape = (len(moments.traces), moments.repeats, found.offers.shape[2], len(C))
    counts = np.zeros(shape)

    def put(column: C, values: NDArray[np.generic]) -> None:
        summed = moments.per_trace(values.astype(np.float64))
        counts[..., column] = summed if summed.ndim == 3 else summed[:, :, None]

    offered, silent = found.offered[:, :, None], found.silent[:, :, None]
    offer = {code: offered & (found.offers == code) for code in (ACCEPTED, REJECTED, UNSCORED, UNASKED)}
    silence = {code: silent & (found.silences == code) for code in (ACCEPTED, REJECTED, UNSCORED, UNASKED)}
    put(C.TP, offer[ACCEPTED])
    put(C.FP, offer[REJECTED])
    put(C.TN, silence[ACCEPTED])
    put(C.FN, silence[REJECTED])
    put(C.SURE_TP, offer[ACCEPTED] & found.sure)
    put(C.SURE_FP, offer[REJECTED] & found.sure)
    put(C.SURE_TN, silence[ACCEPTED] & found.sure)
    put(C.SURE_FN, silence[REJECTED] & found.sure)
    put(C.UNSCORED_OFFERS, offer[UNSCORED])
    put(C.UNSCORED_SILENCES, silence[UNSCORED])
    put(C.UNASKED_OFFERS, offer[UNASKED])
    put(C.UNASKED_SILENCES, silence[UNASKED])
    unclean = found.unclean[:, :, None]
    put(C.UNCLEAN_ACCEPTED, unclean & silence[ACCEPTED])
    put(C.UNCLEAN_REJECTED, unclean & silence[REJECTED])
    put(C.UNCLEAN_OTHER, unclean & (silence[UNSCORED] | silence[UNASKED]))

    need = moments.need(view.rule)[:, None, None]
    put(C.NEED_OFFERS, offered & (need == 1))
    put(C.FREE_OFFERS, offered & (need == 0))
    put(C.FREE_SILENCES, silent & (need == 0))
    put(C.NEED_SILENCES, silent & (need == 1))
    put(C.NEED_ACCEPTED, offer[ACCEPTED] & (need == 1))
    put(C.NEED_UNSCORED, offer[UNSCORED] & (need == 1))
    scored = offer[ACCEPTED] | offer[REJECTED] | silence[ACCEPTED] | silence[REJECTED]
    put(C.NEED_SCORED, scored & (need == 1))
    put(C.NEED_UNCLEAN, unclean & (need == 1))
    put(C.FREE_UNCLEAN, unclean & (need == 0))
    put(C.UNLABELLED, (offered | silent) & (need < 0))

    put(C.MOMENTS, offered | silent)
    put(C.OFFERS, offered)
    put(C.CLEAN, (offered | silent) & ~unclean)
    put(C.CANDIDATES_ACCEPTED, found.accepted * offered)
    put(C.CANDIDATES_REJECTED, found.rejected * offered)
    put(C.CANDIDATES_UNSCORED, found.unscored * offered)
    following, alike = answers.repeated
    put(C.FOLLOWING, following)
    put(C.REPEATED, alike)
    put(C.TOKENS, tokens)
    put(C.COST, cost)
    stated = answers.at(answers.confidence, answers.rounds_of(view.name))[:, :, None]
    known = (offer[ACCEPTED] | offer[REJECTED]) & ~np.isnan(stated)
    put(C.STATED, known)
    put(C.BRIER, np.where(known, (np.nan_to_num(stated) - offer[ACCEPTED]) ** 2, 0.0))

    answered = counts[..., C.MOMENTS] > 0
    counts[..., C.STREAK] = longest_streaks(found.offered, moments.starts)[:, :, None] * answered
    counts[..., C.SAMPLES] = answered
    hours = moments.hours[:, None, None] * answered
    counts[..., C.HOURS] = hours
    counts[..., C.TIMED_FP] = counts[..., C.FP] * (hours > 0)
    return counts


def longest_streaks(offered: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Most consecutive offers in each trace, (traces, repeats)."""
    index = np.arange(len(offered))[:, None]
    first = np.repeat(starts[:-1], np.diff(starts))[:, None]
    broken = np.maximum.accumulate(np.where(offered, -1, index), axis=0)
    running = np.where(offered, index - np.maximum(broken, first - 1), 0)
    return np.maximum.reduceat(running, starts[:-1], axis=0).astype(np.float64)


def pooled(counts: Counts) -> Counts:
    """Counts per trace with each repeat and judge repeat weighted 1/(n·r): (traces, columns)."""
    mean: Counts = counts.mean(axis=(1, 2))
    return mean


def strict(counts: Counts) -> Counts:
    """Counts with every unclean reply wrong: a false alarm where silence was right, a miss where it was not."""
    moved = counts.copy()
    _unclean_offers(moved, counts, _RIGHT_SILENCE, C.FP)
    return moved


def unclean_corners(counts: Counts) -> Counts:
    """The nine corners that unclean replies leave open, (9, traces, columns): those whose silence is accepted, and
    those whose silence is rejected, each as counted, all accepted offers, or all rejected offers."""
    corners = np.repeat(counts[None], 9, axis=0).reshape(3, 3, *counts.shape)  # by accepted silence, by rejected
    for place, outcome in ((1, C.TP), (2, C.FP)):
        _unclean_offers(corners[place], counts, _RIGHT_SILENCE, outcome)
        _unclean_offers(corners[:, place], counts, _WRONG_SILENCE, outcome)
    corners[1:, 1:, ..., C.OFFERS] += counts[..., C.UNCLEAN_OTHER]
    return corners.reshape(9, *counts.shape)


# Where an unclean reply is counted as a silence: source, cell, silences and offers by need, and its need.
_RIGHT_SILENCE = (C.UNCLEAN_ACCEPTED, C.TN, C.FREE_SILENCES, C.FREE_OFFERS, C.FREE_UNCLEAN)
_WRONG_SILENCE = (C.UNCLEAN_REJECTED, C.FN, C.NEED_SILENCES, C.NEED_OFFERS, C.NEED_UNCLEAN)


def _unclean_offers(moved: Counts, counts: Counts, where: tuple[C, C, C, C, C], outcome: C) -> None:
    """Move the unclean replies of `counts` in `moved` from silences to offers, accepted (TP) or rejected (FP)."""
    source, cell, silences, offers, need = where
    _offer(moved, counts[..., source], outcome)
    moved[..., cell] -= counts[..., source]
    moved[..., C.OFFERS] += counts[..., source]
    moved[..., silences] -= counts[..., need]
    moved[..., offers] += counts[..., need]
    if outcome is C.TP and need is C.NEED_UNCLEAN:
        moved[..., C.NEED_ACCEPTED] += counts[..., need]


def unscored_corners(counts: Counts) -> Counts:
    """The four corners that unscored moments leave open, (4, traces, columns): offers all accepted or all rejected,
    silences likewise."""
    corners = np.repeat(counts[None], 4, axis=0).reshape(2, 2, *counts.shape)  # by offers, by silences
    for place, (offers, silences) in enumerate(((C.TP, C.TN), (C.FP, C.FN))):
        corners[place, ..., offers] += counts[..., C.UNSCORED_OFFERS]
        kind = C.CANDIDATES_ACCEPTED if offers is C.TP else C.CANDIDATES_REJECTED
        corners[place, ..., kind] += counts[..., C.CANDIDATES_UNSCORED]
        corners[:, place, ..., silences] += counts[..., C.UNSCORED_SILENCES]
    corners[0, ..., C.NEED_ACCEPTED] += counts[..., C.NEED_UNSCORED]
    corners[1, ..., C.TIMED_FP] += counts[..., C.UNSCORED_OFFERS] * (counts[..., C.HOURS] > 0)
    corners[..., C.NEED_UNSCORED] = 0
    return corners.reshape(4, *counts.shape)


def _offer(counts: Counts, number: Counts, outcome: C) -> None:
    counts[..., outcome] += number
    if outcome is C.FP:
        counts[..., C.TIMED_FP] += number * (counts[..., C.HOURS] > 0)
    counts[..., C.CANDIDATES_ACCEPTED if outcome is C.TP else C.CANDIDATES_REJECTED] += number
