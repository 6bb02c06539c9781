"""What the agents `never` and `always` would get on the same traces: the anchors beside every F1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import NeedRule
from proactivebench.scoring.counting import Counts, zeros
from proactivebench.scoring.definedness import value_of
from proactivebench.scoring.judged import Judged
from proactivebench.scoring.metric import Need
from proactivebench.scoring.moments import Moments
from proactivebench.scoring.offers import Column
from proactivebench.scoring.registry import METRICS

C = Column

_LIKE_OFFERS = frozenset({Need.OFFERS, Need.SILENCES, Need.LABELS, Need.VOTES})
_LABELS = frozenset({Need.LABELS, Need.VOTES})


def trivial_agents(judged: Judged, chosen: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Metrics of `never` and `always` over the traces at `chosen`, where need labels or the definitions give them."""
    moments, known = judged.answers.moments, tuple(METRICS)
    found = {"never": _by_definition("never", judge_free=True), "always": _by_definition("always", judge_free=True)}
    for view in judged.views:
        if view.name not in ("", *NeedRule):
            continue
        labelled = _labelled(moments, view.rule, chosen)
        if labelled.moments:
            given = _LIKE_OFFERS if view.labels else _LABELS
            for name, agent, said in (("never", never, given), ("always", always, _LABELS)):
                values = _metrics(agent, labelled, said, known)
                found[name] |= {key + view.suffix: value for key, value in values}
        if view.labels or judged.judge.silence:
            found["always"] |= {
                key + view.suffix: value for key, value in _by_definition("always", judge_free=False).items()
            }
    return found


def _by_definition(agent: Literal["never", "always"], *, judge_free: bool) -> dict[str, float]:
    """What the metrics themselves say of an agent, whoever judges."""
    given = {metric.key: metric.never if agent == "never" else metric.always for metric in METRICS.values()}
    return {key: value for key, value in given.items() if value is not None and METRICS[key].judge_free is judge_free}


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people's labels say of some traces: moments that call for help and that do not, episodes of need and those
    before which none was needed; of the moments without need those at boundaries of activity; and the users who have
    moments of both kinds."""

    needed: float
    free: float
    episodes: float = 0.0
    preceded: float = 0.0
    free_boundaries: float = 0.0
    users: float = 0.0

    @property
    def moments(self) -> float:
        """How many moments are labelled."""
        return self.needed + self.free


def _labelled(moments: Moments, rule: NeedRule, chosen: NDArray[np.int64]) -> Labelled:
    need, episodes = moments.need(rule), moments.episodes(rule)
    users, _ = moments.users.weights(np.ones(moments.count))
    values = (need == 1, need == 0, episodes.first, episodes.preceded, (need == 0) & moments.boundaries, users)
    sums = moments.per_trace(np.stack(values, axis=1).astype(float))[chosen].sum(axis=0)
    return Labelled(*sums.tolist())


def never(labelled: Labelled) -> Counts:
    """Counts of an agent that is always silent."""
    counts = zeros()
    counts[[C.FN, C.NEED_SILENCES, C.HELP_DELAY]] = labelled.needed
    counts[[C.TN, C.FREE_SILENCES]] = labelled.free
    counts[C.BOUNDARY_FREE_SILENCES] = labelled.free_boundaries
    counts[C.EPISODES], counts[C.EPISODES_PRECEDED] = labelled.episodes, labelled.preceded
    counts[C.MOMENTS] = labelled.moments
    counts[[C.USERS_NEEDING, C.USERS_FREE, C.USERS_SPARED]] = labelled.users
    return counts


def always(labelled: Labelled) -> Counts:
    """Counts of an agent that is never silent; whether its offers are accepted is not known."""
    counts = zeros()
    counts[[C.NEED_OFFERS, C.EPISODE_OFFERS]], counts[C.FREE_OFFERS] = labelled.needed, labelled.free
    counts[C.BOUNDARY_FREE_OFFERS] = labelled.free_boundaries
    counts[[C.EPISODES, C.EPISODES_HELPED]] = labelled.episodes
    counts[[C.EPISODES_PRECEDED, C.EPISODES_EARLY]] = labelled.preceded
    counts[[C.MOMENTS, C.OFFERS]] = labelled.moments
    counts[[C.USERS_NEEDING, C.USERS_FREE, C.USERS_MET]] = labelled.users
    return counts


@lru_cache(maxsize=256)
def _metrics(
    agent: Callable[[Labelled], Counts], labelled: Labelled, given: frozenset[Need], known: tuple[str, ...]
) -> tuple[tuple[str, float], ...]:
    """What is defined of an agent's metrics; the same for every run on the same traces."""
    counts = agent(labelled)
    lacking = {need: "not known of it" for need in Need if need not in given}
    values = (
        (metric.key, value_of(metric, counts, lacking)[0])
        for metric in map(METRICS.__getitem__, known)
        if metric.measure is not None and metric.needs and not metric.stated
    )
    return tuple((key, value) for key, value in values if value is not None)
