"""lm-eval's missing multi-turn: a request type of our own, which `evaluate` finds as a method of every model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from proactivebench.lm_eval_plugin.session import Session

REQUEST = "proactivebench_rollout"


def install() -> None:
    """Give every lm-eval model the method that answers our requests."""
    from lm_eval.api.model import LM

    setattr(LM, REQUEST, roll_out)


def roll_out(lm: LM, requests: Sequence[Any]) -> list[str]:
    """A transcript per request; a request that comes n times asks for n repeats."""
    sessions: dict[int, Session] = {id(request.proactivebench): request.proactivebench for request in requests}
    found = {
        key: session.roll_out(
            lm,
            [request.doc["trace_id"] for request in requests if id(request.proactivebench) == key],
            alone=len(sessions) == 1,
        )
        for key, session in sessions.items()
    }
    for request in requests:  # replayed answers were asked with something else, which is known by now
        request.arguments = (request.arguments[0], request.proactivebench.asked())
    waiting = {key: {name: iter(texts) for name, texts in by_trace.items()} for key, by_trace in found.items()}
    return [next(waiting[id(request.proactivebench)][request.doc["trace_id"]]) for request in requests]
