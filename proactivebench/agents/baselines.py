"""Trivial and informed agents that put every score in its place. They answer in the protocol's own format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proactivebench.agents.base import Actor, Call, Turn
from proactivebench.errors import BadArgument, UnknownName, UsageError
from proactivebench.models.base import Answer
from proactivebench.records import OFFER_RULES, AgentIdentity, Moment, NeedRule, Task, TaskVotes, digest

if TYPE_CHECKING:
    from proactivebench.protocols.base import Protocol

GENERIC_OFFER = "Help with what you are doing right now."

Offer = Callable[[Turn], str | None]


@dataclass(frozen=True, slots=True)
class Argument:
    """The one argument a baseline may take: its name, what it is where nothing is said, and how its text is read.
    `shown`: it stands in the agent's name."""

    name: str
    default: str
    read: Callable[[str], Any]
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trivial or informed agent: `offer(request, value)` is its offer at a moment, or None for silence, where `value`
    is that of its argument. `refuse(word, task, value)` raises `UsageError` for tasks it cannot answer."""

    word: str
    about: str
    offer: Callable[[Turn, Any], str | None]
    argument: Argument | None = None
    refuse: Callable[[str, Task, Any], None] | None = None

    @property
    def takes(self) -> str:
        """Its `--model_args`, as help has them."""
        return f"{self.argument.name}={self.argument.default}" if self.argument else ""

    def offers(self, value: str | None = None) -> Offer:
        """What it offers, as a function of what it is asked alone; `value` is the text of its argument."""
        read = self.argument.read(value or self.argument.default) if self.argument else None
        return lambda request: self.offer(request, read)

    def agent(self, call: Call) -> BaselineAgent:
        """The agent that a call asks for."""
        protocol, task = call.setting
        return BaselineAgent(self, call.args, protocol=protocol, task=task)


class BaselineAgent(Actor):
    """`BaselineAgent(baseline, args, *, protocol, task)`.

    Raises `UsageError` for unknown arguments, and where the baseline refuses the task. The same task, seed and protocol
    always give the same answers, in whatever order they are asked.
    """

    asked_once = True

    def __init__(
        self, baseline: Baseline, args: Mapping[str, str] | None = None, *, protocol: Protocol, task: Task
    ) -> None:
        given, argument, word = dict(args or {}), baseline.argument, baseline.word
        value = argument.read(given.pop(argument.name, argument.default)) if argument else None
        if given:
            takes = f"; it has {argument.name}" if argument else ""
            raise UnknownName(f"{word}: takes no argument {', '.join(sorted(given))}{takes}")
        if baseline.refuse:
            baseline.refuse(word, task, value)
        self._offer: Offer = lambda request: baseline.offer(request, value)
        self._protocol = protocol
        self.identity = AgentIdentity(
            model=word,
            model_args={argument.name: str(value)} if argument else {},
            name=f"{word} ({argument.name}={value:g})" if argument and argument.shown else word,
        )

    async def answer(self, request: Turn) -> Answer:
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


def _drawn(request: Turn) -> float:
    return fraction(request.seed, request.repeat, request.moment.trace.trace_id, request.moment.turn)


def _text(best: TaskVotes | None, *, only_accepted: bool) -> str | None:
    return best.task if best and (best.accepted or not only_accepted) else None


def _rate(stated: str) -> float:
    try:
        p = float(stated)
    except ValueError:
        p = -1.0
    if not 0 <= p <= 1:
        raise BadArgument(f"random: p={stated} is no share of moments; give a number from 0 to 1")
    return p


def _rule(stated: str) -> NeedRule:
    if stated not in list(NeedRule):
        raise BadArgument(f"need-oracle: rule={stated} is no rule of need: give {' or '.join(NeedRule)}")
    return NeedRule(stated)


def _needed(moment: Moment, rule: NeedRule) -> bool:
    return bool(moment.labels and moment.labels.needs(rule))


def _refuse_without_need(name: str, task: Task, rule: NeedRule) -> None:
    lacking, lead = task.lacking(rule), task.need_rules[0]
    if lacking and not (rule is lead and task.labelled):
        said = "" if task.need_rules == OFFER_RULES and rule in OFFER_RULES else f" by rule={rule}"
        other = f", rule={lead}" if task.labelled and lead is not rule else ""
        raise UsageError(
            f"{name}: {lacking} of {task.moments} moments of {task.name} carry no need label{said}; "
            f"it offers where help was needed, so choose a labelled task{other} or another agent"
        )


def _refuse_unlabelled(name: str, task: Task, _: None) -> None:
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


BASELINES = (
    Baseline("never", "stays silent at every moment", lambda *_: None),
    Baseline("always", "makes the same generic offer at every moment", lambda *_: GENERIC_OFFER),
    Baseline(
        "random",
        "makes that offer at a share of moments",
        lambda request, p: GENERIC_OFFER if _drawn(request) < p else None,
        Argument("p", "0.5", _rate, shown=True),
    ),
    Baseline("parrot", "offers the last event back", lambda request, _: request.moment.events[-1].event),
    Baseline(
        "skip-first",
        "makes that offer at every moment but a trace's first",
        lambda request, _: GENERIC_OFFER if request.moment.turn else None,
    ),
    Baseline(
        "need-oracle",
        "makes that offer exactly where help was needed (needs need labels)",
        lambda request, rule: GENERIC_OFFER if _needed(request.moment, rule) else None,
        Argument("rule", NeedRule.UNANIMOUS.value, _rule),
        _refuse_without_need,
    ),
    Baseline(
        "oracle",
        "offers the best-voted task where a majority accepts it, else silence (needs stored votes)",
        lambda request, _: _text(best_voted(request.moment), only_accepted=True),
        refuse=_refuse_unlabelled,
    ),
    Baseline(
        "best-candidate",
        "offers the best-voted task at every moment (needs stored votes)",
        lambda request, _: _text(best_voted(request.moment), only_accepted=False),
        refuse=_refuse_unlabelled,
    ),
)
