"""Whether somebody's answers change on the way: the first half of them against the second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Record

FEWEST_SESSIONS = 5  # of which the orders can give a p of .05 at all
DRAWS = 1_999


class Drift(Record):
    """Shares of acceptance in the first and second half of what somebody answered; `p` of the difference, or the
    `reason` why there is none."""

    first: float
    second: float
    p: float | None = None
    reason: str | None = None


def drift(sessions: Sequence[Sequence[bool]], *, seed: int = 0) -> Drift | None:
    """The drift of one person's votes, by session in the order they came.

    The test is one of randomisation: sessions came in an order drawn for this person, so that without drift any order
    is as likely, whatever the sessions are like. p = (1 + orders with a difference at least as large)/(1 + orders
    drawn), two-sided (Phipson & Smyth 2010).

    Args:
        sessions: Each session's votes.
        seed: Of the orders drawn.

    Returns:
        None with fewer than two votes.
    """
    votes = np.array([vote for session in sessions for vote in session], dtype=float)
    half = len(votes) // 2
    if not half:
        return None
    first, second = float(votes[:half].mean()), float(votes[half:].mean())
    if len(sessions) < FEWEST_SESSIONS:
        return Drift(first=first, second=second, reason=f"no test: fewer than {FEWEST_SESSIONS} sessions")
    if votes.min() == votes.max():
        return Drift(first=first, second=second, reason="no test: always the same answer")
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((DRAWS, len(sessions))), axis=1)
    shares = _first_sums([np.array(session, dtype=float) for session in sessions], orders, half)
    apart = np.abs(shares / half - (votes.sum() - shares) / (len(votes) - half))
    hits = int((apart >= abs(first - second) - 1e-12).sum())
    return Drift(first=first, second=second, p=(1 + hits) / (1 + len(orders)))


def _first_sums(sessions: list[NDArray[np.float64]], orders: NDArray[np.int64], half: int) -> NDArray[np.float64]:
    """Accepted among the first `half` votes under each order of the sessions."""
    sizes = np.array([len(session) for session in sessions])
    longest = int(sizes.max())
    upto = np.stack(
        [
            np.concatenate([[0.0], session.cumsum(), np.full(longest - len(session), session.sum())])
            for session in sessions
        ]
    )
    ends = sizes[orders].cumsum(axis=1)
    taken = np.clip(half - (ends - sizes[orders]), 0, sizes[orders])
    found: NDArray[np.float64] = upto[orders, taken].sum(axis=1)
    return found
