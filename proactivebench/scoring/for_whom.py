"""The metric of users told apart: whether an agent speaks when this user, rather than most people, wants help."""

from __future__ import annotations

from collections.abc import Iterator

from proactivebench.scoring.measures import Balanced, Ratio, total
from proactivebench.scoring.metric import Interval, Metric, MetricTable, Need
from proactivebench.scoring.offers import Column
from proactivebench.scoring.users import FEWEST

C = Column

_MEAN = Balanced(
    Ratio(total(C.USERS_MET), total(C.USERS_NEEDING)), Ratio(total(C.USERS_SPARED), total(C.USERS_FREE))
)  # over all traces both denominators are the number of users with both kinds


def for_whom() -> Iterator[Metric]:
    """The mean over users; a user counts as one, whether many or few of their moments are known."""
    yield Metric(
        "user_balanced_accuracy", "need detection per user (mean balanced accuracy)",
        "Σ balanced accuracy against the user's own need/users with moments of both kinds", "up",
        "no votes kept apart, or no user with moments of both kinds", frozenset({Need.VOTES}), Interval.STUDENT_T,
        "this project", _MEAN,
        scarce="users", enough=total(C.USERS_NEEDING), fewest=FEWEST, offers_alone=True,
        table=MetricTable.USERS, short="per user",
    )  # fmt: skip
