"""`run --dry_run`: what would be asked, about how many tokens and what they cost. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proactivebench.agents.replay import ReplayAgent
from proactivebench.evaluation import Evaluation
from proactivebench.records import Moment


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
