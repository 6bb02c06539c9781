"""What numbers and names of a submission can be at all: everything behind this may count, add and print them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proactivebench.records import JudgeIdentity, Manifest, Reply, Usage, Verdict

MAX_REPEATS, MAX_ROUNDS, MAX_CANDIDATES = 32, 8, 16
MAX_COUNT, MAX_SECONDS, MAX_TEMPERATURE = 10**12, 10**9, 1000
MAX_MEMBERS, MAX_CHAIN = 16, 1000
_HASH = re.compile(r"[0-9a-f]{64}\Z")


def manifest_excesses(manifest: Manifest) -> Iterator[str]:
    """What of a manifest no run could have."""
    protocol, decoding = manifest.protocol, manifest.decoding
    if not 1 <= manifest.repeats <= MAX_REPEATS:
        yield f"has {manifest.repeats} repeats; 1 to {MAX_REPEATS} are allowed"
    if not (0 <= protocol.feedback_rounds <= MAX_ROUNDS and 1 <= protocol.candidates <= MAX_CANDIDATES):
        yield f"at most {MAX_ROUNDS} feedback rounds and 1 to {MAX_CANDIDATES} candidates are allowed"
    if not -(2**63) <= manifest.seed < 2**63:
        yield "the seed has more than 64 bits"
    if decoding and (decoding.max_gen_toks >= MAX_COUNT or decoding.temperature > MAX_TEMPERATURE):
        yield f"max_gen_toks is below {MAX_COUNT}, a temperature at most {MAX_TEMPERATURE}"
    if not _HASH.match(protocol.hash):
        yield "the protocol's hash is not 64 hex digits"
    for judge in manifest.judges.values():
        yield from _judge_excesses(judge)


def reply_excess(reply: Reply) -> str | None:
    """The field of a reply whose number cannot be; None where all can."""
    if reply.confidence is not None and not 0 <= reply.confidence <= 1:
        return "confidence"
    if not 0 <= reply.attempts < MAX_COUNT:
        return "attempts"
    if not 0 <= reply.dropped_turns < MAX_COUNT:
        return "dropped_turns"
    return _cost_excess(reply.usage, reply.latency_s)


def verdict_excess(verdict: Verdict) -> str | None:
    """The field of a verdict whose number cannot be; None where all can."""
    if not 0 <= verdict.clipped < MAX_COUNT:
        return "clipped"
    return _cost_excess(verdict.usage, verdict.latency_s)


def _cost_excess(usage: Usage | None, latency_s: float | None) -> str | None:
    if latency_s is not None and not 0 <= latency_s < MAX_SECONDS:
        return "latency_s"
    if usage is not None:
        for name, tokens in usage:
            if tokens is not None and not 0 <= tokens < MAX_COUNT:
                return f"usage.{name}"
    return None


def _judge_excesses(judge: JudgeIdentity) -> Iterator[str]:
    if not _HASH.match(judge.hash):
        yield f"the hash of {judge.id} is not 64 hex digits"
    for chain in (judge.silence or "", judge.proposals or ""):
        members = chain.split("+")
        if len(chain) > MAX_CHAIN or len(members) > MAX_MEMBERS or len(set(members)) < len(members):
            yield f"{judge.id} has a chain of more than {MAX_MEMBERS} members, or one of them twice"
