"""What numbers and names of a submission can be at all: everything behind this may count, add and print them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from proactivebench.judging.spec import STRATA
from proactivebench.records import JudgeIdentity, Manifest, Reply, Usage, Verdict
from proactivebench.text.lookalikes import unseen

MAX_REPEATS, MAX_ROUNDS, MAX_CANDIDATES = 32, 8, 16
MAX_COUNT, MAX_SECONDS, MAX_TEMPERATURE = 10**12, 10**9, 1000
MAX_MEMBERS, MAX_CHAIN = 16, 300
MAX_OFFER, MAX_OFFERED = 16 * 1024, 8 * 1024 * 1024  # bytes of UTF-8: one offer, all offers of an entry
MAX_ADVICE, MAX_REASON, MAX_WORD = 16 * 1024, 4000, 200  # characters
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_QUESTION = re.compile(r"[0-9a-f]{16}\Z")


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
    """The field of a reply whose number or text cannot be; None where all can."""
    if reply.error is not None:
        return "error (a provider's words are private)"
    if reply.reasoning is not None:
        return "reasoning (it is private)"
    if _is_no_word(reply.finish_reason):
        return "finish_reason"
    if reply.advice is not None and len(reply.advice) > MAX_ADVICE:
        return "advice"
    if any(len(offer) > MAX_OFFER or len(offer.encode()) > MAX_OFFER for offer in reply.proposals):
        return f"proposals ({MAX_OFFER} bytes are allowed in one offer)"
    if reply.confidence is not None and not 0 <= reply.confidence <= 1:
        return "confidence"
    if reply.p_need is not None and not 0 <= reply.p_need <= 1:
        return "p_need"
    if not 0 <= reply.attempts < MAX_COUNT:
        return "attempts"
    if not 0 <= reply.dropped_turns < MAX_COUNT:
        return "dropped_turns"
    if _cost_excess(None, reply.queue_s):
        return "queue_s"
    return _cost_excess(reply.usage, reply.latency_s)


def verdict_excess(verdict: Verdict) -> str | None:
    """The field of a verdict whose number or text cannot be; None where all can."""
    if not _QUESTION.match(verdict.question):
        return "question"
    if _is_no_word(verdict.judge) or not verdict.judge:
        return "judge"
    if _is_no_word(verdict.cause):
        return "cause"
    if verdict.reason is not None and len(verdict.reason) > MAX_REASON:
        return f"reason ({MAX_REASON} characters are allowed)"
    if not 0 <= verdict.clipped < MAX_COUNT:
        return "clipped"
    return _cost_excess(verdict.usage, verdict.latency_s)


def offered_excess(replies: Iterable[Reply]) -> str | None:
    """What is wrong with all offers of an entry together; None where there is nothing."""
    size = sum(len(offer.encode()) for reply in replies for offer in reply.proposals)
    return f"all offers together have {size} bytes; {MAX_OFFERED} are allowed" if size > MAX_OFFERED else None


def _is_no_word(text: str | None) -> bool:
    """Whether a text is too long for a word, or has what nobody sees."""
    return text is not None and (len(text) > MAX_WORD or unseen(text) is not None)


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
    for stratum, stated in zip(STRATA, (judge.silence, judge.proposals), strict=True):
        members = [member.name for member in judge.chain(stratum)]
        spelled = max(len(stated or ""), sum(map(len, members)))
        if spelled > MAX_CHAIN or len(members) > MAX_MEMBERS or len(set(members)) < len(members):
            yield f"{judge.id} has a chain of more than {MAX_MEMBERS} members, or one of them twice"
