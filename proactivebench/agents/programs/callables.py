"""Agents written in Python: a function, a class with `act`, an object of one."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

from proactivebench.agents.base import Call, Turn
from proactivebench.agents.contract import Moment
from proactivebench.agents.programs.actions import answer_of
from proactivebench.agents.programs.calling import Caller, Late, Raised
from proactivebench.agents.programs.program import NoAnswer, Program, lived, start_of
from proactivebench.errors import BadArgument
from proactivebench.models.base import Answer
from proactivebench.records import AgentIdentity
from proactivebench.records import Moment as MomentOfTrace

Act = Callable[[Moment], Any]


class CallableAgent(Program):
    """`CallableAgent(target, call)`: `target` is a function of a moment, a class with `act`, or an object with it; the
    arguments of `call` are the function's further ones, or those the class is made with.

    A class, and an object with `start`, give a fresh agent for each trace and repeat. Raises `UsageError` for what
    cannot be called with a moment, and for arguments that do not fit.
    """

    def __init__(self, target: Any, call: Call, *, word: str | None = None) -> None:
        protocol, _ = call.setting
        super().__init__(protocol, concurrency=call.concurrency, timeout_s=call.timeout_s)
        word = word or call.word
        self._target = target
        self._fresh = _maker(target, call.args, word)
        self._caller = Caller()
        self._living: dict[tuple[str, int, int], Any] = {}
        self._over: list[Any] = []
        self.identity = AgentIdentity(model=word, model_args=dict(call.args), name=_name(target, word))

    async def ask(self, request: Turn, moment: Moment) -> Answer:
        """What the agent of this trace returns."""
        came = perf_counter()
        async with self.slots:
            queue_s = perf_counter() - came
            await self._let_go()
            try:
                agent = await self._agent(request)
                returned = await self._call(_act(agent), moment)
            except (Late, Raised) as fault:
                raise NoAnswer(str(fault)) from fault
        return replace(answer_of(returned, self.protocol), queue_s=queue_s)

    def released(self, moment: MomentOfTrace, repeat: int) -> None:
        """The agent of a trace that is over is let go."""
        agent = self._living.pop(self.place(moment, repeat), None)
        if agent is not None and agent is not self._target:
            self._over.append(agent)

    async def close(self) -> None:
        """Let go of all agents."""
        self._over += [agent for agent in self._living.values() if agent is not self._target]
        if not inspect.isclass(self._target):
            self._over.append(self._target)
        self._living.clear()
        await self._let_go()
        await self._caller.close()

    async def _agent(self, request: Turn) -> Any:
        """The agent that lives through this trace, made where it begins, or where it goes on in another sitting."""
        place = self.place(request.moment, request.repeat)
        if place not in self._living:
            agent = await self._call(self._fresh, start_of(request, self.protocol.identity))
            if agent is None:
                raise BadArgument(f"{self.identity.name}: start returned None: return the agent for the trace")
            remember = getattr(agent, "remember", None)
            if callable(remember):
                for moment, action in lived(request, self.protocol.identity):
                    await self._call(remember, moment, action)
            self._living[place] = agent
        return self._living[place]

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._caller.call(function, *args, timeout_s=self.timeout_s)

    async def _let_go(self) -> None:
        over, self._over = self._over, []
        for agent in over:
            close = getattr(agent, "close", None)
            if callable(close) and not inspect.isroutine(agent):
                try:
                    await self._call(close)
                except (Late, Raised):
                    continue  # it is over: how it leaves changes nothing


def is_agent(target: object) -> bool:
    """Whether `target` is a Python agent: it can be called, or has `act`."""
    return callable(target) or callable(getattr(target, "act", None))


def _maker(target: Any, args: Mapping[str, str], word: str) -> Callable[..., Any | Awaitable[Any]]:
    """What gives the agent for a trace. Raises `UsageError` where there can be none."""
    if not is_agent(target):
        raise BadArgument(f"{word}: {type(target).__name__} is no agent: give a function of a moment, or what has act")
    if inspect.isclass(target):
        if _acting(target) is None:
            raise BadArgument(f"{word}: the class {target.__name__} has no act(moment): add it")
        return _of_class(target, args, word)
    if callable(getattr(target, "act", None)):
        _refuse_args(args, word)
        _check(target.act, word)
        return _of_object(target)
    _check(target, word, args)
    act = partial(target, **args) if args else target
    return lambda _: act


def _of_class(target: Any, args: Mapping[str, str], word: str) -> Callable[..., Any]:
    try:
        inspect.signature(target).bind(**args)
    except TypeError as error:
        raise BadArgument(f"{word}: {error}: correct --model_args") from error
    except ValueError:  # no signature to read
        pass
    _check(partial(_acting(target), None), word)
    starts = getattr(target, "start", None)

    def fresh(trace: Any) -> Any:
        agent = target(**args)
        return agent.start(trace) if callable(starts) else agent

    return fresh


def _acting(target: type[Any]) -> Any:
    """The function that objects of a class act with; None where there is none."""
    return getattr(target, "act", None) or vars(target).get("__call__")


def _of_object(target: Any) -> Callable[..., Any]:
    start = getattr(target, "start", None)
    return start if callable(start) else lambda _: target


def _act(agent: Any) -> Act:
    act = getattr(agent, "act", None)
    found: Act = act if callable(act) else agent
    return found


def _check(function: Any, word: str, args: Mapping[str, str] | None = None) -> None:
    """Raise `UsageError` where a function cannot be called with a moment and these arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # written in C: found out when it is called
    try:
        signature.bind(None, **(args or {}))
    except TypeError as error:
        raise BadArgument(f"{word} cannot be called with a moment ({error}): define it as f(moment, …)") from error


def _refuse_args(args: Mapping[str, str], word: str) -> None:
    if args:
        raise BadArgument(f"{word} is made already and takes no {', '.join(args)}: leave out --model_args")


def _name(target: Any, word: str) -> str:
    """What tables call it: the name it gives itself, else its word."""
    stated = getattr(target, "name", None)
    return stated if isinstance(stated, str) and stated.strip() else word
