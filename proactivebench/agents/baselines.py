"""Trivial and informed agents that put every score in its place. They answer in the protocol's own format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proactivebench.agents.base import Agent, Answer, Request
from proactivebench.errors import UsageError
from proactivebench.protocols.base import Protocol
from proactivebench.records import AgentIdentity, Moment, NeedRule, Task, TaskVotes, digest

GENERIC_OFFER = "Help with what you are doing right now."

Offer = Callable[[Request], str | None]


class BaselineAgent(Agent):
    """`BaselineAgent(name, args, *, protocol, task, hears_need=None)`; `args` holds `p` for `random` and `rule` for
    `need-oracle`; `hears_need` says for `lexical-need` where to offer.

    Raises `UsageError` for unknown names and arguments, and where `oracle`, `need-oracle` or `best-candidate` meet
    moments without labels. The same task, seed and protocol always give the same answers, in whatever order they are
    asked.
    """

    deterministic = True

    def __init__(
        self,
        name: str,
        args: Mapping[str, str] | None = None,
        *,
        protocol: Protocol,
        task: Task,
        hears_need: Callable[[Moment], bool] | None = None,
    ) -> None:
        given = dict(args or {})
        p = _rate(given.pop("p", "0.5")) if name == "random" else None
        rule = _rule(given.pop("rule", NeedRule.UNANIMOUS)) if name == "need-oracle" else NeedRule.UNANIMOUS
        if given:
            takes = {"random": "; it has p", "need-oracle": "; it has rule"}.get(name, "")
            raise UsageError(f"{name}: takes no argument {', '.join(sorted(given))}{takes}")
        if name in ("oracle", "best-candidate"):
            _refuse_unlabelled(name, task)
        if name == "need-oracle":
            _refuse_without_need(name, task)
        self._offer = offer_of(name, p=p, rule=rule, hears_need=hears_need)
        self._protocol = protocol
        self.identity = AgentIdentity(
            model=name,
            model_args=({} if p is None else {"p": str(p)}) | ({"rule": rule.value} if name == "need-oracle" else {}),
            name=name if p is None else f"{name} (p={p:g})",
        )

    async def answer(self, request: Request) -> Answer:
        """The offer, or silence, rendered as the protocol's reply."""
        offer = self._offer(request)
        return Answer(text=self._protocol.render([] if offer is None else [offer]), finish_reason="stop")


def best_voted(moment: Moment) -> TaskVotes | None:
    """The stored task with the largest share of votes for it; ties go to more votes, then to the earlier one."""
    tasks: Sequence[TaskVotes] = moment.labels.tasks if moment.labels else ()
    return max(tasks, key=lambda task: (sum(task.votes) / len(task.votes), len(task.votes)), default=None)


def fraction(*key: str | int) -> float:
    """A number in [0, 1) that depends on `key` alone: the same on every machine, in every order, after every resume."""
    return int(digest(key)[:13], 16) / (1 << 52)  # thirteen hex digits are what a float holds exactly


def offer_of(
    name: str,
    *,
    p: float | None = None,
    rule: NeedRule = NeedRule.UNANIMOUS,
    hears_need: Callable[[Moment], bool] | None = None,
) -> Offer:
    """What the baseline `name` offers, or None for silence, as a function of what it is asked. Raises `UsageError` for
    unknown names."""
    offers: dict[str, Offer] = {
        "never": lambda _: None,
        "always": lambda _: GENERIC_OFFER,
        "random": lambda request: GENERIC_OFFER if _drawn(request) < (p or 0) else None,
        "parrot": lambda request: request.moment.events[-1].event,
        "skip-first": lambda request: GENERIC_OFFER if request.moment.turn else None,
        "need-oracle": lambda request: GENERIC_OFFER if _needed(request.moment, rule) else None,
        "lexical-need": lambda request: GENERIC_OFFER if hears_need and hears_need(request.moment) else None,
        "oracle": lambda request: _text(best_voted(request.moment), only_accepted=True),
        "best-candidate": lambda request: _text(best_voted(request.moment), only_accepted=False),
    }
    if name not in offers:
        raise UsageError(f"{name}: no such baseline; there are {', '.join(offers)}")
    if name == "lexical-need" and hears_need is None:
        raise UsageError(f"{name}: nobody here can hear a need for it")
    return offers[name]


def _drawn(request: Request) -> float:
    return fraction(request.seed, request.repeat, request.moment.trace.trace_id, request.moment.turn)


def _text(best: TaskVotes | None, *, only_accepted: bool) -> str | None:
    return best.task if best and (best.accepted or not only_accepted) else None


def _rate(stated: str) -> float:
    try:
        p = float(stated)
    except ValueError:
        p = -1.0
    if not 0 <= p <= 1:
        raise UsageError(f"random: p={stated} is no share of moments; give a number from 0 to 1")
    return p


def _rule(stated: str) -> NeedRule:
    if stated not in list(NeedRule):
        raise UsageError(f"need-oracle: rule={stated} is no rule of need: give {' or '.join(NeedRule)}")
    return NeedRule(stated)


def _needed(moment: Moment, rule: NeedRule) -> bool:
    return bool(moment.labels and moment.labels.needs(rule))


def _refuse_without_need(name: str, task: Task) -> None:
    if task.unlabelled:
        raise UsageError(
            f"{name}: {task.unlabelled} of {task.moments} moments of {task.name} carry no need label; "
            "it offers where help was needed, so choose a labelled task or another agent"
        )


def _refuse_unlabelled(name: str, task: Task) -> None:
    if task.unlabelled:
        raise UsageError(
            f"{name}: {task.unlabelled} of {task.moments} moments of {task.name} carry no votes; "
            "it offers what people voted on, so choose a labelled task or another agent"
        )
    if not any(label and label.tasks for trace in task.traces for label in trace.labels or ()):
        raise UsageError(
            f"{name}: none of the {task.moments} moments of {task.name} has a voted task to offer; "
            "choose a task with votes or another agent"
        )
