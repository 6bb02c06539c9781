"""Replies, read once, as arrays: a slot per moment, repeat and round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from proactivebench.records import Cause, Fault, Moment, Note, Reply, ReplyStatus, Unclean, Usage
from proactivebench.scoring.moments import Moments
from proactivebench.scoring.questions import contexts, question
from proactivebench.scoring.similarity import similar, tokens

STATUSES = tuple(ReplyStatus)
MISSING = -1
_CODE = {status: code for code, status in enumerate(STATUSES)}
PROPOSED, ERROR = _CODE[ReplyStatus.PROPOSED], _CODE[ReplyStatus.ERROR]
_CLEAN = tuple(code for code, status in enumerate(STATUSES) if status.clean)
_NOTES = tuple(Note)
_CAUSES = (None, *Cause)
_FAULTS = (None, *Fault)

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Answers:
    """All replies of a run, shaped (moments, repeats, rounds). `status` is a code into `STATUSES`, or MISSING;
    `tokens` (prompt, cached, completion) is NaN where the server did not say."""

    moments: Moments
    status: NDArray[np.int8]
    offered: NDArray[np.int8]  # candidates offered
    notes: NDArray[np.int32]  # a bit per `Note`
    cause: NDArray[np.int8]  # a code into `_CAUSES`, of replies that are not clean
    fault: NDArray[np.int8]  # a code into `_FAULTS`
    confidence: NDArray[np.float64]
    latency: NDArray[np.float64]
    queue: NDArray[np.float64]
    tokens: NDArray[np.float64]
    texts: dict[int, tuple[str, ...]]  # offers by flat slot
    strays: int  # replies to moments the run was not asked about

    @cached_property
    def last(self) -> NDArray[np.int64]:
        """Index of the last round answered, (moments, repeats); 0 where nothing was."""
        rounds = self.status.shape[2]
        answered = (self.status != MISSING)[:, :, ::-1]
        return np.where(answered.any(axis=2), rounds - 1 - answered.argmax(axis=2), 0)

    def at(self, values: NDArray[T], rounds: NDArray[np.int64]) -> NDArray[T]:
        """`values` of the given round at each (moment, repeat)."""
        chosen: NDArray[T] = np.take_along_axis(values, rounds[:, :, None], axis=2)[:, :, 0]
        return chosen

    def count_causes(self, *causes: Cause) -> int:
        """How many last answers are unclean for one of some causes."""
        codes = [_CAUSES.index(cause) for cause in causes]
        return int(np.isin(self.at(self.cause, self.last), codes).sum())

    def trace_of(self, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """The traces that moments, counted through all of them, belong to."""
        return np.searchsorted(self.moments.starts, moments, side="right") - 1

    def moment(self, slot: int) -> Moment:
        """The moment of a flat slot."""
        place = slot // (self.status.shape[1] * self.status.shape[2])
        trace = int(np.searchsorted(self.moments.starts, place, side="right")) - 1
        return Moment(self.moments.traces[trace], place - int(self.moments.starts[trace]))

    def rounds_of(self, view: str) -> NDArray[np.int64]:
        """The round that counts in `view`: the first in `round0`, else the last."""
        return np.zeros_like(self.last) if view == "round0" else self.last

    def flat(self, rounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Flat slots of the given rounds, (moments, repeats)."""
        moments, repeats, width = self.status.shape
        slots: NDArray[np.int64] = (np.arange(moments)[:, None] * repeats + np.arange(repeats)) * width + rounds
        return slots

    @cached_property
    def questions(self) -> NDArray[np.uint64]:
        """The question hash of each slot's candidates (the first column for a silence); 0 where there is none."""
        moments = self.moments
        width = self.status.shape[1] * self.status.shape[2]
        hashes = np.zeros((self.status.size, moments.candidates), dtype=np.uint64)
        first = 0
        for trace, start in zip(moments.traces, moments.starts.tolist(), strict=False):
            status = self.status[start : start + len(trace.events)].reshape(-1, width).tolist()
            for context, row in zip(contexts(trace), status, strict=True):
                silence = question(context, None)
                for slot, code in enumerate(row, first):
                    if code == PROPOSED:
                        for place, text in enumerate(self.texts[slot]):
                            hashes[slot, place] = question(context, text)
                    elif code not in (MISSING, ERROR):
                        hashes[slot, 0] = silence
                first += width
        return hashes

    @cached_property
    def repeated(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which final offers have an earlier offer in their trace, and which of those repeat it; (moments, repeats)."""
        rounds = self.last
        offers = self.at(self.status, rounds) == PROPOSED
        slots = self.flat(rounds)
        following, alike = np.zeros_like(offers), np.zeros_like(offers)
        bounds = self.moments.starts
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            for repeat in range(offers.shape[1]):
                previous: list[frozenset[str]] | None = None
                for now in (start + np.flatnonzero(offers[start:end, repeat])).tolist():
                    offer = [tokens(text) for text in self.texts[int(slots[now, repeat])]]
                    if previous is not None:
                        following[now, repeat] = True
                        alike[now, repeat] = similar(previous, offer)
                    previous = offer
        return following, alike

    def final(self, status: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Which of the given status codes are final answers."""
        answered: NDArray[np.bool_] = (status != MISSING) & (status != ERROR)
        return answered

    def clean(self, status: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Which of the given status codes are clean."""
        return np.isin(status, _CLEAN)


def read_replies(moments: Moments, replies: Iterable[Reply]) -> Answers:
    """The arrays of `replies`. A later reply to the same key replaces an earlier one; one outside the run is counted
    as stray and left out."""
    shape = (moments.count, moments.repeats, moments.rounds)
    size = moments.count * moments.repeats * moments.rounds
    status = np.full(size, MISSING, dtype=np.int8)
    offered = np.zeros(size, dtype=np.int8)
    notes = np.zeros(size, dtype=np.int32)
    cause = np.zeros(size, dtype=np.int8)
    fault = np.zeros(size, dtype=np.int8)
    confidence = np.full(size, np.nan)
    latency = np.full(size, np.nan)
    queue = np.full(size, np.nan)
    tokens = np.full((size, 3), np.nan)
    texts: dict[int, tuple[str, ...]] = {}
    strays = 0
    for reply in replies:
        slot = _slot(moments, reply)
        if slot is None:
            strays += 1
            continue
        status[slot] = _CODE[reply.status]
        if reply.status is ReplyStatus.PROPOSED:
            texts[slot] = reply.proposals[: moments.candidates]
            offered[slot] = len(texts[slot])
        else:
            texts.pop(slot, None)
            offered[slot] = 0
        notes[slot] = sum(1 << _NOTES.index(note) for note in set(reply.notes)) if reply.notes else 0
        clean = reply.status.clean
        cause[slot] = 0 if clean else _CAUSES.index(reply.cause)
        fault[slot] = 0 if clean else _FAULTS.index(reply.fault)
        confidence[slot] = np.nan if reply.confidence is None else reply.confidence
        latency[slot] = np.nan if reply.latency_s is None else reply.latency_s
        queue[slot] = np.nan if reply.queue_s is None else reply.queue_s
        tokens[slot] = np.nan if reply.usage is None else _tokens(reply.usage)
    return Answers(
        moments=moments,
        status=status.reshape(shape),
        offered=offered.reshape(shape),
        notes=notes.reshape(shape),
        cause=cause.reshape(shape),
        fault=fault.reshape(shape),
        confidence=confidence.reshape(shape),
        latency=latency.reshape(shape),
        queue=queue.reshape(shape),
        tokens=tokens.reshape(*shape, 3),
        texts=texts,
        strays=strays,
    )


def count_notes(notes: NDArray[np.int32]) -> dict[str, int]:
    """How often each note stands on the given replies; notes that never occur are left out."""
    if not notes.any():
        return {}
    found = {note.value: int(((notes >> bit) & 1).sum()) for bit, note in enumerate(_NOTES)}
    return {name: count for name, count in found.items() if count}


def count_unclean(answers: Answers) -> Unclean:
    """The final replies that count (the last round of each moment and repeat), the unclean ones by cause and fault."""
    last = answers.last
    status, cause, fault = (answers.at(values, last) for values in (answers.status, answers.cause, answers.fault))
    found: dict[str, dict[str, int]] = {name.value: {} for name in Fault}
    for code, name in enumerate(_FAULTS):
        if name is not None and (here := fault == code).any():
            kinds, counts = np.unique(np.stack([status[here], cause[here]]), axis=1, return_counts=True)
            for (kind, why), count in zip(kinds.T.tolist(), counts.tolist(), strict=True):
                found[name][":".join(filter(None, (STATUSES[kind], _CAUSES[why])))] = count
    return Unclean(replies=int(answers.final(status).sum()), **found)


def count_statuses(status: NDArray[np.int8]) -> dict[str, int]:
    """How often each status occurs, all of them named, and how many replies are missing."""
    counts = np.bincount(status.ravel() - MISSING, minlength=len(STATUSES) + 1).tolist()
    return {**dict(zip((name.value for name in STATUSES), counts[1:], strict=True)), "missing": counts[0]}


def _slot(moments: Moments, reply: Reply) -> int | None:
    start, length = moments.place.get(reply.trace_id, (0, 0))
    if not (0 <= reply.turn < length and 0 <= reply.repeat < moments.repeats and 0 <= reply.round < moments.rounds):
        return None
    return ((start + reply.turn) * moments.repeats + reply.repeat) * moments.rounds + reply.round


def _tokens(usage: Usage) -> tuple[float, float, float]:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    if prompt is None or completion is None:
        return np.nan, np.nan, np.nan
    return prompt, usage.cached_tokens or 0, completion
