"""`run --dry_run`: what would be asked, about how many tokens and what they cost. Nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from proactivebench.agents.base import Turn
from proactivebench.agents.programs.messages import moment_message
from proactivebench.agents.programs.program import Program, moment_of
from proactivebench.agents.replay.agent import ReplayAgent
from proactivebench.evaluation import Evaluation
from proactivebench.records import Decoding, Moment


def describe(evaluation: Evaluation, prices: Path | None) -> Iterator[str]:
    """The lines that describe a run beforehand. Raises what reading the price table raises."""
    from proactivebench.protocols import estimate_prompt_tokens

    traces = evaluation.task.traces[: evaluation.limit]
    once = estimate_prompt_tokens(traces, evaluation.protocol)
    requests = once.conversations * evaluation.repeats
    prompt = once.prompt_tokens * evaluation.repeats
    completion = requests * evaluation.decoding.max_gen_toks if evaluation.decoding else 0
    protocol = evaluation.protocol.identity
    yield f"{evaluation.agent.identity.name} on {evaluation.task.name}, protocol {protocol.name}"
    if isinstance(evaluation.agent, ReplayAgent):
        yield f"{requests} stored answers are read, and nothing is asked"
        return
    if isinstance(evaluation.agent, Program):
        yield from _put_to(evaluation.agent, evaluation, requests)
        return
    yield f"{requests} requests: {once.conversations} moments of {len(traces)} traces × {evaluation.repeats}"
    if protocol.feedback_rounds:
        yield f"up to {requests * (1 + protocol.feedback_rounds)} with feedback rounds"
    yield f"about {prompt:,} prompt tokens (characters / 4), at most {completion:,} completion tokens"
    if prices is not None:
        from proactivebench.scoring.efficiency import load_prices

        price = load_prices(prices, evaluation.agent.identity.name)
        least = prompt * price.prompt / 1e6
        most = least + completion * price.completion / 1e6
        yield f"about {least:.2f} to {most:.2f} {price.currency}, prefix caches and judge not counted"
    yield "the first request:"
    for message in evaluation.protocol.conversation(Moment(traces[0], 0), ()):
        yield f"--- {message.role}"
        yield message.content


def _put_to(agent: Program, evaluation: Evaluation, moments: int) -> Iterator[str]:
    """What a program would be asked: no prompt, but moments."""
    identity, rounds = agent.identity, evaluation.protocol.identity.feedback_rounds
    yield f"{moments} moments are put to {identity.name}" + (f", each up to {1 + rounds} times" if rounds else "")
    if identity.code is not None:
        yield f"its code: {identity.code.package}, sha256 {identity.code.sha256 or 'unknown'}"
    first = Turn((), Decoding(), moment=Moment(evaluation.task.traces[0], 0), seed=evaluation.seed)
    yield "the first moment, as a process or a server gets it:"
    yield json.dumps(moment_message(moment_of(first, evaluation.protocol.identity), "1"), ensure_ascii=False)
