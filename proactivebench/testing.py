"""Parts for tests of your own: agents, models and judges that do what they are told, and a small labelled task.

Nothing here needs a network or a model, and the same script always gives the same run.

    from proactivebench import evaluate
    from proactivebench.testing import ScriptedJudge, small_task

    report = evaluate(my_agent, small_task(), ScriptedJudge(accepts=["Run the tests."]), output_path=tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from proactivebench.agents.contract import Acted, Agent, Moment
from proactivebench.judging.base import Item, Judge, Opinion
from proactivebench.models.base import Answer, Model, Request
from proactivebench.records import (
    AgentIdentity,
    Event,
    JudgeIdentity,
    MomentLabels,
    Task,
    TaskVotes,
    Trace,
    VerdictStatus,
    digest,
)

__all__ = ["ScriptedAgent", "ScriptedJudge", "ScriptedModel", "small_task"]

Script = Mapping[int, Acted | Exception] | Callable[[Moment], Acted | Exception]


class ScriptedAgent(Agent):
    """Acts as `script` says: by turn (silent where it says nothing), or a function of the moment. An exception in it is
    raised. `moments` are all that it was shown, in order of arrival."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.moments: list[Moment] = []

    def act(self, moment: Moment) -> Acted:
        """What the script says."""
        self.moments.append(moment)
        said = self.script(moment) if callable(self.script) else self.script.get(moment.turn)
        if isinstance(said, Exception):
            raise said
        return said


class ScriptedModel(Model):
    """Completes conversations with `texts`, one after the other and the last one for ever, or with what a function of
    the request gives. `requests` are all that it was asked."""

    def __init__(self, texts: Sequence[str] | Callable[[Request], str], *, name: str = "scripted-model") -> None:
        if not callable(texts) and not texts:
            raise ValueError("a model says something: give at least one text")
        self.texts = texts
        self.requests: list[Request] = []
        self.identity = AgentIdentity(model="scripted", name=name)

    async def complete(self, request: Request) -> Answer:
        """The next text."""
        self.requests.append(request)
        if callable(self.texts):
            return Answer(self.texts(request), finish_reason="stop")
        return Answer(self.texts[min(len(self.requests), len(self.texts)) - 1], finish_reason="stop")


class ScriptedJudge(Judge):
    """Accepts the offers in `accepts` (None: every offer) and rejects the others; a silence is right where `silences`
    says so: all, none, or by a function of the item. `unsure` offers get no verdict. `items` are all it was asked."""

    def __init__(
        self,
        *,
        accepts: Iterable[str] | None = None,
        silences: bool | Callable[[Item], bool] = True,
        unsure: Iterable[str] = (),
        name: str = "scripted",
    ) -> None:
        self.accepts = None if accepts is None else frozenset(accepts)
        self.silences, self.unsure = silences, frozenset(unsure)
        self.items: list[Item] = []
        known = None if self.accepts is None else sorted(self.accepts)
        spelled = silences if isinstance(silences, bool) else getattr(silences, "__qualname__", "a function")
        hashed = digest([name, known, spelled, sorted(self.unsure)])
        self.identity = JudgeIdentity(
            id=f"{name}-{hashed[:8]}", name=name, hash=hashed, silence=name, proposals=name, deterministic=True
        )

    async def judge(self, items: Sequence[Item]) -> list[Opinion | None]:
        """The verdicts of the script."""
        self.items.extend(items)
        return [self._opinion(item) for item in items]

    def _opinion(self, item: Item) -> Opinion:
        if item.proposal is None:
            right = self.silences if isinstance(self.silences, bool) else self.silences(item)
        elif item.proposal in self.unsure:
            return Opinion(VerdictStatus.UNSCORED, self.identity.name, cause="unsure")
        else:
            right = self.accepts is None or item.proposal in self.accepts
        reason = None if right else "The script says no."
        return Opinion(VerdictStatus.ACCEPTED if right else VerdictStatus.REJECTED, self.identity.name, reason=reason)


def small_task(*lengths: int) -> Task:
    """A labelled task with one trace for each length, in moments. Help is needed at odd turns, where people accept
    "Help with step N." for turn N."""
    return Task(
        name="small",
        version="1",
        revision="0",
        licence="Apache-2.0",
        date="2026-01-01",
        source="proactivebench.testing",
        traces=tuple(_trace(number, length) for number, length in enumerate(lengths or (3, 2))),
    )


def _trace(number: int, length: int) -> Trace:
    turns = range(length)
    return Trace(
        trace_id=f"trace_{number}",
        split="coding" if number % 2 == 0 else "writing",
        events=tuple(
            Event(time=str(1000 + 30 * turn), event=f"The user works on step {turn} of task {number}.")
            for turn in turns
        ),
        labels=tuple(
            MomentLabels(
                need=turn % 2 == 1, tasks=(TaskVotes(task=f"Help with step {turn}.", votes=(turn % 2 == 1,) * 3),)
            )
            for turn in turns
        ),
    )
