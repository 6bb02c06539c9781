"""The counts of the paper's benchmark, each by name and how it is counted, and the corners that stay open in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proactivebench.scoring.counting import Count, Counts, Tally, Values, count
from proactivebench.scoring.decisions import ACCEPTED, REJECTED, UNSCORED
from proactivebench.scoring.outcomes import UNASKED


def longest_streaks(offered: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Most consecutive offers in each trace, (traces, repeats)."""
    index = np.arange(len(offered))[:, None]
    first = np.repeat(starts[:-1], np.diff(starts))[:, None]
    broken = np.maximum.accumulate(np.where(offered, -1, index), axis=0)
    running = np.where(offered, index - np.maximum(broken, first - 1), 0)
    return np.maximum.reduceat(running, starts[:-1], axis=0).astype(np.float64)


def _stated(tally: Tally) -> NDArray[np.bool_]:
    """Scored offers with a stated confidence."""
    return (tally.offers[ACCEPTED] | tally.offers[REJECTED]) & ~np.isnan(tally.confidence)


def _squared_error(tally: Tally) -> Values:
    return np.where(_stated(tally), (np.nan_to_num(tally.confidence) - tally.offers[ACCEPTED]) ** 2, 0.0)


def _streak(tally: Tally) -> Counts:
    longest = longest_streaks(tally.outcomes.offered, tally.answers.moments.starts)
    return longest[:, :, None] * tally.answered


def _timed_false_alarms(tally: Tally) -> Counts:
    return tally.per_trace(tally.offers[REJECTED]) * (tally.hours * tally.answered > 0)


class Column:
    """What is counted per trace. Judged outcomes first, then need, then everything else."""

    TP = count("tp", lambda tally: tally.offers[ACCEPTED])
    FP = count("fp", lambda tally: tally.offers[REJECTED])
    TN = count("tn", lambda tally: tally.silences[ACCEPTED])  # unclean silences included, as in FN
    FN = count("fn", lambda tally: tally.silences[REJECTED])
    UNSCORED_OFFERS = count("unscored_offers", lambda tally: tally.offers[UNSCORED])
    UNSCORED_SILENCES = count("unscored_silences", lambda tally: tally.silences[UNSCORED])
    UNASKED_OFFERS = count("unasked_offers", lambda tally: tally.offers[UNASKED])
    UNASKED_SILENCES = count("unasked_silences", lambda tally: tally.silences[UNASKED])
    # Unclean replies whose silence is accepted (part of TN), rejected (part of FN), or without a verdict.
    UNCLEAN_ACCEPTED = count("unclean_accepted", lambda tally: tally.unclean & tally.silences[ACCEPTED])
    UNCLEAN_REJECTED = count("unclean_rejected", lambda tally: tally.unclean & tally.silences[REJECTED])
    UNCLEAN_OTHER = count(
        "unclean_other", lambda tally: tally.unclean & (tally.silences[UNSCORED] | tally.silences[UNASKED])
    )
    # The parts of TP, FP, TN and FN that people's labels decided.
    SURE_TP = count("sure_tp", lambda tally: tally.offers[ACCEPTED] & tally.outcomes.sure)
    SURE_FP = count("sure_fp", lambda tally: tally.offers[REJECTED] & tally.outcomes.sure)
    SURE_TN = count("sure_tn", lambda tally: tally.silences[ACCEPTED] & tally.outcomes.sure)
    SURE_FN = count("sure_fn", lambda tally: tally.silences[REJECTED] & tally.outcomes.sure)
    NEED_OFFERS = count("need_offers", lambda tally: tally.offered & (tally.need == 1))
    FREE_OFFERS = count("free_offers", lambda tally: tally.offered & (tally.need == 0))  # where no help is needed
    FREE_SILENCES = count("free_silences", lambda tally: tally.silent & (tally.need == 0))
    NEED_SILENCES = count("need_silences", lambda tally: tally.silent & (tally.need == 1))
    NEED_ACCEPTED = count("need_accepted", lambda tally: tally.offers[ACCEPTED] & (tally.need == 1))
    NEED_UNSCORED = count("need_unscored", lambda tally: tally.offers[UNSCORED] & (tally.need == 1))
    NEED_SCORED = count("need_scored", lambda tally: tally.scored & (tally.need == 1))  # need among TP, FP, TN and FN
    NEED_UNCLEAN = count("need_unclean", lambda tally: tally.unclean & (tally.need == 1))
    FREE_UNCLEAN = count("free_unclean", lambda tally: tally.unclean & (tally.need == 0))
    UNLABELLED = count("unlabelled", lambda tally: (tally.offered | tally.silent) & (tally.need < 0))
    MOMENTS = count("moments", lambda tally: tally.offered | tally.silent)
    OFFERS = count("offers", lambda tally: tally.offered)
    CLEAN = count("clean", lambda tally: (tally.offered | tally.silent) & ~tally.unclean)
    CANDIDATES_ACCEPTED = count("candidates_accepted", lambda tally: tally.outcomes.accepted * tally.offered)
    CANDIDATES_REJECTED = count("candidates_rejected", lambda tally: tally.outcomes.rejected * tally.offered)
    CANDIDATES_UNSCORED = count("candidates_unscored", lambda tally: tally.outcomes.unscored * tally.offered)
    REPEATED = count("repeated", lambda tally: tally.answers.repeated[1])
    FOLLOWING = count("following", lambda tally: tally.answers.repeated[0])  # offers that have a previous offer
    STREAK = count("streak", of_traces=_streak)  # longest run of offers, summed over samples
    SAMPLES = count("samples", of_traces=lambda tally: tally.answered.astype(np.float64))
    TIMED_FP = count("timed_fp", of_traces=_timed_false_alarms)
    HOURS = count("hours", of_traces=lambda tally: tally.hours * tally.answered)
    TOKENS = count("tokens", lambda tally: tally.tokens)
    COST = count("cost", lambda tally: tally.cost)
    BRIER = count("brier", _squared_error)
    STATED = count("stated", _stated)
    # Episodes of need, those with an offer, moments waited in them, offers in them; those before which no help was
    # needed, and had an offer. `…_UNCLEAN` is what each of these changes by if unclean replies are offers.
    EPISODES = count("episodes", lambda tally: tally.help.episodes)
    EPISODES_HELPED = count("episodes_helped", lambda tally: tally.help.helped)
    HELP_DELAY = count("help_delay", lambda tally: tally.help.delay)
    EPISODE_OFFERS = count("episode_offers", lambda tally: tally.help.offers)
    EPISODES_PRECEDED = count("episodes_preceded", lambda tally: tally.help.preceded)
    EPISODES_EARLY = count("episodes_early", lambda tally: tally.help.early)
    EPISODES_HELPED_UNCLEAN = count("episodes_helped_unclean", lambda tally: tally.help.unclean[0])
    HELP_DELAY_UNCLEAN = count("help_delay_unclean", lambda tally: tally.help.unclean[1])
    EPISODE_OFFERS_UNCLEAN = count("episode_offers_unclean", lambda tally: tally.help.unclean[2])
    EPISODES_EARLY_UNCLEAN = count("episodes_early_unclean", lambda tally: tally.help.unclean[3])
    # Users told apart, over all of whom these are sums: the share of a user's own needs that are met and of the other
    # moments that are spared, the greatest each can be (in all traces one a user who has both), and what changes if
    # unclean replies are offers.
    USERS_MET = count("users_met", lambda tally: tally.offered * tally.for_users[0])
    USERS_NEEDING = count("users_needing", lambda tally: (tally.offered | tally.silent) * tally.for_users[0])
    USERS_SPARED = count("users_spared", lambda tally: tally.silent * tally.for_users[1])
    USERS_FREE = count("users_free", lambda tally: (tally.offered | tally.silent) * tally.for_users[1])
    USERS_WON_UNCLEAN = count("users_won_unclean", lambda tally: tally.unclean * tally.for_users[0])
    USERS_LOST_UNCLEAN = count("users_lost_unclean", lambda tally: tally.unclean * tally.for_users[1])
    # The parts of other counts that fall on boundaries of activity; the rest is in mid-task.
    BOUNDARIES = count("boundaries", lambda tally: (tally.offered | tally.silent) & tally.boundary)
    BOUNDARY_OFFERS = count("boundary_offers", lambda tally: tally.offered & tally.boundary)
    BOUNDARY_TP = count("boundary_tp", lambda tally: tally.offers[ACCEPTED] & tally.boundary)
    BOUNDARY_FP = count("boundary_fp", lambda tally: tally.offers[REJECTED] & tally.boundary)
    BOUNDARY_UNSCORED_OFFERS = count("boundary_unscored_offers", lambda tally: tally.offers[UNSCORED] & tally.boundary)
    BOUNDARY_FREE_OFFERS = count(
        "boundary_free_offers", lambda tally: tally.offered & (tally.need == 0) & tally.boundary
    )
    BOUNDARY_FREE_SILENCES = count(
        "boundary_free_silences", lambda tally: tally.silent & (tally.need == 0) & tally.boundary
    )
    BOUNDARY_UNCLEAN_ACCEPTED = count(
        "boundary_unclean_accepted", lambda tally: tally.unclean & tally.silences[ACCEPTED] & tally.boundary
    )
    BOUNDARY_UNCLEAN_REJECTED = count(
        "boundary_unclean_rejected", lambda tally: tally.unclean & tally.silences[REJECTED] & tally.boundary
    )
    BOUNDARY_FREE_UNCLEAN = count(
        "boundary_free_unclean", lambda tally: tally.unclean & (tally.need == 0) & tally.boundary
    )


C = Column

JUDGED_CELLS = (C.TP, C.FP, C.TN, C.FN)
NEED_CELLS = (C.NEED_OFFERS, C.FREE_OFFERS, C.FREE_SILENCES, C.NEED_SILENCES)


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


@dataclass(frozen=True, slots=True)
class _Unclean:
    """Where unclean replies of one kind are counted as silences, and what changes if they are offers: each count of
    `moves` grows by the count beside it, each of `gives_way` shrinks; `at_boundary` are those on boundaries."""

    replies: Count
    cell: Count
    need: Count
    moves: tuple[tuple[Count, Count], ...]
    gives_way: tuple[tuple[Count, Count], ...]
    at_boundary: Count


_RIGHT_SILENCE = _Unclean(
    replies=C.UNCLEAN_ACCEPTED,
    cell=C.TN,
    need=C.FREE_UNCLEAN,
    moves=(
        (C.FREE_OFFERS, C.FREE_UNCLEAN),
        (C.EPISODES_EARLY, C.EPISODES_EARLY_UNCLEAN),
        (C.BOUNDARY_FREE_OFFERS, C.BOUNDARY_FREE_UNCLEAN),
    ),
    gives_way=(
        (C.FREE_SILENCES, C.FREE_UNCLEAN),
        (C.USERS_SPARED, C.USERS_LOST_UNCLEAN),
        (C.BOUNDARY_FREE_SILENCES, C.BOUNDARY_FREE_UNCLEAN),
    ),
    at_boundary=C.BOUNDARY_UNCLEAN_ACCEPTED,
)
_WRONG_SILENCE = _Unclean(
    replies=C.UNCLEAN_REJECTED,
    cell=C.FN,
    need=C.NEED_UNCLEAN,
    moves=(
        (C.NEED_OFFERS, C.NEED_UNCLEAN),
        (C.USERS_MET, C.USERS_WON_UNCLEAN),
        (C.EPISODES_HELPED, C.EPISODES_HELPED_UNCLEAN),
        (C.HELP_DELAY, C.HELP_DELAY_UNCLEAN),
        (C.EPISODE_OFFERS, C.EPISODE_OFFERS_UNCLEAN),
    ),
    gives_way=((C.NEED_SILENCES, C.NEED_UNCLEAN),),
    at_boundary=C.BOUNDARY_UNCLEAN_REJECTED,
)


def _unclean_offers(moved: Counts, counts: Counts, where: _Unclean, outcome: Count) -> None:
    """Move the unclean replies of `counts` in `moved` from silences to offers, accepted (TP) or rejected (FP)."""
    replies, here = counts[..., where.replies], counts[..., where.at_boundary]
    _offer(moved, replies, outcome)
    moved[..., where.cell] -= replies
    moved[..., C.OFFERS] += replies
    moved[..., C.BOUNDARY_OFFERS] += here
    moved[..., C.BOUNDARY_TP if outcome is C.TP else C.BOUNDARY_FP] += here
    for known, by in where.moves:
        moved[..., known] += counts[..., by]
    for known, by in where.gives_way:
        moved[..., known] -= counts[..., by]
    if outcome is C.TP and where.need is C.NEED_UNCLEAN:
        moved[..., C.NEED_ACCEPTED] += counts[..., where.need]


def unscored_corners(counts: Counts) -> Counts:
    """The four corners that unscored moments leave open, (4, traces, columns): offers all accepted or all rejected,
    silences likewise."""
    corners = np.repeat(counts[None], 4, axis=0).reshape(2, 2, *counts.shape)  # by offers, by silences
    for place, (offers, silences) in enumerate(((C.TP, C.TN), (C.FP, C.FN))):
        corners[place, ..., offers] += counts[..., C.UNSCORED_OFFERS]
        here = C.BOUNDARY_TP if offers is C.TP else C.BOUNDARY_FP
        corners[place, ..., here] += counts[..., C.BOUNDARY_UNSCORED_OFFERS]
        kind = C.CANDIDATES_ACCEPTED if offers is C.TP else C.CANDIDATES_REJECTED
        corners[place, ..., kind] += counts[..., C.CANDIDATES_UNSCORED]
        corners[:, place, ..., silences] += counts[..., C.UNSCORED_SILENCES]
    corners[0, ..., C.NEED_ACCEPTED] += counts[..., C.NEED_UNSCORED]
    corners[1, ..., C.TIMED_FP] += counts[..., C.UNSCORED_OFFERS] * (counts[..., C.HOURS] > 0)
    corners[..., C.NEED_UNSCORED] = 0
    return corners.reshape(4, *counts.shape)


def _offer(counts: Counts, number: Counts, outcome: Count) -> None:
    counts[..., outcome] += number
    if outcome is C.FP:
        counts[..., C.TIMED_FP] += number * (counts[..., C.HOURS] > 0)
    counts[..., C.CANDIDATES_ACCEPTED if outcome is C.TP else C.CANDIDATES_REJECTED] += number
